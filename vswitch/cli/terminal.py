"""The user's terminal while a screen of ours is on it.

The screen is the terminal's other one, so what was there comes back untouched, on every end that a
process can see: an exception, Ctrl-C, SIGTERM, SIGHUP, Ctrl-\\, and Ctrl-Z until it goes on.  Keys
come in one at a time; a window of another size and a return from Ctrl-Z are told as keys, too.
No curses: a handful of sequences that every terminal of these days knows (ECMA-48, xterm).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, Self, TextIO

from vswitch.cli.output import cut

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"

REDRAW = "redraw"
"""What is told as a key where all has to be drawn again: the window has another size."""

_SEQUENCES = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "right", b"\x1b[D": "left",
    b"\x1bOA": "up", b"\x1bOB": "down", b"\x1bOC": "right", b"\x1bOD": "left",
    b"\x1b[5~": "page up", b"\x1b[6~": "page down", b"\x1b[H": "home", b"\x1b[F": "end",
    b"\x1bOH": "home", b"\x1bOF": "end", b"\x1b[1~": "home", b"\x1b[4~": "end",
    b"\x1b[7~": "home", b"\x1b[8~": "end",
}  # fmt: skip
_LONGEST = max(map(len, _SEQUENCES))

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def keys(data: bytes) -> Iterator[str]:
    """What was pressed: "up", "page down", "q".  Sequences that mean nothing here are left out."""
    at = 0
    while at < len(data):
        found = next(
            (n for n in range(_LONGEST, 1, -1) if data[at : at + n] in _SEQUENCES), None
        )  # fmt: skip
        if found:
            yield _SEQUENCES[data[at : at + found]]
        elif data[at] == 0x1B:  # another sequence: up to its last byte
            found = 2 + _parameters(data[at + 2 :]) if data[at + 1 : at + 2] in b"[O" else 1
        else:
            yield chr(data[at])
        at += found or 1


def _parameters(data: bytes) -> int:
    """Bytes of a control sequence behind its introducer (ECMA-48, 5.4)."""
    return next((n for n, byte in enumerate(data, 1) if 0x40 <= byte <= 0x7E), len(data))


class Terminal:
    """A screen on 'stream', and the keys of 'keyboard', if that is a terminal as well."""

    def __init__(self, stream: TextIO, keyboard: int | None = None) -> None:
        self._stream = stream
        self._keyboard = _keyboard(keyboard)
        self._modes: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._wakeup: tuple[int, int] | None = None
        self._wakeup_before = -1
        self._waiting: list[str] = []
        self._asked_to_stop = False

    def __enter__(self) -> Self:
        self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup_before = signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        for number in _ENDING:
            self._handlers[number] = signal.signal(number, _end)
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._ask_stop)
        self._handlers[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, lambda *_: None)
        try:
            self._show()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._hide()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup_before)
            for fd in self._wakeup or ():
                os.close(fd)

    def _show(self) -> None:
        if self._keyboard is not None:
            self._modes = termios.tcgetattr(self._keyboard)
            modes = termios.tcgetattr(self._keyboard)
            modes[3] &= ~(termios.ICANON | termios.ECHO)
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._keyboard, termios.TCSAFLUSH, modes)
        self._write(_ENTER)

    def _hide(self) -> None:
        with contextlib.suppress(OSError):  # a terminal that has gone needs nothing
            self._write(_LEAVE)
        if self._keyboard is not None and self._modes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._keyboard, termios.TCSAFLUSH, self._modes)

    def _ask_stop(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: not now, something may be half written, but before the next key is waited for."""
        self._asked_to_stop = True

    def _stop(self) -> None:
        """The shell gets its terminal as it was, and we ours when we go on."""
        self._asked_to_stop = False
        self._hide()
        ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTSTP,))
        signal.signal(signal.SIGTSTP, ours)
        self._show()
        self._waiting.append(REDRAW)

    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        try:
            columns, lines = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, lines = 0, 0
        return columns or 80, lines or 24

    def draw(self, lines: Sequence[str]) -> None:
        """Shows lines from the top on, cut to the screen."""
        columns, most = self.size()
        rows = [cut(line, columns) + _END_OF_LINE for line in lines[:most]]
        self._write(_HOME + "\r\n".join(rows) + _END_OF_SCREEN)

    def key(self, seconds: float) -> str | None:
        """The next key; None if there is none within 'seconds'."""
        if not self._waiting:
            self._wait(seconds)
        return self._waiting.pop(0) if self._waiting else None

    def _wait(self, seconds: float) -> None:
        assert self._wakeup
        if self._asked_to_stop:
            self._stop()
            return
        sources = [self._wakeup[0]] + ([] if self._keyboard is None else [self._keyboard])
        ready, _, _ = select.select(sources, [], [], max(seconds, 0))
        if self._wakeup[0] in ready:
            os.read(self._wakeup[0], 4096)
            if self._asked_to_stop:
                self._stop()
            else:
                self._waiting.append(REDRAW)
        if self._keyboard in ready:
            data = os.read(self._keyboard, 1024)
            if not data:  # the terminal has gone
                raise SystemExit(128 + signal.SIGHUP)
            self._waiting += keys(data)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _keyboard(fd: int | None) -> int | None:
    try:
        fd = sys.stdin.fileno() if fd is None else fd
        return fd if os.isatty(fd) else None
    except (OSError, ValueError):
        return None


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
