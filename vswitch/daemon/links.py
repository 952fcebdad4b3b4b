"""Interfaces that come, go, change their link or MTU, told to the daemon by the kernel.

The watch starts after forwarding does, since its library takes a while to load; what happened
before a port was there is caught up with by looking at it once.  Ports whose interface is in
another namespace go by their descriptor (the forwarder's PORT_GONE) and by `elsewhere`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from datapath.frames import PortKind
from vswitch.daemon import events
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.elsewhere import Elsewhere
from vswitch.daemon.live import LiveBridge, LivePort

if TYPE_CHECKING:
    from datapath.kernel import Link, LinkChange

log = logging.getLogger("vswitch.daemon")


async def follow(daemon: Daemon) -> None:
    """Follows the interfaces of ports until cancelled.  A task of the daemon's."""
    from datapath.kernel import watch

    loop = asyncio.get_running_loop()
    links = await asyncio.to_thread(watch)
    heard = asyncio.Event()
    fresh = deque(daemon.live.ports())

    def opened(bridge: LiveBridge, port: LivePort) -> None:
        fresh.append((bridge, port))
        heard.set()

    daemon.operator.on_port = opened
    elsewhere = Elsewhere(partial(events.interface_changed, daemon))
    daemon.spawn(elsewhere.follow())
    try:
        loop.add_reader(links.fileno(), heard.set)
        while True:
            came = [await _changed(daemon, change) for change in links.read()]
            if any(came):
                await daemon.try_again()
            known = {link.name: link for link in links.known} if fresh else {}
            while fresh:
                bridge, port = fresh.popleft()
                await _catch_up(daemon, known.get(port.record.name), elsewhere, bridge, port)
            await heard.wait()
            heard.clear()
    finally:
        loop.remove_reader(links.fileno())
        links.close()


async def _catch_up(
    daemon: Daemon, link: Link | None, elsewhere: Elsewhere, bridge: LiveBridge, port: LivePort
) -> None:
    """What was told before the port was there was told to nobody.  'link' has the port's name."""
    if _is_renamed(port):
        await events.port_gone(daemon, bridge, port)
        return
    if port.record.netns or port.ephemeral:
        await elsewhere.take(bridge, port)
    there = bridge.ports.get(port.record.name) is port
    if there and _is_here(port) and link:
        events.interface_changed(daemon, bridge, port, link)


def _is_renamed(port: LivePort) -> bool:
    """The port's socket is on an interface that has another name by now: one that has the port's
    is another one, or there is none.  TAPs have other names in containers."""
    return port.spec.kind == PortKind.PACKET and _interface_of(port) not in ("", port.record.name)


def _interface_of(port: LivePort) -> str:
    """What the interface that its descriptor leads to is called now; "" if that is gone."""
    from datapath.kernel import packet_interface, tap_interface

    if port.fd < 0:
        return ""
    return (packet_interface if port.spec.kind == PortKind.PACKET else tap_interface)(port.fd)


async def _changed(daemon: Daemon, change: LinkChange) -> bool:
    """True if an interface came that ports may have waited for."""
    if change.new is None or (change.old and change.old.name != change.new.name):
        assert change.old
        await _gone(daemon, change.old.name)
    if change.new is None:
        return False
    for bridge, port in daemon.live.named(change.new.name):
        if _is_here(port):
            events.interface_changed(daemon, bridge, port, change.new)
    return change.old is None or change.old.name != change.new.name


async def _gone(daemon: Daemon, name: str) -> None:
    """An interface of that name went; by now a port of that name may be on the next one."""
    for bridge, port in daemon.live.named(name):
        if _is_here(port) and _interface_of(port) != name:
            await events.port_gone(daemon, bridge, port)


def _is_here(port: LivePort) -> bool:
    """Its interface is in our namespace, under the port's own name."""
    return port.record.netns is None and port.elsewhere is None
