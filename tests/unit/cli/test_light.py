"""A question loads little: what configuring takes (the schema, dataclasses, typing) stays away."""

from __future__ import annotations

import os
import subprocess
import sys
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
"""Seconds of a processor that a question may take, in an editable install too: what it takes by the
clock on a machine that has nothing else to do."""


@pytest.mark.slow
def test_a_question_is_answered_in_45_ms(daemon: FakeDaemon, tmp_path: Path) -> None:
    assert min(_seconds(tmp_path) for _ in range(20)) < MOST


def _seconds(run: Path) -> float:
    output = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    words = [PROGRAM, "--run", str(run), "port", "ls"]
    child = os.posix_spawn(PROGRAM, words, os.environ, file_actions=output)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return used.ru_utime + used.ru_stime
