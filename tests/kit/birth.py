"""A container's birth under our hands: held still before a step, and let go again.

The plan is the real one with one more `wait` in it; so "somebody renames just then" is not a
race but a line of a test.
"""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from containers import launch, plan
from containers.launch import Birth
from containers.spec import Spec
from containers.steps import Step, wait
from tests.kit.pod import eventually
from vswitch.errors import Failure

_RECEIVING = {"x86_64": "45", "aarch64": "207"}.get(platform.machine())
"""The system call in which a process stands still at `wait`."""


def steps_of(rootfs: Path, script: str, run: Path) -> tuple[Step, ...]:
    """The steps of a container that runs a shell script in that root."""
    run.mkdir(exist_ok=True)
    spec = Spec(command=("sh", "-c", script), rootfs=str(rootfs), tty=False).named("held")
    return plan.birth(spec, launch.caller(), plan.Place(str(run)))


def born_with(
    program: Path, steps: Sequence[Step], before: int, meanwhile: Callable[[], None]
) -> tuple[str, str]:
    """Carries the plan out, and does `meanwhile` just before step number `before`.

    What the command wrote, and why it was not started ("" if it was).
    """
    held = (*steps[:before], wait(), *steps[before:])
    with tempfile.TemporaryFile() as output, Birth("container held") as child:
        child.start(str(program), held, output.fileno())
        eventually(lambda: stands_still(child.pid))
        meanwhile()
        child.go()
        child.go()
        child.reap()
        reason = ""
        try:
            child.check()
        except Failure as failure:
            reason = str(failure)
        output.seek(0)
        return output.read().decode(), reason


def start_over_and_over(program: str, rootfs: str, script: str, run: str, seconds: float) -> None:
    """Starts containers as fast as it can, and prints what their commands wrote.

    At its end how many it has tried to start, and how many were born.
    """
    end, tries, born = time.monotonic() + seconds, 0, 0
    steps = steps_of(Path(rootfs), script, Path(run))
    while time.monotonic() < end:
        tries += 1
        with tempfile.TemporaryFile() as output, Birth("container siege") as child:
            with contextlib.suppress(Failure):
                child.start(program, steps, output.fileno())
                child.go()
                born += child.reap() == 0
            output.seek(0)
            print(output.read().decode(errors="replace"), end="")
    print("tries", tries)
    print("born", born)


def stands_still(pid: int) -> bool:
    """At a `wait`, or it has ended."""
    try:
        now = Path(f"/proc/{pid}/syscall").read_text().split()[0]
    except OSError:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return now == _RECEIVING
