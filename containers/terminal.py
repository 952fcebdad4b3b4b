"""Our terminal on this side, the command's on the other, and the bytes in between.

Ours is put into raw mode, so that every key, Ctrl-C too, reaches the command's terminal and
is a signal there.  What the command's terminal can't take yet waits here, and meanwhile we
read no more: nobody blocks.  The size of the command's terminal is in its plan; from then on it
follows ours.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import struct
import sys
import termios
import tty
from types import FrameType
from typing import Self

from containers.launch import window

_CHUNK = 65536
_TIOCGPTPEER = 0x5441  # asm-generic/ioctls.h
_END_OF_INPUT = b"\x04"
"""Ctrl-D, as a terminal says that no more will come."""


class Relay:
    """Carries bytes both ways until the command's side closes.  Used as a context."""

    def __init__(self, master: int, selector: selectors.BaseSelector) -> None:
        self._master = master
        self._selector = selector
        self._pending = b""
        self._ended = False
        self._input = sys.stdin.fileno()
        self._before: list[object] | None = None

    def __enter__(self) -> Self:
        os.set_blocking(self._master, False)
        self._slave = _peer(self._master)
        if os.isatty(self._input):
            self._before = termios.tcgetattr(self._input)
            tty.setraw(self._input)
        self._old_handler = signal.signal(signal.SIGWINCH, self._fit)
        self._fit()  # ours may have changed since the command's was made
        self._selector.register(self._master, selectors.EVENT_READ, self._serve_master)
        self._selector.register(self._input, selectors.EVENT_READ, self._read_input)
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            _close(self._slave)
            if not any(exception):
                self._drain()
        finally:
            for fd in (self._master, self._input):
                self._forget(fd)
            signal.signal(signal.SIGWINCH, self._old_handler)
            if self._before is not None:
                with contextlib.suppress(termios.error):  # it was hung up meanwhile
                    termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]
            os.close(self._master)

    def _fit(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Gives the command's terminal the size of ours."""
        size = window()
        if any(size):
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))

    def _serve_master(self, events: int) -> None:
        if self._pending and events & selectors.EVENT_WRITE:  # a hangup says both
            self._flush()
        if events & selectors.EVENT_READ and not self._copy_output():
            self._end()

    def _copy_output(self) -> bool:
        """Passes on what there is; False once the other side is closed for good."""
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:  # EIO: the session has ended, and the kernel has hung its terminal up
            return False
        _show(data)
        return bool(data)

    def _drain(self) -> None:
        """What the command wrote before it ended is shown, however it ended."""
        while data := self._left():
            _show(data)

    def _left(self) -> bytes:
        with contextlib.suppress(OSError):
            return os.read(self._master, _CHUNK)
        return b""

    def _read_input(self, events: int) -> None:
        try:
            data = os.read(self._input, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # closed, or a terminal that was hung up
            data = b""
        self._ended = not data
        self._pending += data or _END_OF_INPUT
        self._forget(self._input)
        self._flush()

    def _flush(self) -> None:
        """Writes what is pending; asks for more input only once that is done."""
        try:
            self._pending = self._pending[os.write(self._master, self._pending) :]
        except BlockingIOError:
            pass
        except OSError:  # hung up: nobody will ever read it
            self._end()
            return
        waiting = selectors.EVENT_WRITE if self._pending else 0
        self._selector.modify(self._master, selectors.EVENT_READ | waiting, self._serve_master)
        if not self._pending and not self._ended:
            self._selector.register(self._input, selectors.EVENT_READ, self._read_input)

    def _end(self) -> None:
        """No more comes, and no more goes."""
        self._forget(self._master)
        self._forget(self._input)

    def _forget(self, fd: int) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)


def _peer(master: int) -> int:
    """The other side, held open as long as the command lives: it may close its terminal and open
    it again, and must find what was typed meanwhile.  -1 if it is hung up already."""
    with contextlib.suppress(OSError):
        return fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    return -1


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)


def _show(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
