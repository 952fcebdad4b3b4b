"""What the forwarder and the kernel tell of ports: they are gone, their link or MTU is another."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from datapath.frames import Event, Frame, PortRef
from vswitch.agent.view import linked
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.interfaces import mtu_of
from vswitch.daemon.live import LiveBridge, LivePort
from vswitch.daemon.operate import ports
from vswitch.errors import Failure

if TYPE_CHECKING:
    from datapath.kernel import Link

log = logging.getLogger("vswitch.daemon")


def heard(daemon: Daemon, frame: Frame) -> None:
    """A frame of the forwarder's: OpenFlow for a session, or a port's end."""
    bridge = daemon.live.by_id(frame.bridge)
    if bridge is None:
        return
    if frame.type == Event.OPENFLOW:
        hear = daemon.on_openflow.get(frame.session, bridge.exchange.from_forwarder)
        hear(frame)
    elif frame.type == Event.PORT_GONE:
        # Found now: by the time the port's turn comes, its number may be another's.
        port = bridge.by_number(PortRef.unpack(frame.payload).number)
        if port is not None:
            daemon.spawn(port_gone(daemon, bridge, port))


async def port_gone(daemon: Daemon, bridge: LiveBridge, port: LivePort) -> None:
    """An interface died: its port goes too; a stored one comes back with its interface."""
    async with daemon.changing:
        name = port.record.name
        if bridge.ports.get(name) is not port or not daemon.operator.link:
            return
        log.info("port %s of bridge %s: its interface is gone", name, bridge.record.name)
        with contextlib.suppress(Failure):
            await ports.remove(daemon.operator, bridge, name)
        await daemon.reconcile()


def congested(daemon: Daemon, congested: bool) -> None:
    """The link to the forwarder is full, or no longer."""
    for bridge in daemon.live.bridges.values():
        bridge.exchange.congested(congested)


def interface_changed(daemon: Daemon, bridge: LiveBridge, port: LivePort, link: Link) -> None:
    """A port's interface is like this now; what is new about it is told."""
    link_changed(daemon, bridge, port, link.carrier)
    ports.set_mtu(daemon.operator, bridge, port, mtu_of(port.record, link.mtu))


def link_changed(daemon: Daemon, bridge: LiveBridge, port: LivePort, up: bool) -> None:
    """An interface's link went up or down: peers are told, and the forwarder."""
    view = bridge.exchange.agent.view.ports.get(port.spec.number)
    if view is None or not daemon.operator.link or (changed := linked(view, up)) == view:
        return
    bridge.exchange.port_changed(changed)
    ports.set_state(daemon.operator, bridge, port.spec.number, int(changed.state))
