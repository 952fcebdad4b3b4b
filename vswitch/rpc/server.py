"""Serves the operator API on a unix socket.

Theory of operation.  Each connection is one task that reads a line, runs its
method to the end, writes the answer, and only then reads the next line: so
answers keep their order, a connection holds at most one line and one answer,
and a client that stops reading stops only itself, and is hung up on when it has taken nothing of an
answer for UNREAD_S.  Long requests are checked, and long answers put into JSON, on a thread:
whoever else the event loop serves has turns meanwhile.

A request that its client has given up, by hanging up or by the timeout that it carries, is dropped
if it has not begun to take effect (rpc/waiting.py).  One that has begun runs to its end: nothing is
left half done.  When its time ends meanwhile the answer says what that means.

Lent descriptors (rpc/descriptors.py) ride beside a request, so a connection is read here by the
socket's own call, not by a stream of asyncio's, which would throw them away.  A method gets those
that its request names for as long as it runs; they are closed when it has ended, and so are
those that nobody named.

Who may call.  The socket is born with mode 0600 (the kernel takes it from the
unbound socket), and the peer's credentials must be our own user or root.

Taking over.  A socket file may be left by a daemon that was killed: one at which nobody answers is
replaced (`namedsocket`).  Whoever holds the lock file beside it owns the name; without the lock the
daemon that has it is named.  What is removed of both under a running daemon `keep` puts back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from vswitch.errors import Exit, Failure, RpcError
from vswitch.lockfile import Lock
from vswitch.namedsocket import NamedSocket
from vswitch.requests import REQUESTS
from vswitch.rpc import protocol
from vswitch.rpc.descriptors import Lent, TooMany, receive
from vswitch.rpc.waiting import Waiting, wait_for

__all__ = ["Method", "RpcError", "Server"]

Method = Callable[..., Awaitable[object]]

CLOSE_S = 5.0
"""How long `Server.close` waits for answers: a client may not read its own."""

UNREAD_S = 30.0
"""How long a client may take nothing of an answer."""

PIECE = 1 << 18
"""Bytes of an answer that a client has UNREAD_S for."""

RETRY_S = 1.0
"""When connections are looked for again after there was no descriptor left for one."""

LONG = 4096
"""Bytes of a request whose parameters are checked on a thread: a configuration, many flows."""

_log = logging.getLogger(__name__)
_CHUNK = 65536
_CREDENTIALS = struct.Struct("3i")


class Server:
    """Answers calls on the socket at 'path' with 'methods', name -> async function.

    A method gets its parameters by name, checked and canonical as `requests.Request.check`
    says (a descriptor is closed when it returns: duplicate what shall live longer); it returns
    what JSON can hold, or raises a `Failure` (`RpcError`) for the caller.  Everything else it
    raises is logged and answered as a defect.  Every method must be declared in
    `requests.REQUESTS` (ValueError).  Belongs to one event loop.
    """

    def __init__(self, path: str | os.PathLike[str], methods: Mapping[str, Method]) -> None:
        unknown = methods.keys() - REQUESTS.keys()
        if unknown:
            raise ValueError(f"methods not declared in vswitch.requests: {sorted(unknown)}")
        self._path = os.fspath(path)
        self._methods = methods
        self._named: NamedSocket | None = None
        self._lock: Lock | None = None
        self._idle: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[object]] = set()
        """Methods that have begun, and whose clients' time is over."""
        self._closing = False

    async def start(self) -> None:
        """Takes the socket's name and listens; Failure when another daemon has it."""
        self._lock = Lock(
            self._path + ".lock", self._what,
            "use that daemon, end it, or choose another --run folder",
        )  # fmt: skip
        try:
            self._named = self._listen()
        except Failure:
            self._lock.release()
            raise
        self._watch()

    def keep(self) -> bool:
        """Puts socket and lock file back if they were removed; True if one was.  Failure if that
        can't be: then it is the next call's to do.  Connections that are there go on."""
        if not self._named or not self._lock or self._closing:
            return False
        is_new = self._lock.keep()
        if not self._named.holds():
            old, self._named = self._named, self._listen()
            asyncio.get_running_loop().remove_reader(old.sock)
            old.close()
            self._watch()
            is_new = True
        return is_new

    def _listen(self) -> NamedSocket:
        try:
            return NamedSocket(self._path)
        except OSError as error:
            why = f"it can't be made: {error.strerror or error}"
            raise Failure(self._what, why, "check the run folder") from None

    @property
    def _what(self) -> str:
        return f"socket {self._path}"

    async def close(self) -> None:
        """Stops listening, lets running methods answer (for CLOSE_S), removes the socket."""
        if not self._named or self._closing:
            return
        self._closing = True
        asyncio.get_running_loop().remove_reader(self._named.sock)
        self._named.close()
        for task in self._idle:
            task.cancel()
        current = asyncio.current_task()
        asked: set[asyncio.Task[Any]] = {*self._idle, *self._busy, *self._late}
        tasks = [task for task in asked if task is not current]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()
        assert self._lock
        self._lock.release()

    # ---- connections -------------------------------------------------------

    def _watch(self) -> None:
        if self._named and not self._closing:
            asyncio.get_running_loop().add_reader(self._named.sock, self._accept)

    def _accept(self) -> None:
        assert self._named
        loop = asyncio.get_running_loop()
        try:
            peer, _ = self._named.sock.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # as many files are open as may be: others wait
            _log.error("no connection to the operator API: %s", error.strerror)
            loop.remove_reader(self._named.sock)
            loop.call_later(RETRY_S, self._watch)
            return
        peer.setblocking(False)
        task = loop.create_task(self._serve(peer))
        self._idle.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, peer))

    def _ended(self, task: asyncio.Task[None], peer: socket.socket) -> None:
        self._idle.discard(task)
        self._busy.discard(task)
        peer.close()

    async def _serve(self, peer: socket.socket) -> None:
        # A client that doesn't read is a TimeoutError, which is an OSError as well.
        with contextlib.suppress(OSError, asyncio.CancelledError), Lent() as lent:
            if _trusted(peer):
                await self._converse(peer, lent)

    async def _converse(self, peer: socket.socket, lent: Lent) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task
        lines = protocol.Lines(protocol.REQUEST_MAX)
        while not self._closing:
            try:
                data, came = await _receive(peer)
                lent.add(came)
                received = lines.feed(data)
            except protocol.TooLong:
                await loop.sock_sendall(peer, protocol.too_long())
                return
            except TooMany:
                await loop.sock_sendall(peer, protocol.too_many())
                return
            if not data:
                return
            self._idle.discard(task)
            self._busy.add(task)
            for line in received:
                if _has_hung_up(peer):
                    return
                for piece in await self._reply(line, lent, lambda: _has_hung_up(peer)):
                    for at in range(0, len(piece), PIECE):
                        async with asyncio.timeout(UNREAD_S):
                            await loop.sock_sendall(peer, piece[at : at + PIECE])
            if not lines.amid:
                lent.close()
            self._busy.discard(task)
            self._idle.add(task)

    async def answer(
        self, line: bytes, lent: Lent | None = None, hung_up: Callable[[], bool] = lambda: False
    ) -> bytes:
        """The line that answers a request's line, whatever it holds; what it names of 'lent' is
        closed when its method has ended."""
        return b"".join(await self._reply(line, Lent() if lent is None else lent, hung_up))

    async def _reply(self, line: bytes, lent: Lent, hung_up: Callable[[], bool]) -> Sequence[bytes]:
        try:
            call = protocol.read_call(line)
        except protocol.BadRequest as bad:
            return [bad.reply]
        with contextlib.ExitStack() as held:
            own = held.enter_context(Lent())
            own.add(fds := lent.take(len(call.descriptors)))
            if len(fds) < len(call.descriptors):
                return [protocol.not_lent(call, len(fds))]
            return await self._carry_out(call, fds, held, len(line) > LONG, hung_up)

    async def _carry_out(
        self, call: protocol.Call, fds: Sequence[int], held: contextlib.ExitStack, is_long: bool,
        hung_up: Callable[[], bool],
    ) -> Sequence[bytes]:  # fmt: skip
        method = self._methods.get(call.method)
        if method is None:
            return [protocol.no_method(call.id, call.method, ", ".join(sorted(self._methods)))]
        try:
            check = REQUESTS[call.method].check
            asked = (call.params, call.descriptors)
            params = await asyncio.to_thread(check, *asked) if is_long else check(*asked)
            params |= zip(call.descriptors, fds, strict=True)
            doing = _holding(held.pop_all(), method(**params))
            task = asyncio.get_running_loop().create_task(doing)
            result = await self._in_time(call, task, hung_up)
            if protocol.is_long(result):
                return await asyncio.to_thread(protocol.pieces, call.id, result)
            return [b"".join(protocol.pieces(call.id, result))]
        except Failure as failure:
            return [protocol.error(call.id, failure)]
        except Exception as defect:
            _log.exception("%s failed unexpectedly", call.method)
            return [protocol.error(call.id, _unexpected(call.method, defect))]

    async def _in_time(
        self, call: protocol.Call, task: asyncio.Task[object], hung_up: Callable[[], bool]
    ) -> object:
        """What a method returns or raises, if it ends in the client's time; a Failure that says
        what becomes of it if not."""
        waiting = wait_for(task, hung_up)
        try:
            await asyncio.wait({task}, timeout=call.timeout)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return task.result()
        waiting.over = True
        if waiting.begun:
            self._late.add(task)
            task.add_done_callback(self._ended_late)
        else:
            task.cancel()
            await asyncio.wait({task})
        raise _timed_out(call, waiting)

    def _ended_late(self, task: asyncio.Task[object]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.warning("a request whose client no longer waited: %s", error)


async def _holding(held: contextlib.ExitStack, doing: Awaitable[object]) -> object:
    """Does it, and holds what it needs as long as that takes."""
    with held:
        return await doing


def _timed_out(call: protocol.Call, waiting: Waiting) -> Failure:
    if waiting.kept:
        why = "it is stored, and was not active in time"
        do = "it will be by itself; see `vswitch status`"
        return Failure(call.method, why, do, Exit.NOT_ACTIVE)
    if waiting.begun:
        why = "it has begun and not ended in time: it may still happen, and can't be undone"
        return Failure(call.method, why, "look before you ask again", Exit.TIMED_OUT)
    why = "there was no answer in time: it was given up, and nothing has changed"
    do = "see whether the forwarder works (`vswitch status`), or wait longer with --timeout"
    return Failure(call.method, why, do, Exit.TIMED_OUT)


def _has_hung_up(peer: socket.socket) -> bool:
    """Whether a client is gone, not merely done with asking (it may have closed its half)."""
    poll = select.poll()
    poll.register(peer, 0)
    return bool(poll.poll(0))


async def _receive(peer: socket.socket) -> tuple[bytes, list[int]]:
    """The next bytes with the descriptors beside them, waiting for them."""
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(BlockingIOError):
            return receive(peer, _CHUNK)
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(peer, _tell, readable)
        try:
            await readable
        finally:
            loop.remove_reader(peer)


def _tell(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def _unexpected(method: str, defect: Exception) -> Failure:
    why = f"a defect of vswitchd ({type(defect).__name__}: {defect})"
    return Failure(method, why.replace("\n", " "), "see the daemon's log and report it")


def _trusted(peer: Any) -> bool:
    """Whether the peer runs as our own user or as root (HARDENING S37)."""
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    if uid in (0, os.geteuid()):
        return True
    _log.warning("refused a connection to the operator API from user %d", uid)
    return False
