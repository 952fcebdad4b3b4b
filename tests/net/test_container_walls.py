"""Attempts to get out of a container, each row of them named after its class (S27 to S37).

What holds by construction is tried here once and sharply; test_container_siege.py tries the same
again at length.  As root or inside `unshare -Urnm`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.birth import born_with, steps_of
from tests.kit.pod import Pod, init, little_root, pods


@pytest.fixture
def pod() -> Iterator[Pod]:
    yield from pods()


@pytest.fixture
def root(pod: Pod) -> Path:
    return little_root(pod.folder / "root")


# ---- paths ---------------------------------------------------------------------

PROBE = """
for d in /proc /sys /dev /moved; do
  [ -e $d/keys ] && [ ! -c $d/keys ] && echo OPEN $d/keys
  [ -w $d/sys/kernel/core_pattern ] && echo OPEN $d/sys
  [ -w $d/sysrq-trigger ] && echo OPEN $d/sysrq-trigger
  [ -e $d/firmware ] && ls $d/firmware | while read name; do echo OPEN $d/firmware; done
  [ -e $d/uevent_seqnum ] || [ -e $d/kernel ] && touch $d/kernel/x 2>&- && echo OPEN $d
done
[ -e /proc/self/status ] && [ -c /dev/null ] && [ -e /sys/kernel ] && echo whole
echo end
"""


class Mover:
    """Who owns the root's files, and renames a folder that a file system was put on."""

    def __init__(self, place: Path, *, leaves_a_folder: bool) -> None:
        self._place, self._leaves = place, leaves_a_folder
        self._moved = place.with_name("moved")

    def move(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._place.rename(self._moved)
        if self._leaves:
            self._place.mkdir()

    def clean(self) -> None:
        for folder in (self._place, self._moved):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
@pytest.mark.parametrize("leaves", [False, True])
def test_what_moves_away_at_any_step_is_masked_or_never_used_s29_s30_s32(
    pod: Pod, root: Path, name: str, leaves: bool
) -> None:
    program = init()
    assert program
    mover = Mover(root / name, leaves_a_folder=leaves)
    steps = steps_of(root, PROBE, pod.folder / "run")
    order = [step.name for step in steps]
    verify = order.index("verify")
    mounted = next(i for i, step in enumerate(steps) if step.arguments[1:2] == (f"/{name}",))
    for before in range(order.index("root") + 1, order.index("wait")):
        out, reason = born_with(program, steps, before, mover.move)
        mover.clean()
        assert "OPEN" not in out, steps[before]
        if mounted < before <= verify:
            assert "again where it was mounted" in reason, (steps[before], out)
        elif before > verify:
            assert out.endswith("end\n"), (steps[before], reason)


def test_nobody_moves_anything_and_the_same_container_is_born_s29(pod: Pod, root: Path) -> None:
    program = init()
    assert program
    steps = steps_of(root, PROBE, pod.folder / "run")
    before = [step.name for step in steps].index("mask")
    assert born_with(program, steps, before, lambda: None) == ("whole\nend\n", "")
