"""The command lines of containers: which words mean what, and which are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from containers import help, words
from containers.cli import COMMANDS
from containers.spec import Process, Remove, Spec, Stop
from vswitch.errors import Exit, Failure


class Nowhere:
    """An output that no command should need here."""

    def records(self, records: Sequence[Any], columns: Sequence[Any]) -> None:
        raise AssertionError("printed")


def test_options_come_first_and_the_rest_is_the_command_s() -> None:
    line = "--bridge br0 --address 10.0.0.2/24 --address=fd00::2/64 -d -e A=1,2 -e B= ping -c1 -t x"
    assert words.read("run", Spec, line.split()) == (
        {
            "bridge": "br0", "addresses": ("10.0.0.2/24", "fd00::2/64"), "detach": True,
            "env": ("A=1,2", "B="),
        },
        ["ping", "-c1", "-t", "x"],
    )  # fmt: skip


def test_two_dashes_end_the_options() -> None:
    assert words.read("run", Spec, ["--", "--name", "x"]) == ({}, ["--name", "x"])
    assert words.read("run", Spec, ["-t", "--", "sh"]) == ({"tty": True}, ["sh"])
    assert words.read("run", Spec, ["--no-tty", "sh"]) == ({"tty": False}, ["sh"])


def test_options_may_stand_between_names() -> None:
    assert words.read_names("rm", Remove, ["a", "-f", "b"]) == ({"force": True}, ["a", "b"])
    assert words.read_names("stop", Stop, ["a", "--time=1"]) == ({"time": "1"}, ["a"])
    assert words.read_names("rm", Remove, ["--", "-f"]) == ({}, ["-f"])


@pytest.mark.parametrize(
    ("command", "line", "says"),
    [
        ("run", "", "needs a command"),
        ("run", "--bridge br0 --", "needs a command"),
        ("run", "--bogus sh", "no option '--bogus'"),
        ("run", "--name", "--name needs a value, NAME"),
        ("run", "--name a --name b sh", "--name is there twice"),
        ("run", "--detach=yes sh", "--detach takes no value"),
        ("exec", "", "a container's name and a command"),
        ("exec", "c1", "a container's name and a command"),
        ("exec", "c1 --", "a container's name and a command"),
        ("exec", "--bridge br0 c1 sh", "no option '--bridge'"),
        ("ps", "all", "takes no words"),
        ("stop", "", "needs a container's name"),
        ("stop", "--time soon c1", "no number of seconds"),
        ("rm", "-f", "needs a container's name"),
        ("rm", "--all", "no option '--all'"),
    ],
)
def test_wrong_words_are_refused_before_anything_happens(
    command: str, line: str, says: str
) -> None:
    with pytest.raises(Failure) as refusal:
        COMMANDS[command](line.split(), Nowhere())
    assert refusal.value.exit == Exit.USAGE
    assert says in str(refusal.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[command](["--help"], Nowhere()) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"usage: vswitch {command}")
    assert "example: vswitch " in page
    assert max(map(len, page.splitlines())) <= 100


@pytest.mark.parametrize("record", words.OPTIONS)
def test_every_option_names_a_setting_and_every_setting_has_one(record: Any) -> None:
    plain = {name for name, setting in record.settings().items() if not setting.nested}
    assert set(words.OPTIONS[record].values()) == plain
    assert issubclass(Spec, Process)
    assert help.page("run")
