"""Ports whose interface is in a container's namespace: looked at when something changed there.

Whoever is root in there may give it another MTU or switch it off, as often as they like: we look
once in a while, and for a tenth of the time at most, however much they do.  So they change what
they get and nobody else's share of the daemon.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from vswitch.daemon.live import LiveBridge, LivePort

if TYPE_CHECKING:
    from datapath.kernel import Link, NamespaceWatch, Whereabouts

log = logging.getLogger("vswitch.daemon")

PAUSE = 0.2
"""Seconds between two looks, at least."""

REST = 9.0
"""How many times as long as it looks it looks away, at least."""

Tell = Callable[[LiveBridge, LivePort, "Link"], None]


class Elsewhere:
    """Tells what the interfaces of its ports are like: as they are taken, and when they change."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._ports: list[tuple[LiveBridge, LivePort]] = []
        self._watch = _watched()

    async def take(self, bridge: LiveBridge, port: LivePort) -> None:
        """Looks at a port from now on, if its interface is elsewhere and can be seen there."""
        await self._look(bridge, port)
        if port.elsewhere is not None:
            self._ports.append((bridge, port))

    async def follow(self) -> None:
        """Until cancelled."""
        loop, watch = asyncio.get_running_loop(), self._watch
        if watch is None:
            return
        heard = asyncio.Event()
        try:
            while True:
                loop.add_reader(watch.fileno(), heard.set)
                await heard.wait()
                loop.remove_reader(watch.fileno())
                heard.clear()
                began = loop.time()
                await self._look_at(watch.read())
                await asyncio.sleep(max(PAUSE, REST * (loop.time() - began)))
        finally:
            loop.remove_reader(watch.fileno())
            watch.close()

    async def _look_at(self, changed: frozenset[int] | None) -> None:
        """All ports in the namespaces with these numbers; None: in any."""
        self._ports = [(bridge, port) for bridge, port in self._ports if _is_there(bridge, port)]
        for bridge, port in list(self._ports):
            if changed is None or port.elsewhere in changed:
                await self._look(bridge, port)

    async def _look(self, bridge: LiveBridge, port: LivePort) -> None:
        if not _is_there(bridge, port):
            return
        # The port may go, and its descriptor's number be another's, while the thread asks.
        found = await asyncio.to_thread(_found, os.dup(port.fd))
        if found is not None and found.namespace is not None and _is_there(bridge, port):
            port.elsewhere = found.namespace
            self._tell(bridge, port, found.link)


def _watched() -> NamespaceWatch | None:
    """None: we may not; ports elsewhere are looked at once, then."""
    from datapath.kernel import KernelError, NamespaceWatch

    try:
        return NamespaceWatch()
    except KernelError as error:
        log.info("interfaces in other namespaces are not followed: %s", error)
        return None


def _is_there(bridge: LiveBridge, port: LivePort) -> bool:
    return bridge.ports.get(port.record.name) is port and port.fd >= 0


def _found(tap: int) -> Whereabouts | None:
    """None: it is going, or its namespace is not ours to look into."""
    from datapath.kernel import KernelError, whereabouts

    try:
        return whereabouts(tap)
    except KernelError:
        return None
    finally:
        os.close(tap)
