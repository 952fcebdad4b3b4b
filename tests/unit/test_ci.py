"""What continuous integration runs: `make test`, then more; what fails ends it and is named."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit import needs

ROOT = Path(__file__).parents[2]
MAKE = """#!/bin/sh
echo "made $* with no skips: $%s"
case "$*" in "$BREAKS") exit 7 ;; esac
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with .ci/run, and programs that say what they are asked for."""
    for name in (".ci", "bin"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    for path in (tmp_path / ".ci/bootstrap", tmp_path / "bin/make"):
        path.write_text(MAKE % needs.SWITCH)
        path.chmod(0o755)
    return tmp_path


def run(place: Path, breaks: str) -> subprocess.CompletedProcess[str]:
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    env = {"PATH": path, "BREAKS": breaks}
    return subprocess.run(
        [place / ".ci/run"], env=env, cwd="/", capture_output=True, text=True, check=False
    )


def made(done: subprocess.CompletedProcess[str]) -> list[str]:
    lines = done.stdout.splitlines()
    return [line.removeprefix("made ") for line in lines if line.startswith("made ")]


def test_all_is_made_and_nothing_may_be_skipped(place: Path) -> None:
    done = run(place, "nothing")
    assert (done.returncode, done.stderr) == (0, "")
    first, *longer = made(done)
    assert first == "test with no skips: 1"
    assert len(longer) >= 5
    assert all(line.endswith("no skips: 1") for line in longer)
    assert "all done" in done.stdout


def test_every_goal_is_one_of_the_makefile(place: Path) -> None:
    rules = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    goals = {line.split()[0] for line in made(run(place, "nothing"))} - {"full"}
    assert all(any(rule.startswith(f"{goal}:") for rule in rules) for goal in goals)
    assert "long-first-hour" in goals


@pytest.mark.parametrize("goal", ["test", "ctest-long"])
def test_what_fails_is_named_and_ends_it(place: Path, goal: str) -> None:
    done = run(place, goal)
    assert done.returncode == 7
    assert made(done)[-1].startswith(f"{goal} ")
    assert "FAILED" in done.stderr
    assert "all done" not in done.stdout
