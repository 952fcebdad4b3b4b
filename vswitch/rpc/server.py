"""Serves the operator API on a unix socket.

Theory of operation.  Each connection is one task that reads a line, runs its
method to the end, writes the answer, and only then reads the next line: so
answers keep their order, a connection holds at most one line and one answer,
and a client that stops reading stops only itself.  A method runs to its end
also when its client goes away: nothing is left half done.

Who may call.  The socket is born with mode 0600 (the kernel takes it from the
unbound socket), and the peer's credentials must be our own user or root.

Taking over.  A socket file may be left by a daemon that was killed.  Whoever
holds the lock file beside it owns the name, so a file found under the lock is
stale and is replaced; without the lock the daemon that has it is named.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from vswitch.errors import Failure, RpcError
from vswitch.lockfile import Lock
from vswitch.requests import REQUESTS
from vswitch.rpc import protocol

__all__ = ["Method", "RpcError", "Server"]

Method = Callable[..., Awaitable[object]]

CLOSE_S = 5.0
"""How long `Server.close` waits for answers: a client may not read its own."""

_log = logging.getLogger(__name__)
_CHUNK = 65536
_CREDENTIALS = struct.Struct("3i")


class Server:
    """Answers calls on the socket at 'path' with 'methods', name -> async function.

    A method gets its parameters by name, checked and canonical as `requests.Request.check`
    says; it returns what JSON can hold, or raises a `Failure` (`RpcError`) for the caller.
    Everything else it raises is logged and answered as a defect.  Every method must be
    declared in `requests.REQUESTS` (ValueError).  Belongs to one event loop.
    """

    def __init__(self, path: str | os.PathLike[str], methods: Mapping[str, Method]) -> None:
        unknown = methods.keys() - REQUESTS.keys()
        if unknown:
            raise ValueError(f"methods not declared in vswitch.requests: {sorted(unknown)}")
        self._path = os.fspath(path)
        self._methods = methods
        self._server: asyncio.Server | None = None
        self._lock: Lock | None = None
        self._idle: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> None:
        """Takes the socket's name and listens; Failure when another daemon has it."""
        what = f"socket {self._path}"
        self._lock = Lock(
            self._path + ".lock", what, "use that daemon, end it, or choose another --run folder"
        )
        try:
            listener = _listen(self._path)
        except OSError as error:
            self._lock.release()
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise Failure(what, f"it can't be made: {reason}", "check the run folder") from None
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def close(self) -> None:
        """Stops listening, lets running methods answer (for CLOSE_S), removes the socket."""
        if not self._server or self._closing:
            return
        self._closing = True
        os.unlink(self._path)  # before close, which from Python 3.13 on does it as well
        self._server.close()
        for task in self._idle:
            task.cancel()
        current = asyncio.current_task()
        tasks = [task for task in self._idle | self._busy if task is not current]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()
        assert self._lock
        self._lock.release()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._idle.add(task)
        try:
            if _trusted(writer.get_extra_info("socket")):
                await self._converse(reader, writer, task)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._idle.discard(task)
            self._busy.discard(task)
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        lines = protocol.Lines(protocol.REQUEST_MAX)
        while not self._closing:
            data = await reader.read(_CHUNK)
            if not data:
                return
            try:
                received = lines.feed(data)
            except protocol.TooLong:
                writer.write(protocol.too_long())
                await writer.drain()
                return
            self._idle.discard(task)
            self._busy.add(task)
            for line in received:
                writer.write(await self.answer(line))
                await writer.drain()
            self._busy.discard(task)
            self._idle.add(task)

    async def answer(self, line: bytes) -> bytes:
        """The line that answers a request's line, whatever it holds."""
        try:
            call = protocol.read_call(line)
        except protocol.BadRequest as bad:
            return bad.reply
        method = self._methods.get(call.method)
        if method is None:
            return protocol.no_method(call.id, call.method, ", ".join(sorted(self._methods)))
        try:
            params = REQUESTS[call.method].check(call.params)
            return protocol.answer(call.id, await method(**params))
        except Failure as failure:
            return protocol.error(call.id, failure)
        except Exception as defect:
            _log.exception("%s failed unexpectedly", call.method)
            return protocol.error(call.id, _unexpected(call.method, defect))


def _unexpected(method: str, defect: Exception) -> Failure:
    why = f"a defect of vswitchd ({type(defect).__name__}: {defect})"
    return Failure(method, why.replace("\n", " "), "see the daemon's log and report it")


def _listen(path: str) -> socket.socket:
    """A listening socket with mode 0600 at 'path', whose stale file is replaced."""
    if os.path.lexists(path):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise OSError(f"{path} exists and is no socket")
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(path)
        listener.setblocking(False)
        return listener
    except BaseException:
        listener.close()
        raise


def _trusted(peer: Any) -> bool:
    """Whether the peer runs as our own user or as root (HARDENING S37)."""
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    if uid in (0, os.geteuid()):
        return True
    _log.warning("refused a connection to the operator API from user %d", uid)
    return False
