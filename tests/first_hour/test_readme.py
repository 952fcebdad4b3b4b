"""What the project's README says for the first hour, pasted into namespaces of its own.

With the programs of this environment; `test_debian.py` begins at a bare Debian and installs them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.console import Line, Shell, alone, sections

ROOT = Path(__file__).parents[2]
README = sections((ROOT / "README.md").read_text(encoding="utf-8"))

@pytest.fixture
def shell() -> Iterator[Shell]:
    with alone(Path(sys.executable).parent, PYTHONPATH=str(ROOT)) as shell:
        yield shell


def paste(shell: Shell, *headings: str) -> None:
    for heading in headings:
        for line in README[heading]:
            shell.paste(line)


def test_every_section_of_the_first_hour_is_tried_somewhere() -> None:
    here = {"A first switch, and nothing left of it", "Without systemd", "A switch that stays"}
    assert set(README) == here | {"Installing", "As a service", "Backup, upgrade, removal"}


def test_a_first_switch_works_and_leaves_nothing(shell: Shell) -> None:
    paste(shell, "A first switch, and nothing left of it")
    shell.run("wait")
    left = "ls -A /run /var/lib | grep -v -e first.log -e mount"
    shell.paste(Line(0, left, "/run:\n\n/var/lib:"))


def test_what_was_stored_is_there_after_the_death_of_both(shell: Shell) -> None:
    paste(shell, "Without systemd", "A switch that stays")
    shell.run("kill -9 $(pgrep -f 'vswitch[d]|vswitch-[f]orwarder'); wait")
    output, code = shell.run("vswitch port ls br0")
    assert (code, "none answers at /run/vswitch/vswitch.sock" in output) == (1, True)
    paste(shell, "Without systemd")
    shell.paste(README["A switch that stays"][-1])
