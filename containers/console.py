"""Joining a detached container: its output comes here, what is typed goes there.

The other side is process 1 (`init/console.h` tells the protocol), by a socket in the container's
folder.  Whoever joins may leave again: with ctrl-p ctrl-q at a terminal, by Ctrl-C where the
container has none.  Nothing in the container notices.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import socket
import struct
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType

from containers.launch import window
from containers.registry import Entry, Registry
from vswitch.errors import Exit, Failure

CONSOLE = "console"
CHUNK = 4096
"""Bytes in a message at most, behind its kind."""
BACKLOG = 8
ENDING_SECONDS = 10.0
KILLED = 128 + signal.SIGKILL

_LEAVE = (b"\x10", b"\x11")
"""Ctrl-p, ctrl-q."""


def listen(folder: str) -> socket.socket:
    """A console's socket in a container's folder.  OSError if it can't be made there."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with _opened(folder) as path:
            made.bind(f"{path}/{CONSOLE}")
        made.listen(BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[str]:
    """A short name of the folder: a socket's path has 107 bytes at most."""
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


class Keys:
    """Finds ctrl-p ctrl-q in what is typed, wherever it is cut.  Pure."""

    def __init__(self) -> None:
        self.left = False
        self._held = b""

    def pass_on(self, typed: bytes) -> bytes:
        """What of it is the container's; `left` once both keys have been struck."""
        typed, self._held = self._held + typed, b""
        before, keys, _ = typed.partition(b"".join(_LEAVE))
        if keys:
            self.left = True
            return before
        if typed.endswith(_LEAVE[0]):
            self._held = _LEAVE[0]
            return typed[:-1]
        return typed


def join(registry: Registry, entry: Entry) -> int:
    """Stays until the container has ended, or whoever sits here leaves; its exit code, or 0.
    ProcessLookupError if it has ended already."""
    with contextlib.ExitStack() as stack:
        pidfd = entry.keeper.open()
        stack.callback(os.close, pidfd)
        connection = stack.enter_context(_connected(registry, entry))
        end = stack.enter_context(registry.exit_file(entry))
        session = _Session(entry, connection, stack)
        try:
            while not session.over:
                session.look()
        except KeyboardInterrupt:
            return Exit.OK
        if session.left:
            return Exit.OK
        if not select.select([pidfd], [], [], ENDING_SECONDS)[0]:
            why = "it lets nobody join any more, and goes on"
            raise Failure(f"container {entry.name}", why, "see vswitch logs")
        code = end()
        return KILLED if code is None else code


@contextlib.contextmanager
def _connected(registry: Registry, entry: Entry) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
        try:
            with _opened(registry.path(entry.name)) as path:
                made.connect(f"{path}/{CONSOLE}")
        except OSError as error:
            why = f"it can't be joined: {error.strerror}"
            raise Failure(f"container {entry.name}", why, "see vswitch ps") from None
        yield made


class _Session:
    """Between our streams and the console."""

    def __init__(self, entry: Entry, console: socket.socket, stack: contextlib.ExitStack) -> None:
        self.over = self.left = False
        self._console = console
        self._pending = b""
        self._keys: Keys | None = None
        self._ended = not (entry.spec.tty or entry.spec.interactive)
        self._input = sys.stdin.fileno() if not self._ended else -1
        self._selector = stack.enter_context(selectors.PollSelector())
        if entry.spec.tty and os.isatty(self._input):
            self._keys = Keys()
            stack.enter_context(_raw(self._input))
            stack.enter_context(self._resizing())
        console.setblocking(False)
        self._wait()

    @contextlib.contextmanager
    def _resizing(self) -> Iterator[None]:
        """Within, the container's terminal has the size of ours."""

        def fit(signum: int = 0, frame: FrameType | None = None) -> None:
            rows, columns = window()
            with contextlib.suppress(OSError):
                self._console.send(b"W" + struct.pack("<HH", rows, columns))

        before = signal.signal(signal.SIGWINCH, fit)
        fit()
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)

    def look(self) -> None:
        """Waits for the next event and serves all there are."""
        for key, events in self._selector.select():
            if key.fd == self._input:
                self._read()
            elif events & selectors.EVENT_READ:
                self._show()
            elif events & selectors.EVENT_WRITE:
                self._send()
        self._wait()

    def _wait(self) -> None:
        """Asks for input only once the console has taken what came before."""
        for fd in [key.fd for key in list(self._selector.get_map().values())]:
            self._selector.unregister(fd)
        writing = selectors.EVENT_WRITE if self._pending else 0
        self._selector.register(self._console, selectors.EVENT_READ | writing)
        if not self._pending and not self._ended:
            self._selector.register(self._input, selectors.EVENT_READ)

    def _show(self) -> None:
        try:
            message = self._console.recv(1 + CHUNK)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        self.over = self.over or not message
        sys.stdout.buffer.write(message[1:])
        sys.stdout.buffer.flush()

    def _read(self) -> None:
        try:
            typed = os.read(self._input, CHUNK)
        except BlockingIOError:
            return
        except OSError:  # closed, or a terminal that was hung up
            typed = b""
        if not typed:
            self._ended = True
            self._pending = b"E"
        elif self._keys:
            typed = self._keys.pass_on(typed)
            self.left = self.over = self._keys.left
        if typed:
            self._pending = b"I" + typed
        self._send()

    def _send(self) -> None:
        if not self._pending:
            return
        try:
            self._console.send(self._pending)
            self._pending = b""
        except BlockingIOError:
            pass
        except OSError:  # it has ended, and says so
            self._pending = b""


@contextlib.contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Within, every key reaches us as it is struck."""
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # it was hung up meanwhile
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
