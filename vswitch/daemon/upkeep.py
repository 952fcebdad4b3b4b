"""What lies in folders can be removed under a running daemon: it is noticed, and put back or told.

Every half second is looked whether folders, locks, sockets and the store's file are what they were;
the kernel tells nobody whose names are removed.  What is gone is put back (so `vswitch shutdown`
works even when the API's socket was removed), what can't be is a sentence in `vswitch status` and,
once, in the log, until it is right again.  A folder that another daemon has taken meanwhile is
theirs: then this one ends, with its forwarder, since two must not run on one folder.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.folders import Locks
from vswitch.errors import Failure
from vswitch.lockfile import InUse
from vswitch.rpc.server import Server

log = logging.getLogger("vswitch.daemon")

SECONDS = 0.5
"""How often is looked."""

PATIENCE = 5
"""Looks until a forwarder that has not put its socket back is told of: it looks every second."""


class Upkeep:
    """Looks after the folders that 'locks' hold, the server's socket, and what the daemon has."""

    def __init__(self, daemon: Daemon, locks: Locks, server: Server) -> None:
        self._daemon, self._locks, self._server = daemon, locks, server
        self._missed = 0
        """Looks that did not find the forwarder's socket."""

    async def follow(self) -> None:
        """Looks until cancelled.  A task of the daemon's."""
        while True:
            await asyncio.sleep(SECONDS)
            await self.look()

    async def look(self) -> None:
        """Looks once."""
        try:
            troubles = [*self._sync(self._keep_folders), *self._sync(self._keep_api)]
        except InUse as taken:
            self._daemon.lose(taken)
            return
        troubles += await self._keep_store()
        troubles += self._sync(self._see_forwarder)
        for bridge in list(self._daemon.live.bridges.values()):
            await bridge.listeners.tend()
        for trouble in troubles:
            if str(trouble) not in map(str, self._daemon.troubles):
                log.error("%s", trouble)
        self._daemon.troubles = troubles

    def _sync(self, do: Callable[[], None]) -> list[Failure]:
        try:
            do()
        except InUse:
            raise
        except Failure as failure:
            return [failure]
        return []

    def _keep_folders(self) -> None:
        for what in self._daemon.folders.keep(self._locks):
            log.warning("%s was removed, and is there again", what)

    def _keep_api(self) -> None:
        if self._server.keep():
            log.warning("the socket of the operator API was removed, and is there again")

    async def _keep_store(self) -> list[Failure]:
        try:
            await self._daemon.keep_store()
        except Failure as failure:
            return [failure]
        return []

    def _see_forwarder(self) -> None:
        """It puts its socket back by itself."""
        path = self._daemon.folders.forwarder
        is_there = self._daemon.forwarder is None or path.is_socket()
        self._missed = 0 if is_there else self._missed + 1
        if self._missed > PATIENCE:
            why = "its socket was removed, and it has not put it back"
            do = "no daemon after this one can take it over; `vswitch shutdown` ends both"
            raise Failure(f"forwarder's {path}", why, do)
