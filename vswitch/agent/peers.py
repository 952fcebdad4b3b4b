"""Finding peers: connections to controllers that are kept up, and listeners for those who come.

A controller that can't be reached is tried again after 0.1 s, then twice as long each time, at most
a second: a controller that starts late is found within one.  A unix listener's socket is
born with mode 0600 (`namedsocket`); a TCP listener is on the loopback unless an address was
written out (HARDENING S22, S23).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vswitch.agent.connection import Connection
from vswitch.agent.exchange import Exchange
from vswitch.agent.snoop import Snooper
from vswitch.namedsocket import NamedSocket
from vswitch.target import ACTIVE, PASSIVE, Target, parse

log = logging.getLogger("vswitch.openflow")

FIRST_DELAY, LONGEST_DELAY = 0.1, 1.0
CONNECT_SECONDS = 5.0
PROBE_SECONDS = 5.0
"""Silence of a controller that leads to an echo request."""
SERVICE_PROBE_SECONDS = 60.0
"""The same for peers that came by TCP, so that half-open connections end (HARDENING S8)."""


class Connector:
    """A controller that the bridge connects to, again and again until `close`."""

    def __init__(self, exchange: Exchange, target: str) -> None:
        self.target = target
        self._where = parse(target, ACTIVE)
        self._exchange = exchange
        self._connection: Connection | None = None
        self._since: float | None = None
        self._error: tuple[str, float] | None = None
        """Why there was no connection last, or why it ended, and when (Unix seconds)."""
        self._task = asyncio.get_running_loop().create_task(self._keep())

    def status(self) -> dict[str, Any]:
        """connected (hellos were exchanged); role in words and since (Unix seconds), or None;
        error: why the last connection could not be made or ended, failed: when, or None."""
        connection = self._connection
        session = connection and self._exchange.agent.sessions.get(connection.session)
        error, failed = self._error or (None, None)
        role = session.role.name.lower() if session and session.agreed else None
        since = self._since if role else None
        return {
            "connected": role is not None, "role": role, "since": since,
            "error": error, "failed": failed,
        }  # fmt: skip

    def _failed(self, why: str) -> None:
        self._error = why, time.time()

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        while True:
            await self._exchange.ready.wait()
            if await self._once():
                delay = FIRST_DELAY
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _once(self) -> bool:
        """One connection from its birth to its end; True if the peers came to speak."""
        connection = Connection(
            self._exchange, self.target, service=False, probe=PROBE_SECONDS
        )  # fmt: skip
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await _connect(self._where, connection)
        except Exception as error:  # resolvers raise more than OSError (a name that IDNA refuses)
            log.debug("%s: can't connect: %s", self.target, reason := _reason(error))
            self._failed(f"can't connect: {reason}")
            return False
        self._connection, self._since = connection, time.time()
        try:
            await asyncio.shield(connection.closed)
        finally:
            spoke, self._connection = connection.spoke, None
            self._failed(connection.why or "it ended")
            connection.hang_up("the controller was removed")
        return spoke

    def close(self) -> None:
        """Ends the connection and the attempts to make it."""
        self._task.cancel()


def _reason(error: Exception) -> str:
    """An error in words, on one line; resolvers and kernels number theirs."""
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:g} s"
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(told.split()) or type(error).__name__


async def _connect(where: Target, connection: Connection) -> None:
    loop = asyncio.get_running_loop()
    if where.path:
        await loop.create_unix_connection(lambda: connection, where.path)
    else:
        await loop.create_connection(lambda: connection, where.host, where.port)


@dataclass(slots=True)
class Listener:
    """A place where peers come to us; `close` removes a unix socket's name, if it is still ours."""

    target: str
    _server: asyncio.Server
    _named: NamedSocket | None

    def holds(self) -> bool:
        """Whether peers still find it by its name: what is not a file can't be removed."""
        return self._named is None or self._named.holds()

    def close(self) -> None:
        """Takes no more connections; those that there are stay."""
        if self._named:
            self._named.remove_name()
        self._server.close()


async def listen(exchange: Exchange, target: str) -> Listener:
    """Listens at a passive target; OSError if that can't be."""
    probe = 0.0 if parse(target, PASSIVE).path else SERVICE_PROBE_SECONDS
    return await _serve(
        target, lambda: Connection(exchange, target, service=True, probe=probe)
    )  # fmt: skip


async def listen_for_snoopers(exchange: Exchange, target: str) -> Listener:
    """Lets whoever comes to a passive target watch the controllers; OSError if that can't be."""
    return await _serve(target, lambda: Snooper(exchange.snoop))


async def _serve(target: str, factory: Callable[[], asyncio.Protocol]) -> Listener:
    where = parse(target, PASSIVE)
    loop = asyncio.get_running_loop()
    if not where.path:
        server = await loop.create_server(factory, where.host, where.port)
        return Listener(target, server, None)
    named = NamedSocket(where.path)
    return Listener(target, await loop.create_unix_server(factory, sock=named.sock), named)
