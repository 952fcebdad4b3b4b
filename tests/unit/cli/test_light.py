"""A question loads little: what configuring takes (the schema, dataclasses, typing) stays away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kit.fakedaemon import FakeDaemon
from vswitch.requests import BRIDGE, NAME, OF_PORT, PORT, Parameter
from vswitch.schema import Bridge, Port, Queue, Record

HEAVY = (
    "dataclasses", "typing", "inspect", "argparse", "asyncio", "tempfile", "ipaddress",
    "vswitch.schema", "vswitch.answers", "vswitch.pages", "vswitch.cli.help", "datapath",
    "containers",
)  # fmt: skip
QUESTIONS = ("port ls br0", "bridge ls", "flow ls br0", "queue ls", "controller ls", "mac ls br0")


@pytest.mark.parametrize("line", QUESTIONS)
def test_a_question_loads_nothing_heavy(daemon: FakeDaemon, tmp_path: Path, line: str) -> None:
    program = (
        "import sys; from vswitch.cli import main;"
        f"code = main(['--run', {str(tmp_path)!r}, *{line.split()!r}]);"
        f"print(code, *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stderr == "0\n"


@pytest.mark.parametrize(
    ("parameter", "record", "name"),
    [
        (NAME, Bridge, "name"), (BRIDGE, Bridge, "name"), (PORT, Port, "name"),
        (OF_PORT, Queue, "port"),
    ],
)  # fmt: skip
def test_what_a_question_declares_itself_is_as_the_schema_has_it(
    parameter: Parameter, record: type[Record], name: str
) -> None:
    said, known = parameter.setting, record.settings()[name]
    assert (said.help, said.read, said.metavar) == (known.help, known.read, known.metavar)


PROGRAM = Path(sys.executable).with_name("vswitch")
MOST = 0.045
"""Seconds that a question may take from the shell's point of view, in an editable install too."""


@pytest.mark.slow
def test_a_question_is_answered_in_45_ms(daemon: FakeDaemon, tmp_path: Path) -> None:
    assert any(_seconds(tmp_path) < MOST for _ in range(200))  # others use the machine, too


def _seconds(run: Path) -> float:
    output = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    words = [PROGRAM, "--run", str(run), "port", "ls"]
    began = time.perf_counter()
    child = os.posix_spawn(PROGRAM, words, os.environ, file_actions=output)
    _, status = os.waitpid(child, 0)
    took = time.perf_counter() - began
    assert os.waitstatus_to_exitcode(status) == 0
    return took
