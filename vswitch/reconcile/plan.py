"""Decides purely what has to be done so that what is there becomes what is wanted.

Theory of operation.  First `settle`: what the wanted configuration leaves open
(a port's number, a kind "auto", a datapath id) takes the value that is there, so
that leaving something open never disturbs what runs; the kind of a port that is new
is decided from its record.  Then the two are compared
record by record, by name.  What goes comes before what comes, since names and
numbers must be free before they are given again: controllers, queues, ports, bridges
out; then bridges in and set, ports, their queues, controllers last (a bridge is whole
before its controller hears of it).  A port whose settings differ is taken off and put
on again, with its queues: an interface can't change its kind or number while packets
pass.  Only where all that differs are settings that can (its VLANs), they are set.  A
queue changes where it is.

`plan(desired, apply(plan(desired, observed), observed))` is empty.  Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from vswitch.reconcile.operations import (
    AddBridge,
    AddController,
    AddPort,
    AddQueue,
    Operation,
    RemoveBridge,
    RemoveController,
    RemovePort,
    RemoveQueue,
    SetBridge,
    SetPort,
    SetQueue,
)
from vswitch.schema import Bridge, Config, Port, Record

Reserved = Mapping[str, Collection[int]]
"""Bridge name -> port numbers in use by ports that no configuration knows (ephemeral ones)."""


def plan(desired: Config, observed: Config, reserved: Reserved | None = None) -> list[Operation]:
    """The operations, in order, that make 'observed' what 'desired' asks for.

    'observed' has every port's number.  SchemaError when a bridge has no number left.
    """
    wanted = settle(desired, observed, reserved)
    return [*_removals(wanted, observed), *_additions(wanted, observed)]


def settle(desired: Config, observed: Config, reserved: Reserved | None = None) -> Config:
    """'desired' with what it leaves open taken from 'observed'; new ports get free numbers."""
    taken = {bridge.dpid for bridge in desired.bridges}
    reserved = reserved or {}
    return Config(
        tuple(
            _settled(bridge, observed.bridge(bridge.name), taken).numbered(
                reserved.get(bridge.name, ())
            )
            for bridge in desired.bridges
        )
    )


def _settled(wanted: Bridge, found: Bridge | None, taken: Collection[int | None]) -> Bridge:
    if found is None:
        return wanted.changed(ports=tuple(port.decided() for port in wanted.ports))
    numbers = {port.number for port in wanted.ports}
    ports = tuple(_settled_port(p, found.port(p.name), numbers) for p in wanted.ports)
    dpid = wanted.dpid
    if dpid is None and found.dpid not in taken:
        dpid = found.dpid
    return wanted.changed(ports=ports, dpid=dpid)


def _settled_port(wanted: Port, found: Port | None, claimed: Collection[int | None]) -> Port:
    if found is None:
        return wanted.decided()
    number = wanted.number
    if number is None and found.number not in claimed:
        number = found.number
    if wanted.kind == "auto" and _fits(wanted, found.kind):
        return wanted.changed(number=number, kind=found.kind)
    return wanted.changed(number=number).decided()


def _fits(wanted: Port, kind: str) -> bool:
    return kind != "packet" or wanted.decided().kind == kind


def _removals(wanted: Config, observed: Config) -> Iterator[Operation]:
    pairs = [(found, wanted.bridge(found.name)) for found in observed.bridges]
    for found, kept in pairs:
        for controller in found.controllers:
            if kept is None or controller not in kept.controllers:
                yield RemoveController(found.name, controller.target)
    for found, kept in pairs:
        for queue in found.queues:
            if kept and _stays(queue.port, kept, found) and kept.queue(*queue.key) is None:
                yield RemoveQueue(found.name, *queue.key)
    for found, kept in pairs:
        for port in found.ports:
            if not _stays(port.name, kept, found):
                yield RemovePort(found.name, port.name)
    for found, kept in pairs:
        if kept is None:
            yield RemoveBridge(found.name)


def _additions(wanted: Config, observed: Config) -> Iterator[Operation]:
    pairs = [(bridge, observed.bridge(bridge.name)) for bridge in wanted.bridges]
    for bridge, found in pairs:
        if found is None:
            yield AddBridge(bridge.bare())
        elif changed := _differences(bridge, found):
            yield SetBridge(bridge.name, bridge, changed)
    for bridge, found in pairs:
        for port in bridge.ports:
            there = found.port(port.name) if found else None
            if there is None or not _stays(port.name, bridge, found):
                yield AddPort(bridge.name, port)
            elif changed := _differences(port, there):
                yield SetPort(bridge.name, port, changed)
    for bridge, found in pairs:
        yield from _queues(bridge, found)
    for bridge, found in pairs:
        for controller in bridge.controllers:
            if found is None or controller not in found.controllers:
                yield AddController(bridge.name, controller.target)


def _stays(port: str, wanted: Bridge | None, found: Bridge | None) -> bool:
    """Whether the port of that name is there, and what differs can change under traffic."""
    there = found.port(port) if found else None
    chosen = wanted.port(port) if wanted else None
    if there is None or chosen is None:
        return False
    settings = chosen.settings()
    return all(settings[name].live for name in _differences(chosen, there))


def _queues(wanted: Bridge, found: Bridge | None) -> Iterator[Operation]:
    """What queues need, once the ports are there."""
    for queue in wanted.queues:
        there = found.queue(*queue.key) if _stays(queue.port, wanted, found) and found else None
        if there is None:
            yield AddQueue(wanted.name, queue)
        elif changed := _differences(queue, there):
            yield SetQueue(wanted.name, queue, changed)


def _differences(wanted: Record, found: Record) -> tuple[str, ...]:
    """Names of the plain settings in which two records differ."""
    return tuple(
        name
        for name, known in wanted.settings().items()
        if not known.nested and getattr(wanted, name) != getattr(found, name)
    )
