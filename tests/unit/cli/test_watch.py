"""Lists that are watched, and `top`: what is seen, keys, and the terminal afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.fakedaemon import FakeDaemon
from tests.unit.cli.conftest import ANSWERS, PORT
from vswitch.cli.browse import Scroll, browse
from vswitch.cli.commands import COMMANDS
from vswitch.cli.output import Output
from vswitch.cli.terminal import REDRAW, keys
from vswitch.cli.watch import watch
from vswitch.errors import Failure, RpcError
from vswitch.rpc.client import Client

# ---- in a pipe ---------------------------------------------------------------------


def watched(daemon: FakeDaemon, words: str, format: str, readings: int) -> str:
    """What so many readings print."""
    out, left = Output(format, io.StringIO()), readings

    def sleep(seconds: float) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    with Client(daemon.run) as client:
        command = COMMANDS[words]
        needs = ["br0" for p in command.request.parameters if p.required]
        assert watch(lambda o: command(client, needs, o), out, 2.0, words, sleep) == 0
    text = out.stream.getvalue()  # type: ignore[attr-defined]
    return str(text)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words.endswith(" ls")])
def test_each_list_can_be_watched_in_a_pipe(daemon: FakeDaemon, words: str) -> None:
    answer = ANSWERS[COMMANDS[words].request.method]
    first, second = watched(daemon, words, "table", 2).split("\n\n")
    assert first + "\n" == second
    assert [json.loads(line) for line in watched(daemon, words, "json", 2).splitlines()] == [
        answer, answer,
    ]  # fmt: skip
    assert list(yaml.safe_load_all(watched(daemon, words, "yaml", 3))) == [answer] * 3
    names = watched(daemon, words, "name", 2).splitlines()
    assert names == names[: len(names) // 2] * 2


def test_a_daemon_that_goes_away_is_told_and_waited_for(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = RpcError(what="daemon", why="it went", do="wait")
    answers: Iterator[Any] = iter([[PORT], gone, [PORT]])

    def answer() -> Any:
        if isinstance(one := next(answers), Failure):
            raise one
        return one

    daemon.answers["port.list"] = answer
    assert watched(daemon, "port ls", "table", 3).count("eth1") == 2
    assert capsys.readouterr().err == "vswitch: daemon: it went; wait\n"


def test_what_is_wrong_from_the_beginning_ends_it(daemon: FakeDaemon) -> None:
    daemon.answers["port.list"] = RpcError(what="bridge", why="there is none", do="add it")
    with pytest.raises(Failure, match="there is none"):
        watched(daemon, "port ls", "table", 3)


# ---- keys and what is seen -----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "pressed"),
    [
        (b"q", ["q"]), (b"\x1b[A\x1b[B", ["up", "down"]), (b"\x1bOA\x1bOD", ["up", "left"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[F", ["page up", "page down", "home", "end"]),
        (b"\x1b[1~\x1b[4~\x1b[7~\x1b[8~", ["home", "end", "home", "end"]),
        (b"\x1b[1;5Cq", ["q"]), (b"\x1b", []), (b"\x1b[", []), (b"\x1b[200~", []),
        (b"jq \xff", ["j", "q", " ", "\xff"]), (b"\x1bq", ["q"]),
    ],
)  # fmt: skip
def test_bytes_are_keys(data: bytes, pressed: list[str]) -> None:
    assert list(keys(data)) == pressed


BODY = [f"line {number}" for number in range(1, 21)]


@pytest.mark.parametrize(
    ("pressed", "first", "last"),
    [
        ("", 1, 4), ("down", 2, 5), ("j,j,k", 2, 5), ("up", 1, 4), ("page down", 5, 8),
        ("end", 17, 20), ("G,up", 16, 19), ("end,page up", 13, 16), ("end,home", 1, 4),
        ("page down,page down,page down,page down,page down,page down,b", 13, 16), ("right", 1, 4),
    ],
)  # fmt: skip
def test_lines_are_scrolled(pressed: str, first: int, last: int) -> None:
    scroll = Scroll()
    for key in filter(None, pressed.split(",")):
        assert scroll.press(key, 4)
        seen = scroll.seen(["head"], BODY, 80, 6)
    seen = scroll.seen(["head"], BODY, 80, 6)
    assert seen == ["head", *BODY[first - 1 : last], f"lines {first}-{last} of 20"]


def test_what_fits_is_seen_whole_and_what_is_too_wide_is_moved() -> None:
    scroll = Scroll()
    scroll.press("end", 4)
    assert scroll.seen(["head"], BODY[:5], 80, 6) == ["head", *BODY[:5]]
    scroll.press("right", 4)
    assert scroll.seen(["t", "0123456789abc"], ["0123456789abc"], 10, 9) == [
        "t", "3456789abc", "3456789abc",
    ]  # fmt: skip
    scroll.press("left", 4)
    assert scroll.seen([], ["0123456789abc"], 10, 9) == ["0123456789"]
    assert not scroll.press("x", 4)
    assert scroll.seen(["a", "b"], BODY, 80, 1)[:2] == ["a", "b"]


class Keys:
    """A terminal of 4 lines whose keys are given; None is the end of a reading's time."""

    def __init__(self, *pressed: str | None) -> None:
        self.pressed = iter(pressed)
        self.drawn: list[list[str]] = []

    def size(self) -> tuple[int, int]:
        return 40, 4

    def draw(self, lines: Sequence[str]) -> None:
        self.drawn.append(list(lines))

    def key(self, seconds: float) -> str | None:
        return next(self.pressed)


class Counting:
    """A source that counts its readings."""

    readings = 0

    def read(self) -> None:
        self.readings += 1

    def lines(self, width: int) -> tuple[list[str], list[str]]:
        return [f"reading {self.readings}"], BODY

    def press(self, key: str) -> bool:
        return key == "s"


def test_readings_follow_one_another_until_q() -> None:
    source, terminal = Counting(), Keys(None, "down", REDRAW, "x", "s", "q")
    source.read()
    browse(terminal, source, 1.0, clock=lambda: 0.0)
    assert source.readings == 2
    assert [lines[:2] for lines in terminal.drawn] == [
        ["reading 1", "line 1"], ["reading 2", "line 1"], ["reading 2", "line 2"],
        ["reading 2", "line 2"], ["reading 2", "line 2"],
    ]  # fmt: skip
    browse(Keys(None, None, None), source, 1.0, times=3, clock=lambda: 0.0)
    assert source.readings == 4


# ---- a real terminal -----------------------------------------------------------------

PROGRAM = [sys.executable, "-c", "import sys; from vswitch.cli import main; sys.exit(main())"]
ENTERED, LEFT = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


class Pty:
    """A command on a terminal of its own."""

    def __init__(self, run: Path, *words: str, lines: int = 24, columns: int = 100) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(lines, columns)
        self.modes = termios.tcgetattr(self.slave)
        self.said = ""
        self.process = subprocess.Popen(
            [*PROGRAM, "--run", str(run), *words], stdin=self.slave, stdout=self.slave,
            stderr=self.slave, start_new_session=True,
            preexec_fn=self._lead,  # noqa: PLW1509 (one system call)
        )  # fmt: skip

    def _lead(self) -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def until(self, pattern: str, seconds: float = 20) -> str:
        """What is said up to something that matches, which is taken away."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.said, re.DOTALL)):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.said[-2000:]!r}"
            if select.select([self.master], [], [], left)[0]:
                self.said += os.read(self.master, 65536).decode()
        before, self.said = self.said[: found.end()], self.said[found.end() :]
        return before

    def ended(self, seconds: float = 20) -> int:
        """Its exit code; the terminal has to be as it was."""
        self.until(re.escape(LEFT), seconds)
        code = self.process.wait(seconds)
        assert termios.tcgetattr(self.slave) == self.modes
        return code

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminals() -> Iterator[list[Pty]]:
    opened: list[Pty] = []
    yield opened
    for one in opened:
        one.close()


MANY = [{**PORT, "name": f"p{number}", "number": number} for number in range(1, 101)]


def opened(terminals: list[Pty], daemon: FakeDaemon, *words: str, **size: int) -> Pty:
    daemon.answers["port.list"] = MANY
    terminals.append(Pty(daemon.run, *words, **size))
    terminals[-1].until(re.escape(ENTERED))
    return terminals[-1]


WATCHED = [("top", "-d", "60"), ("port", "ls", "--watch=60")]


@pytest.mark.parametrize("words", WATCHED, ids=lambda words: words[0])
def test_keys_scroll_on_a_terminal_and_q_ends_it(
    daemon: FakeDaemon, terminals: list[Pty], words: tuple[str, ...]
) -> None:
    screen = opened(terminals, daemon, *words)
    screen.until("lines 1-20 of 100")
    screen.press("\x1b[B")
    screen.until("lines 2-21 of 100")
    screen.press("\x1b[6~")
    screen.until("lines 22-41 of 100")
    screen.press("\x1b[F")
    screen.until("p100 .*lines 81-100 of 100")
    screen.press("\x1b[H")
    screen.until("lines 1-20 of 100")
    screen.press("q")
    assert screen.ended() == 0


def test_a_window_of_another_size_is_followed(daemon: FakeDaemon, terminals: list[Pty]) -> None:
    screen = opened(terminals, daemon, "top", "-d", "60")
    screen.until("lines 1-20 of 100")
    screen.resize(14, 40)
    screen.process.send_signal(signal.SIGWINCH)
    page = screen.until("lines 1-10 of 100")
    rows = re.sub(r"\x1b\[[HKJ]", "", page.rpartition("\x1b[H")[2]).replace("\r", "").split("\n")
    assert max(map(len, rows)) <= 40
    screen.press("q")
    assert screen.ended() == 0


def test_ports_are_sorted_by_keys(daemon: FakeDaemon, terminals: list[Pty]) -> None:
    screen = opened(terminals, daemon, "top", "-d", "60")
    screen.until("by number")
    screen.press("s")
    screen.until("by name ")
    screen.press("r")
    screen.until("by name, reversed.*p99 ")
    screen.press("q")
    assert screen.ended() == 0


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131), (signal.SIGINT, 0)],
)
@pytest.mark.parametrize("words", WATCHED, ids=lambda words: words[0])
def test_the_terminal_comes_back_whatever_ends_it(
    daemon: FakeDaemon, terminals: list[Pty], words: tuple[str, ...], number: int, code: int
) -> None:
    screen = opened(terminals, daemon, *words)
    screen.until("lines 1-20 of 100")
    assert termios.tcgetattr(screen.slave) != screen.modes  # the control: it was another
    screen.process.send_signal(number)
    assert screen.ended() == code


def test_the_terminal_comes_back_when_the_daemon_goes(
    daemon: FakeDaemon, terminals: list[Pty]
) -> None:
    screen = opened(terminals, daemon, "top", "-d", "0.05")
    screen.until("lines 1-20 of 100")
    daemon.answers["port.list"] = RpcError(what="daemon", why="it went", do="wait")
    screen.until("daemon: it went; wait")
    daemon.answers["port.list"] = MANY
    screen.until("by number")
    screen.press("q")
    assert screen.ended() == 0


def test_the_terminal_is_given_back_for_ctrl_z_and_taken_when_it_goes_on(
    daemon: FakeDaemon, terminals: list[Pty]
) -> None:
    """Here it goes on at once: the kernel stops no group that nobody could make go on."""
    screen = opened(terminals, daemon, "port", "ls", "--watch=60")
    screen.until("lines 1-20 of 100")
    screen.press("\x1a")
    screen.until(re.escape(LEFT) + ".*" + re.escape(ENTERED) + ".*lines 1-20 of 100")
    assert termios.tcgetattr(screen.slave) != screen.modes
    screen.press("q")
    assert screen.ended() == 0
