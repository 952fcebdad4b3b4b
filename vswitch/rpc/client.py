"""Asks the daemon: one connection, one call after the other, no event loop.

    with Client() as daemon:
        daemon.call("bridge.add", name="br0")

For the command line and whatever else is a plain program; imports little.
"""

from __future__ import annotations

import os
import socket

from vswitch import paths
from vswitch.errors import Failure, RpcError
from vswitch.rpc.descriptors import send
from vswitch.rpc.protocol import ANSWER_MAX, Call, Lines, TooLong, read_answer

__all__ = ["Client", "RpcError"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

TIMEOUT_S = 60.0
"""How long an answer may take: setting up many ports is slow on a busy host."""


class Client:
    """A connection to the daemon of a run folder, made at the first call.

    'run' is the run folder, by default the one `paths.run_folder` chooses.
    Not for several threads at once.
    """

    def __init__(self, run: str | os.PathLike[str] | None = None, timeout: float = TIMEOUT_S):
        folder = os.fspath(run) if run is not None else None
        self.path = paths.socket_path(paths.run_folder(folder))
        self._timeout = timeout
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

        'lent' are parameters that are descriptors, by name; they stay the caller's.
        """
        self._id += 1
        lent = lent or {}
        request = Call(self._id, method, params, tuple(lent)).encode()
        connection = self._connected()
        try:
            send(connection, request, tuple(lent.values()))
            line = self._receive(connection)
        except TimeoutError:
            self.close()
            raise self._silent(f"no answer to {method} within {self._timeout:g} s") from None
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
        connection.settimeout(self._timeout)
        try:
            connection.connect(self.path)
        except OSError as error:
            connection.close()
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise RpcError(
                what="daemon", why=f"none answers at {self.path} ({reason})", do=_where()
            ) from None
        return connection

    def _receive(self, connection: socket.socket) -> bytes:
        while True:
            data = connection.recv(1 << 18)
            if not data:
                raise ConnectionResetError("the daemon closed it")
            lines = self._lines.feed(data)
            if lines:
                return lines[0]

    def _silent(self, why: str) -> Failure:
        return RpcError(what="daemon", why=why, do="see its log, and whether it still runs")


def _where() -> str:
    """What to do where no daemon is: there may be one elsewhere."""
    from vswitch.rpc.nearby import daemons

    start = "start vswitchd, or name its run folder with --run or VSWITCH_RUN"
    found = daemons()
    return f"{start}: one answers in {' and in '.join(found)}" if found else start
