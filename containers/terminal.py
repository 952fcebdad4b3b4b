"""Our terminal on this side, the command's on the other, and the bytes in between.

Ours is put into raw mode, so that every key, Ctrl-C too, reaches the command's terminal and
is a signal there.  What the command's terminal can't take yet waits here, and meanwhile we
read no more: nobody blocks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import sys
import termios
import tty
from types import FrameType
from typing import Self

_CHUNK = 65536
_END_OF_INPUT = b"\x04"
"""Ctrl-D, as a terminal says that no more will come."""


class Relay:
    """Carries bytes both ways until the command's side closes.  Used as a context."""

    def __init__(self, master: int, selector: selectors.BaseSelector) -> None:
        self._master = master
        self._selector = selector
        self._pending = b""
        self._input, self._output = sys.stdin.fileno(), sys.stdout.fileno()
        self._before: list[object] | None = None
        os.set_blocking(master, False)

    def __enter__(self) -> Self:
        if os.isatty(self._input):
            self._before = termios.tcgetattr(self._input)
            tty.setraw(self._input)
            self._fit()
        self._old_handler = signal.signal(signal.SIGWINCH, self._fit)
        self._selector.register(self._master, selectors.EVENT_READ, self._serve_master)
        with contextlib.suppress(PermissionError):  # a plain file can't be waited for
            self._selector.register(self._input, selectors.EVENT_READ, self._read_input)
        return self

    def __exit__(self, *exception: object) -> None:
        self._drain()
        for fd in (self._master, self._input):
            self._forget(fd)
        signal.signal(signal.SIGWINCH, self._old_handler)
        if self._before is not None:
            termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]
        os.close(self._master)

    def _fit(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Gives the command's terminal the size of ours."""
        with contextlib.suppress(OSError):
            size = fcntl.ioctl(self._input, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def _serve_master(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and not self._copy_output():
            self._forget(self._master)

    def _copy_output(self) -> bool:
        """Passes on what there is; False once the other side is closed."""
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:  # EIO: the last process that had it has closed it
            return False
        _write_all(self._output, data)
        return bool(data)

    def _drain(self) -> None:
        """What the command wrote before it ended is shown, however it ended."""
        while True:
            try:
                data = os.read(self._master, _CHUNK)
            except OSError:
                return
            if not data:
                return
            _write_all(self._output, data)

    def _read_input(self, events: int) -> None:
        data = os.read(self._input, _CHUNK)
        self._pending += data or _END_OF_INPUT
        self._forget(self._input)
        self._flush(ended=not data)

    def _flush(self, ended: bool = False) -> None:
        """Writes what is pending; asks for more input only once that is done."""
        with contextlib.suppress(BlockingIOError):
            self._pending = self._pending[os.write(self._master, self._pending) :]
        waiting = selectors.EVENT_WRITE if self._pending else 0
        self._selector.modify(self._master, selectors.EVENT_READ | waiting, self._serve_master)
        if not self._pending and not ended:
            self._selector.register(self._input, selectors.EVENT_READ, self._read_input)

    def _forget(self, fd: int) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)


def _write_all(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
