"""Interfaces that come, go, and change their link, told to the daemon by the kernel.

The watch starts after forwarding does, since its library takes a while to load; what happened
before a port was there is caught up with by looking at it once.  Ports whose interface is in
another namespace are watched by their descriptor alone (the forwarder's PORT_GONE).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.live import LiveBridge, LivePort

if TYPE_CHECKING:
    from datapath.kernel import Link, LinkChange, LinkWatch

log = logging.getLogger("vswitch.daemon")


async def follow(daemon: Daemon) -> None:
    """Follows the interfaces of our namespace until cancelled.  A task of the daemon's."""
    from datapath.kernel import watch

    loop = asyncio.get_running_loop()
    links = await asyncio.to_thread(watch)
    heard = asyncio.Event()
    fresh = list(daemon.live.ports())

    def opened(bridge: LiveBridge, port: LivePort) -> None:
        fresh.append((bridge, port))
        heard.set()

    daemon.operator.on_port = opened
    try:
        loop.add_reader(links.fileno(), heard.set)
        while True:
            for change in links.read():
                await _changed(daemon, change)
            _catch_up(daemon, links, fresh)
            await heard.wait()
            heard.clear()
    finally:
        loop.remove_reader(links.fileno())
        links.close()


def _catch_up(daemon: Daemon, links: LinkWatch, fresh: list[tuple[LiveBridge, LivePort]]) -> None:
    """Ports that were opened since: what was told before they were there was told to nobody."""
    known = {link.name: link for link in links.known} if fresh else {}
    for bridge, port in fresh:
        there = bridge.ports.get(port.record.name) is port
        if there and _is_here(port) and (link := known.get(port.record.name)):
            _tell(daemon, bridge, port, link)
    fresh.clear()


async def _changed(daemon: Daemon, change: LinkChange) -> None:
    if change.new is None or (change.old and change.old.name != change.new.name):
        assert change.old
        await _gone(daemon, change.old.name)
    if change.new is None:
        return
    if change.old is None or change.old.name != change.new.name:
        await daemon.try_again()
    for bridge, port in list(daemon.live.ports()):
        if port.record.name == change.new.name and _is_here(port):
            _tell(daemon, bridge, port, change.new)


async def _gone(daemon: Daemon, name: str) -> None:
    for bridge, port in list(daemon.live.ports()):
        if port.record.name == name and _is_here(port):
            await daemon.port_gone(bridge, port)


def _tell(daemon: Daemon, bridge: LiveBridge, port: LivePort, link: Link) -> None:
    daemon.link_changed(bridge, port, link.carrier)


def _is_here(port: LivePort) -> bool:
    """Its interface is in our namespace, under the port's own name."""
    return port.record.netns is None
