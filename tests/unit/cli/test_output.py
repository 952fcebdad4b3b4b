"""Formats: what -o prints of every list, tables that fit, and nothing that speaks to a terminal."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.fakedaemon import FakeDaemon
from tests.unit.cli.conftest import ANSWERS, CONTROLLER, FLOW, MAC, PORT, Vswitch
from vswitch.answers import NOUNS
from vswitch.cli import output, views
from vswitch.cli.commands import COMMANDS
from vswitch.cli.globals import FORMATS, take
from vswitch.cli.output import Column, Output, cut, human, plain, table
from vswitch.requests import REQUESTS

LISTS = [words for words in COMMANDS if words.endswith(" ls")]
NAMES = {
    "bridge ls": ["br0"],
    "port ls": ["eth1", "tap0"],
    "mac ls": ["02:00:00:00:00:07", "02:00:00:00:00:07"],
    "queue ls": ["eth1 0"],
    "controller ls": ["tcp:127.0.0.1:6653"],
    "flow ls": ["table=0,priority=5,in_port=1,tcp", "table=0,priority=5"],
    "group ls": ["group_id=1"],
    "meter ls": ["meter=1"],
}


def asked(words: str) -> list[str]:
    """A list's command with what it needs."""
    needs = [p for p in COMMANDS[words].request.parameters if p.required]
    return [*words.split(), *["br0" for _ in needs]]


@pytest.mark.parametrize("words", LISTS)
def test_every_list_comes_in_every_format(vswitch: Vswitch, daemon: FakeDaemon, words: str) -> None:
    answer = ANSWERS[COMMANDS[words].request.method]
    told = {format: vswitch("-o", format, *asked(words)) for format in FORMATS}
    assert [(ended.code, ended.err) for ended in told.values()] == [(0, "")] * len(FORMATS)
    assert json.loads(told["json"].out) == answer
    assert yaml.safe_load(told["yaml"].out) == answer
    assert told["name"].out.splitlines() == NAMES[words]


@pytest.mark.parametrize(
    "words", ["bridge ls", "port ls", "mac ls", "queue ls", "controller ls", "flow ls"]
)
def test_wide_has_a_column_for_every_field(
    vswitch: Vswitch, daemon: FakeDaemon, words: str
) -> None:
    shape = NOUNS[words.split()[0]]
    heads, *rows = vswitch(*asked(words), "-o", "wide").out.splitlines()
    columns = getattr(views, f"{words.split()[0].upper()}S")
    shown = {column.field for column in columns}
    for field in (field for field in shape.fields if field.name != output.WHOLE):
        assert field.name in shown or field.name.upper().replace("_", " ") in heads
    assert len(rows) == len(NAMES[words])


def test_wide_is_exact(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    wide = vswitch("port", "ls", "-o", "wide").out
    assert "18446744073709551615" in wide
    assert "18.4 EB" not in wide
    assert "18.4 EB" in vswitch("port", "ls").out


@pytest.mark.parametrize("words", [w for w, c in COMMANDS.items() if c.request.method in REQUESTS])
def test_what_changes_something_answers_programs_too(
    vswitch: Vswitch, daemon: FakeDaemon, words: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text("bridges = []")
    line = [*words.split(), *COMMANDS[words].example.split()]
    ended = vswitch("-o", "yaml", *line)
    assert (ended.code, ended.err) == (0, "")
    assert yaml.safe_load(ended.out) == json.loads(vswitch("-o", "json", *line).out)


def test_yaml_is_only_imported_when_it_is_asked_for(
    vswitch: Vswitch, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)  # importing it fails
    for format in FORMATS[:-1]:
        assert vswitch("-o", format, "port", "ls").code == 0
    with pytest.raises(ModuleNotFoundError):
        vswitch("-o", "yaml", "port", "ls")


def test_a_wrong_option_is_told_in_the_format_that_stands_behind_it(vswitch: Vswitch) -> None:
    ended = vswitch("port", "ls", "--run=", "-o", "json")
    assert (ended.code, json.loads(ended.err)["error"]["what"]) == (2, "option --run")
    assert vswitch("-o", "json", "paint").err.startswith('{"error": {"message": ')


# ---- options -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kept", "watch"),
    [
        ("port ls --watch", "port ls", 2.0),
        ("port ls --watch=0.5 br0", "port ls br0", 0.5),
        ("port ls --watch 3 br0", "port ls br0", 3.0),
        ("port ls --watch br0", "port ls br0", 2.0),
        ("port ls br0", "port ls br0", None),
        ("run --watch", "run --watch", None),
    ],
)
def test_how_often_a_list_is_read_may_be_left_out(
    line: str, kept: str, watch: float | None
) -> None:
    chosen, words = take(line.split())
    assert (" ".join(words), chosen.watch) == (kept, watch)


# ---- tables ------------------------------------------------------------------------

COLUMNS = (Column("NAME", "name"), Column("COUNT", "count"), Column("WHY", "why"))
ROWS: list[dict[str, Any]] = [
    {"name": "a" * 30, "count": 12345, "why": "it is so because of this and that"},
    {"name": "b", "count": 7, "why": ""},
]


@pytest.mark.parametrize("width", [80, 60, 45, 40])
def test_a_table_fits_the_terminal_and_keeps_its_numbers(width: int) -> None:
    lines = table(ROWS, COLUMNS, width)
    assert max(map(len, lines)) <= width
    assert "12345" in lines[1]
    assert all("..." in line for line in lines[1:2] if width < 73)


def test_a_table_in_a_pipe_is_never_cut() -> None:
    lines = table(ROWS, COLUMNS)
    assert lines[1] == f"{'a' * 30}  12345  it is so because of this and that"
    assert Output(stream=io.StringIO()).width is None


def test_a_table_that_can_t_fit_is_cut_no_further_than_that() -> None:
    assert max(map(len, table(ROWS, COLUMNS, 10))) == 2 * output.NARROWEST + 5 + 4


def test_characters_of_two_columns_keep_the_table_aligned() -> None:
    rows = [{"name": "漢字", "count": 1, "why": "x"}, {"name": "abcd", "count": 1, "why": "x"}]
    assert table(rows, COLUMNS)[1:] == ["漢字      1  x", "abcd      1  x"]
    assert cut("漢字ab", 3) == "漢"
    assert cut("漢字ab", 3, 2) == "字a"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1234, "1.23 kB"), (9994, "9.99 kB"),
        (9999, "10.0 kB"), (99949, "99.9 kB"), (99999, "100 kB"), (999_499, "999 kB"),
        (999_500, "1.00 MB"), (12_345_678, "12.3 MB"), (2**64 - 1, "18.4 EB"), (None, None),
    ],
)  # fmt: skip
def test_bytes_for_people(count: int | None, words: str | None) -> None:
    assert human(count) == words


# ---- names from elsewhere (HARDENING S23) --------------------------------------------

HOSTILE = "\x1b]0;mine\x07\x1b[2J\u202e\u200b\x9b31m\r\n"


def hostile(value: Any) -> Any:
    """The same with all its texts made hostile."""
    if isinstance(value, dict):
        return {key: hostile(one) for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return value + HOSTILE if isinstance(value, str) and not is_moment(value) else value


def is_moment(text: str) -> bool:
    return text.startswith("2026-")


SHOWS = [
    "bridge show br0",
    "port show br0 eth1",
    "trace br0 x",
    "status",
    "export",
    "plan -f n.toml",
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("line", [*LISTS, *SHOWS, "top", "port add br0 eth1"])
def test_s23_no_answer_speaks_to_the_terminal(
    vswitch: Vswitch, daemon: FakeDaemon, line: str, format: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "n.toml").write_text("bridges = []")
    for method, answer in ANSWERS.items():
        daemon.answers[method] = hostile(answer)
    step = {"method": "m", "params": {}, "text": "do" + HOSTILE, "loses": []}
    daemon.answers["plan"] = {"operations": [step]}
    ended = vswitch("-o", format, *(asked(line) if line in LISTS else line.split()))
    for character in (ended.out + ended.err).replace("\n", ""):
        assert character.isprintable(), ascii(character)


def test_s23_no_error_speaks_to_the_terminal(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    from vswitch.errors import RpcError

    daemon.answers["status"] = RpcError(what=HOSTILE, why=HOSTILE, do=HOSTILE)
    for format in FORMATS:
        assert vswitch("-o", format, "status").err.replace("\n", "").isprintable()


def test_s23_what_can_be_seen_stays_as_it_is() -> None:
    assert plain("größe 漢字 'x'") == "größe 漢字 'x'"
    assert plain("a\x1b[2Jb\u202e") == r"a\x1b[2Jb\u202e"
    assert {CONTROLLER["target"], MAC["mac"], FLOW["match"], PORT["name"]}  # the control: these are
