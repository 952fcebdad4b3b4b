"""Asks the daemon: one connection, one call after the other, no event loop.

    with Client() as daemon:
        daemon.call("bridge.add", name="br0")

For the command line and whatever else is a plain program; imports little.
"""

from __future__ import annotations

import os
import socket
import time

from vswitch import paths
from vswitch.errors import Exit, Failure, RpcError
from vswitch.patience import MOST_S, Deadline, limit
from vswitch.rpc.descriptors import send
from vswitch.rpc.protocol import ANSWER_MAX, Call, Lines, TooLong, read_answer

__all__ = ["Client", "RpcError"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

TOLD = 0.9
"""Share of the time for an answer that the daemon is told to keep to: what it says then is better
than that it said nothing."""

QUEUE_S = 0.01
"""How long a daemon is left alone that can't take one more connection."""


class Client:
    """A connection to the daemon of a run folder, made at the first call.

    'run' is the run folder, by default the one `paths.run_folder` chooses; 'timeout' the seconds
    that an answer may take, by default what `patience.limit` says.
    Not for several threads at once.
    """

    def __init__(
        self, run: str | os.PathLike[str] | None = None, timeout: float | None = None
    ) -> None:
        folder = os.fspath(run) if run is not None else None
        self.path = paths.socket_path(paths.run_folder(folder))
        self._timeout = limit() if timeout is None else timeout
        self._socket: socket.socket | None = None
        self._lines = Lines(ANSWER_MAX)
        self._id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; the next call makes a new one."""
        if self._socket:
            self._socket.close()
            self._socket = None
            self._lines = Lines(ANSWER_MAX)

    def call(self, method: str, lent: Mapping[str, int] | None = None, /, **params: object) -> Any:
        """The method's result; RpcError when it fails or no daemon answers.

        One that was not answered in time does not begin any more; what it says tells whether it may
        have begun.
        'lent' are parameters that are descriptors, by name; they stay the caller's.
        """
        self._id += 1
        lent = lent or {}
        told = min(self._timeout * TOLD, MOST_S)
        request = Call(self._id, method, params, tuple(lent), told).encode()
        until = Deadline(self._timeout)
        connection = self._connected()
        try:
            connection.settimeout(until.left())
            send(connection, request, tuple(lent.values()))
            line = self._receive(connection, until)
        except TimeoutError:
            raise self._late(method, connection) from None
        except (OSError, TooLong) as error:
            self.close()
            raise self._silent(f"the connection broke: {error or 'answer too long'}") from None
        return read_answer(line, self._id)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        until = Deadline(self._timeout)
        try:
            self._reach(connection, until)
        except TimeoutError:
            connection.close()
            raise self._unanswered("to a connection", taken=False) from None
        except OSError as error:
            connection.close()
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise RpcError(
                what="daemon", why=f"none answers at {self.path} ({reason})", do=_where(error)
            ) from None
        return connection

    def _reach(self, connection: socket.socket, until: Deadline) -> None:
        """Connects; a daemon whose queue of connections is full (EAGAIN) is there, and busy."""
        while True:
            connection.settimeout(until.left())
            try:
                return connection.connect(self.path)
            except BlockingIOError:
                time.sleep(min(QUEUE_S, until.left()))

    def _receive(self, connection: socket.socket, until: Deadline) -> bytes:
        while True:
            connection.settimeout(until.left())
            data = connection.recv(1 << 18)
            if not data:
                raise ConnectionResetError("the daemon closed it")
            lines = self._lines.feed(data)
            if lines:
                return lines[0]

    def _late(self, method: str, connection: socket.socket) -> Failure:
        """Gives a request up.  Once we are gone the daemon begins nothing of ours: what it has not
        read by then is never carried out."""
        import contextlib
        import fcntl
        import struct
        import termios

        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        unread = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
        self.close()
        return self._unanswered(f"to {method}", taken=not unread)

    def _unanswered(self, to_what: str, *, taken: bool) -> Failure:
        why = f"no answer {to_what} within {self._timeout:g} s"
        if taken:
            do = "see whether it is busy; a change that it had begun may still happen"
        else:
            why += ": it takes no requests, so nothing has changed"
            do = "see whether it is stopped"
        return RpcError(what="daemon", why=why, do=do, exit=Exit.TIMED_OUT)

    def _silent(self, why: str) -> Failure:
        return RpcError(what="daemon", why=why, do="see its log, and whether it still runs")


def _where(error: OSError) -> str:
    """What to do where no daemon is, or none for us: there may be one elsewhere."""
    from vswitch.rpc.nearby import daemons

    start = "start vswitchd, or name its run folder with --run or VSWITCH_RUN"
    if isinstance(error, PermissionError):
        start = "ask as the user that it runs as (root for a service), or name another run folder"
    found = daemons()
    return f"{start}: one answers in {' and in '.join(found)}" if found else start
