"""The command lines of containers: which words mean what, and which are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from containers.cli import COMMANDS
from containers.requests import REQUESTS
from containers.spec import Process, Remove, Spec, Stop
from vswitch import words
from vswitch.errors import Exit, Failure
from vswitch.schema import Record


class Nowhere:
    """An output that no command should need here."""

    def records(self, records: Sequence[Any], columns: Sequence[Any]) -> None:
        raise AssertionError("printed")


def spelt(line: str) -> dict[str, Any]:
    command, *rest = line.split(" ")
    return words.spelt(command, REQUESTS[command], rest)


def test_options_come_first_and_the_rest_is_the_command_s() -> None:
    line = "--bridge br0 --address 10.0.0.2/24 --address=fd00::2/64 -d -e A=1,2 -e B= ping -c1 -t x"
    assert spelt(f"run {line}") == {
        "bridge": "br0", "addresses": ["10.0.0.2/24", "fd00::2/64"], "detach": True,
        "env": ["A=1,2", "B="], "command": ["ping", "-c1", "-t", "x"],
    }  # fmt: skip


def test_two_dashes_end_the_options() -> None:
    assert spelt("run -- --name x") == {"command": ["--name", "x"]}
    assert spelt("run -t -- sh") == {"tty": True, "command": ["sh"]}
    assert spelt("run --no-tty sh") == {"tty": False, "command": ["sh"]}
    assert spelt("run -- sh -- -x") == {"command": ["sh", "--", "-x"]}
    assert spelt("run -- -- x") == {"command": ["--", "x"]}


def test_options_of_one_letter_may_share_a_word() -> None:
    both = {"interactive": True, "tty": True}
    assert spelt("run --rm -it sh -it") == {"rm": True, **both, "command": ["sh", "-it"]}
    assert spelt("run -dite A=1 sh") == {"detach": True, **both, "env": ["A=1"], "command": ["sh"]}
    assert spelt("run -ie=A=1 sh") == {"interactive": True, "env": ["A=1"], "command": ["sh"]}
    assert spelt("exec -it c1 sh") == {**both, "name": "c1", "command": ["sh"]}
    assert spelt("logs -f c1") == {"follow": True, "name": "c1"}


def test_what_stands_behind_the_container_s_name_is_the_command_s() -> None:
    assert spelt("exec -e A=1 c1 ls -l") == {"env": ["A=1"], "name": "c1", "command": ["ls", "-l"]}
    assert spelt("exec c1 -- -e -- x") == {"name": "c1", "command": ["-e", "--", "x"]}
    assert spelt("exec c1 -e A=1") == {"name": "c1", "command": ["-e", "A=1"]}
    assert spelt("exec -- -c1 ls") == {"name": "-c1", "command": ["ls"]}


def test_options_may_stand_between_names() -> None:
    assert spelt("rm a -f b") == {"force": True, "names": ["a", "b"]}
    assert spelt("stop a --time=1") == {"time": "1", "names": ["a"]}
    assert spelt("rm -- -f") == {"names": ["-f"]}


class Told(Nowhere):
    """An output that keeps what it is given."""

    def __init__(self) -> None:
        self.errors: list[Failure] = []
        self.results: list[object] = []

    def failed(self, failure: Failure) -> None:
        self.errors.append(failure)

    def result(self, value: object, lines: Callable[[], Iterable[str]]) -> None:
        self.results.append(value)


@pytest.mark.parametrize("command", ["stop", "rm", "connect"])
def test_what_failed_has_an_error_and_no_result(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VSWITCH_RUN", str(tmp_path))
    out = Told()
    assert COMMANDS[command](["gone", "gone2"], out) == Exit.NOT_FOUND
    assert [error.what for error in out.errors] == ["container 'gone'", "container 'gone2'"]
    assert out.results == []


@pytest.mark.parametrize(
    ("command", "line", "says"),
    [
        ("run", "", "it needs COMMAND [WORD]...;"),
        ("run", "--bridge br0 --", "it needs COMMAND [WORD]...;"),
        ("run", "--bogus sh", "no option '--bogus'"),
        ("run", "-ix sh", "no option '-ix'"),
        ("run", "-ei A=1 sh", "no option '-ei'"),
        ("run", "-it=1 sh", "-t takes no value"),
        ("run", "-te", "-e needs a value"),
        ("run", "--name", "--name needs a value, NAME"),
        ("run", "--name a --name b sh", "--name is there twice"),
        ("run", "--detach=yes sh", "--detach takes no value"),
        ("exec", "", "it needs NAME COMMAND [WORD]...;"),
        ("exec", "c1", "it needs COMMAND [WORD]...;"),
        ("exec", "c1 --", "it needs COMMAND [WORD]...;"),
        ("exec", "--bridge br0 c1 sh", "no option '--bridge'"),
        ("ps", "all", "'all' is a word too many"),
        ("stop", "", "it needs NAME;"),
        ("stop", "--time soon c1", "no number of seconds"),
        ("rm", "-f", "it needs NAME;"),
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


@pytest.mark.parametrize(
    ("command", "record"), [("run", Spec), ("exec", Process), ("stop", Stop), ("rm", Remove)]
)
def test_every_option_names_a_setting_and_every_setting_has_one(
    command: str, record: type[Record]
) -> None:
    plain = {name for name, setting in record.settings().items() if not setting.nested}
    assert {option.name for option in words.options(REQUESTS[command])} == plain
    assert issubclass(Spec, Process)
