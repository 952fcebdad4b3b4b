"""Decides purely what has to be done so that what is there becomes what is wanted.

Theory of operation.  First `settle`: what the wanted configuration leaves open
(a port's number, a kind "auto", a datapath id) takes the value that is there, so
that leaving something open never disturbs what runs; the kind of a port that is new
is decided from its record.  Then the two are compared
record by record, by key.  What goes comes before what comes, since names and
numbers must be free before they are given again: controllers, queues, ports, bridges
out; then bridges in and set, ports, their queues, controllers last (a bridge is whole
before its controller hears of it).  That is the order of `Bridge.parts` in the schema, which
decides what kinds of records there are.  A record whose settings differ is removed and added
again, a port with all that belongs to it: an interface can't change its kind or number while
packets pass.  Only where all that differs are settings that the schema calls live (a port's
VLANs), they are set.

`plan(desired, apply(plan(desired, observed), observed))` is empty.  Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from vswitch.reconcile.operations import Add, Operation, Remove, Set
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
    for where in reversed(tuple(Bridge.parts().values())):
        for found, kept in pairs:
            for part in getattr(found, where):
                stays = kept is not None and _stays(part, kept, found)
                if not stays and not _goes_with_its_port(part, kept, found):
                    yield Remove(found.name, part)
    for found, kept in pairs:
        if kept is None:
            yield Remove(found.name, found.bare())


def _additions(wanted: Config, observed: Config) -> Iterator[Operation]:
    pairs = [(bridge, observed.bridge(bridge.name)) for bridge in wanted.bridges]
    for bridge, found in pairs:
        if found is None:
            yield Add(bridge.name, bridge.bare())
        elif changed := _differences(bridge, found):
            yield Set(bridge.name, bridge.bare(), changed)
    for where in Bridge.parts().values():
        for bridge, found in pairs:
            for part in getattr(bridge, where):
                yield from _added(part, bridge, found)


def _added(part: Record, wanted: Bridge, found: Bridge | None) -> Iterator[Operation]:
    """What a part needs that is to be there, once what goes is gone."""
    there = found.part(type(part), *part.key) if found else None
    if found is None or there is None or not _stays(there, wanted, found):
        yield Add(wanted.name, part)
    elif changed := _differences(part, there):
        yield Set(wanted.name, part, changed)


def _stays(part: Record, wanted: Bridge, found: Bridge) -> bool:
    """Whether a part of 'found' is wanted as it is but for what can change while it is in use,
    and so is its port if it belongs to one."""
    chosen = wanted.part(type(part), *part.key)
    if chosen is None or _goes_with_its_port(part, wanted, found):
        return False
    settings = part.settings()
    return all(settings[name].live for name in _differences(chosen, part))


def _goes_with_its_port(part: Record, wanted: Bridge | None, found: Bridge) -> bool:
    """Whether it belongs to a port that is taken off: nothing has to remove it then."""
    if part.PORT is None:
        return False
    port = found.port(getattr(part, part.PORT))
    return wanted is None or port is None or not _stays(port, wanted, found)


def _differences(wanted: Record, found: Record) -> tuple[str, ...]:
    """Names of the plain settings in which two records differ."""
    return tuple(
        name
        for name, known in wanted.settings().items()
        if not known.nested and getattr(wanted, name) != getattr(found, name)
    )
