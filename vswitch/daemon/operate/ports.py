"""Ports: their interfaces' descriptors go to the forwarder, their numbers to peers."""

from __future__ import annotations

from dataclasses import replace

from datapath.frames import Command, PortFlags, PortMtu, PortRef, PortVlans
from vswitch.agent.view import port_of
from vswitch.daemon.interfaces import Interface, open_interface, vlans_of, with_vlans_of
from vswitch.daemon.live import LiveBridge, LivePort
from vswitch.daemon.operate import queues
from vswitch.daemon.operate.kept import Kept
from vswitch.daemon.operate.operator import Interrupted, Operator
from vswitch.errors import Failure
from vswitch.reconcile import Add, Operation, Remove, Set
from vswitch.schema import Port, Queue


async def add(
    operator: Operator,
    name: str,
    port: Port,
    *,
    ephemeral: bool = False,
    namespace: int | None = None,
    brought: tuple[Queue, ...] = (),
) -> LivePort:
    """Puts an interface on the bridge of that name; 'port' has its number.  'namespace': a
    descriptor of the one to move it to, instead of the path; it stays the caller's.  'brought':
    queues that come with an ephemeral one."""
    bridge = operator.bridge(name)
    kept = operator.kept.take(port.name, port.number)
    if kept is None:
        mac = bridge.mac_for(port)
        interface = await open_interface(port, mac, ephemeral=ephemeral, namespace=namespace)
    else:
        interface = with_vlans_of(port, kept.interface)
    if not ephemeral:
        coming = operator.coming.get((name, port.name), ())
        brought = tuple(record for record in coming if isinstance(record, Queue))
    return await _install(operator, Kept(name, interface, brought), keep=not ephemeral)


async def restore(operator: Operator, name: str) -> None:
    """Gives a kept port to the forwarder, as it was."""
    operator.bridge(operator.kept[name].bridge)
    await _install(operator, operator.kept.pop(name), keep=True)


async def _install(operator: Operator, one: Kept, *, keep: bool) -> LivePort:
    """Puts an open interface on a bridge, with its queues at once: no packet passes them by.

    Its descriptor is taken over.  'keep': if the forwarder ends meanwhile, the next one gets it.
    """
    interface, number = one.interface, one.interface.spec.number
    specs = [queues.queue_spec(number, queue) for queue in one.queues]
    payload = b"".join([interface.spec.pack(), *(spec.pack() for spec in specs)])
    try:
        bridge = operator.bridge(one.bridge)
        what = interface.record.title
        await operator.ask(what, Command.PORT_ADD, payload, bridge.id, interface.fd)
    except Failure as failure:
        if keep and isinstance(failure, Interrupted):
            operator.kept[interface.record.name] = one
        else:
            one.close()
        raise
    port = open_(operator, bridge, interface)
    port.owner = one.owner
    queues.open_(bridge, port, specs)
    return port


def open_(operator: Operator, bridge: LiveBridge, interface: Interface) -> LivePort:
    """The daemon's side of a port that the forwarder has."""
    ephemeral = bool(interface.spec.flags & PortFlags.EPHEMERAL)
    port = LivePort(interface.record, interface.spec, interface.fd, ephemeral)
    bridge.ports[interface.record.name] = port
    bridge.exchange.port_added(port_of(interface.spec))
    operator.on_port(bridge, port)
    return port


async def remove(operator: Operator, bridge: LiveBridge, name: str) -> None:
    """Takes a port off; a TAP that we made is gone with it."""
    port = bridge.ports[name]
    ref = PortRef(port.spec.number).pack()
    await operator.ask(f"port {name}", Command.PORT_DEL, ref, bridge.id)
    bridge.ports.pop(name).close()
    bridge.exchange.port_removed(port.spec.number)


async def set_(operator: Operator, bridge: LiveBridge, name: str, wanted: Port) -> None:
    """Gives a port other VLANs while it carries packets."""
    port, vlans = bridge.ports[name], vlans_of(wanted)
    payload = PortVlans(port.spec.number, vlans).pack()
    await operator.ask(f"port {name}", Command.PORT_VLANS, payload, bridge.id)
    port.record = wanted
    port.spec = replace(port.spec, vlans=vlans)


def set_state(operator: Operator, bridge: LiveBridge, number: int, state: int) -> None:
    """Tells the forwarder that a port's link went up or down."""
    if operator.link:
        operator.link.post(Command.PORT_SET, PortRef(number, state=state).pack(), bridge.id)


def set_mtu(operator: Operator, bridge: LiveBridge, port: LivePort, mtu: int) -> None:
    """Tells the forwarder that a port takes frames of another length."""
    if operator.link and port.spec.mtu != mtu:
        port.spec = replace(port.spec, mtu=mtu)
        payload = PortMtu(port.spec.number, mtu).pack()
        operator.link.post(Command.PORT_MTU, payload, bridge.id)


# ---- operations ------------------------------------------------------------


async def _add(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation.record, Port)
    await add(operator, operation.bridge, operation.record)


async def _set(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation, Set)
    assert isinstance(operation.record, Port)
    bridge, name = operator.bridge(operation.bridge), operation.record.name
    await set_(operator, bridge, name, operation.onto(bridge.ports[name].record))


async def _remove(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation.record, Port)
    await remove(operator, operator.bridge(operation.bridge), operation.record.name)


DOERS = {Add: _add, Set: _set, Remove: _remove}
