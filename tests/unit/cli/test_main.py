"""`vswitch` itself: help, options of every command, containers' words, top, speed."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest

from containers.requests import REQUESTS as container_requests
from tests.kit.fakedaemon import FakeDaemon
from tests.unit.cli.conftest import PORT, TAP, Vswitch
from vswitch import patience
from vswitch.answers import RATED
from vswitch.cli import top
from vswitch.cli.commands import COMMANDS, SORTED_BY
from vswitch.cli.globals import CONTAINER_WORDS, PASSED_ON, take
from vswitch.cli.output import Output
from vswitch.rpc.client import Client


def test_help_lists_every_command(vswitch: Vswitch) -> None:
    ended = vswitch("--help")
    assert ended.code == 0
    for words in (*COMMANDS, *CONTAINER_WORDS):
        assert f"\n  {words} " in ended.out
    assert container_requests.keys() == CONTAINER_WORDS
    passed_on = {n for n, r in container_requests.items() if any(p.rest for p in r.parameters)}
    assert passed_on == PASSED_ON


def test_without_words_help_goes_to_standard_error_as_a_usage_error(vswitch: Vswitch) -> None:
    ended = vswitch()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: vswitch")


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_explains_its_options_and_gives_an_example(
    vswitch: Vswitch, words: str
) -> None:
    ended = vswitch(*words.split(), "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"usage: vswitch {words}")
    for parameter in COMMANDS[words].request.parameters:
        shown = parameter.setting.help in ended.out
        assert shown is not parameter.setting.nested or COMMANDS[words].usage


@pytest.mark.parametrize("words", [w for w, c in COMMANDS.items() if c.example])
def test_each_example_is_a_right_command_line(
    vswitch: Vswitch, daemon: FakeDaemon, words: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text("bridges = []")
    assert vswitch(*words.split(), *COMMANDS[words].example.split()).code == 0


def test_a_nouns_help_lists_its_verbs(vswitch: Vswitch) -> None:
    assert vswitch("flow", "--help").out.startswith("usage: vswitch flow ls|add|mod|rm ...\n")


def test_the_version_is_printed(vswitch: Vswitch) -> None:
    assert vswitch("--version").out.startswith("vswitch 0.")


@pytest.mark.parametrize(
    ("line", "kept", "json", "run"),
    [
        ("-o json port ls", "port ls", True, ""),
        ("port ls -o json", "port ls", True, ""),
        ("port -o=json ls --run=/r", "port ls", True, "/r"),
        ("port ls --output table --run /r", "port ls", False, "/r"),
        ("ps -o json", "ps", True, ""),
        ("-o json run -o x --run y cmd -o z", "run -o x --run y cmd -o z", True, ""),
        ("exec c1 ls --help", "exec c1 ls --help", False, ""),
        ("trace br0 -- -o json", "trace br0 -- -o json", False, ""),
    ],
)
def test_options_of_every_command_may_stand_anywhere(
    line: str, kept: str, json: bool, run: str
) -> None:
    chosen, words = take(line.split())
    assert (" ".join(words), chosen.json, chosen.run) == (kept, json, run)


@pytest.mark.parametrize("word", sorted(CONTAINER_WORDS))
def test_the_containers_words_are_handed_on(
    vswitch: Vswitch, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    asked: list[tuple[list[str], bool, str]] = []

    def command(words: list[str], out: Output) -> int:
        asked.append((words, out.json, os.environ["VSWITCH_RUN"]))
        return 7

    module: Any = types.ModuleType("containers.cli")
    module.COMMANDS = {word: command}
    monkeypatch.setitem(sys.modules, "containers.cli", module)
    ended = vswitch("--run", "/r", "-o", "json", word, "c1", "--help")
    assert ended.code == 7
    assert asked == [(["c1", "--help"], True, "/r")]


def test_without_the_containers_package_their_words_are_an_error(
    vswitch: Vswitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "containers.cli", None)
    ended = vswitch("ps")
    assert ended.code == 1
    assert "this installation has no containers" in ended.err


# ---- top ---------------------------------------------------------------------------


class Screen(io.StringIO):
    """A terminal or a pipe."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def run_top(daemon: FakeDaemon, screen: Screen, *, clock: list[float], **params: Any) -> int:
    times = iter(clock)
    with Client(daemon.run) as client:
        return top.run(client, params, Output(stream=screen), lambda: next(times), lambda s: None)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_command_has_a_time_limit(
    vswitch: Vswitch, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setenv(patience.VARIABLE, "60")  # and back to nothing at the end
    daemon.answers["bridge.list"] = lambda: time.sleep(1)
    words = ["bridge", "ls"]
    words[place:place] = ["--timeout", "0.1"]
    began = time.monotonic()
    ended = vswitch(*words)
    assert time.monotonic() - began < 0.9
    assert (ended.code, ended.out) == (124, "")
    assert "no answer to bridge.list within 0.1 s" in ended.err


@pytest.mark.parametrize("value", ["", "0", "-1", "soon", "1e9"])
def test_a_time_limit_that_is_none_is_a_usage_error(vswitch: Vswitch, value: str) -> None:
    ended = vswitch(f"--timeout={value}", "bridge", "ls")
    assert ended.code == 2
    assert "it is no time to wait; give a number of seconds" in ended.err


def test_top_prints_once_where_there_is_no_terminal(daemon: FakeDaemon) -> None:
    screen = Screen(terminal=False)
    assert run_top(daemon, screen, clock=[0.0, 0.0]) == 0
    text = screen.getvalue()
    assert text.startswith("vswitch 0.1.0: 1 bridge, 2 ports\n")
    assert "\x1b" not in text
    assert text.count("RX PACKETS ") == 1
    assert "/S" not in text


def test_top_shows_rates_from_the_second_screen_on(daemon: FakeDaemon) -> None:
    moved = {**PORT, "rx_packets": 112, "rx_bytes": 2450}
    lists = iter([[PORT, TAP], [moved, TAP]])
    daemon.answers["port.list"] = lambda: next(lists)
    screen = Screen(terminal=False)
    run_top(daemon, screen, times=2, clock=[0.0, 0.0, 2.0])
    pages = screen.getvalue().split("vswitch 0.1.0")[1:]
    rows = [page.splitlines()[3].split() for page in pages]
    assert rows[0][4:8] == ["-", "-", "-", "-"]
    assert rows[1][4:10] == ["50", "5.00", "kbps", "0", "0", "bps"]


def test_a_port_that_was_made_anew_has_no_rate_yet() -> None:
    assert top.rated(PORT, {**PORT, "rx_packets": 99}, 1.0)["rx_packets_per_s"] is None
    assert top.rated(PORT, None, 1.0)["rx_bits_per_s"] is None
    assert top.rated({"name": "not active"}, PORT, 1.0)["rx_bits_per_s"] is None
    assert top.rated(PORT, PORT, 0.0)["rx_bits_per_s"] is None
    assert top.rated(PORT, PORT, 1.0)["rx_bits_per_s"] == 0


def test_top_ends_well_when_interrupted(daemon: FakeDaemon) -> None:
    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    with Client(daemon.run) as client:
        screen = Output(stream=Screen(terminal=False))
        assert top.run(client, {"times": 9}, screen, lambda: 0.0, sleep) == 0


def test_top_sorts_by_what_is_asked_for(daemon: FakeDaemon) -> None:
    busy = {**TAP, "name": "busy", "number": 7, "rx_bytes": 10**9, "drops": {"ttl": 9}}
    daemon.answers["port.list"] = [PORT, TAP, busy]
    orders = {
        "number": ["eth1", "busy", "tap0"], "name": ["busy", "eth1", "tap0"],
        "rx": ["busy", "eth1", "tap0"], "tx": ["eth1", "tap0", "busy"],
        "packets": ["eth1", "tap0", "busy"], "drops": ["busy", "eth1", "tap0"],
    }  # fmt: skip
    assert orders.keys() == top.SORTS.keys() == set(SORTED_BY)
    for sort, names in orders.items():
        with Client(daemon.run) as client:
            ports = top.Ports(client, sort, rates=False, clock=lambda: 0.0)
            ports.read()
        assert [port["name"] for port in ports.answer()["ports"]] == names
    assert ports.press("r")
    assert [port["name"] for port in ports.answer()["ports"]] == ["tap0", "eth1", "busy"]
    assert ports.press("s")
    assert ports.sort == "number"
    assert not ports.press("x")


def test_top_tells_programs_one_reading_a_line(daemon: FakeDaemon) -> None:
    screen = Screen(terminal=False)
    with Client(daemon.run) as client:
        out = Output("json", screen)
        top.run(client, {"times": 2}, out, lambda: 0.0, lambda s: None)
    first, second = map(json.loads, screen.getvalue().splitlines())
    assert first == second
    assert list(RATED.wrong(first["ports"][0], "port")) == []


# ---- the process -------------------------------------------------------------------

PROGRAM = [sys.executable, "-c", "import sys; from vswitch.cli import main; sys.exit(main())"]


def test_a_reader_that_went_away_is_no_error_page(daemon: FakeDaemon, tmp_path: Path) -> None:
    daemon.answers["port.list"] = [PORT] * 2000
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [*PROGRAM, "--run", str(tmp_path), "port", "ls"],
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_the_command_line_starts_in_well_under_100_ms_of_processor_time(
    daemon: FakeDaemon, tmp_path: Path
) -> None:
    def seconds() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    spent = []
    for _ in range(5):
        before = seconds()
        subprocess.run(
            [*PROGRAM, "--run", str(tmp_path), "bridge", "ls"], check=True, capture_output=True
        )
        spent.append(seconds() - before)
    assert min(spent) < 0.1
