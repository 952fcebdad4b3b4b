"""What a new daemon takes over from a forwarder, and what a new forwarder gets from the daemon."""

from __future__ import annotations

import logging

from datapath.frames import Command, PortFlags
from vswitch.daemon import events
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.forwarder import Held
from vswitch.daemon.interfaces import Interface, adopted
from vswitch.daemon.operate import bridges, ports, queues
from vswitch.daemon.operate.operator import Interrupted
from vswitch.errors import Failure
from vswitch.reconcile import settle
from vswitch.schema import Bridge

log = logging.getLogger("vswitch.daemon")


async def adopt(daemon: Daemon, held: Held) -> None:
    """Takes over a bridge with its ports; nothing in the forwarder is touched."""
    daemon.live.seen(held.id)
    stored = daemon.store.read().config.bridge(held.spec.name)
    normal = {key: getattr(held.spec, key) for key in bridges.NORMAL_SETTINGS}
    record = (stored or Bridge(held.spec.name)).changed(dpid=held.spec.dpid, **normal)
    # Told to switch by itself or not: a standalone bridge that a controller led is not.
    if held.spec.standalone or record.fail_mode == "secure":
        record = record.changed(fail_mode="standalone" if held.spec.standalone else "secure")
    identity = held.spec.identity or held.id
    bridge = await bridges.open_(daemon.operator, record, held.id, identity)
    bridge.standalone = held.spec.standalone
    bridges.lead(daemon.operator, bridge, False)
    for one in held.ports:
        spec, known = one.spec, stored.port(one.spec.name) if stored else None
        owner = None
        if spec.flags & PortFlags.EPHEMERAL:
            owner = daemon.notes.owner(record.name, spec.name)
            known = note.port if (note := daemon.notes.of(owner)) else None
        interface = Interface(adopted(spec, known), spec, one.fd)
        port = ports.open_(daemon.operator, bridge, interface)
        port.owner = owner
        queues.open_(bridge, port, one.queues)
        if spec.flags & PortFlags.DEAD:  # its interface died while no daemon was there
            daemon.spawn(events.port_gone(daemon, bridge, port))


async def decide_kinds(daemon: Daemon) -> None:
    """What is stored says of which kind each port is: a store of before may leave it open.
    Then it is what runs; and if that can't be written, the next one decides the same."""
    observed, reserved = daemon.live.observed(), daemon.reserved()
    stored = daemon.store.read().config
    if any(port.kind == "auto" for bridge in stored.bridges for port in bridge.ports):
        try:
            await daemon.write(lambda config: settle(config, observed, reserved))
        except Failure as failure:
            log.warning("the kinds of ports are not stored: %s", failure)


async def play_back(daemon: Daemon) -> None:
    """Gives a new forwarder the bridges of the dead one under their old identities, by which
    the journal knows them, and lets it play the journal back before any port is there.  What
    the journal says of bridges that are not there it forgets, so this is asked for in any
    case: a daemon before this one may have died in between."""
    config = daemon.store.read().config
    for name, (number, identity) in list(daemon.kept.items()):
        record = config.bridge(name)
        if record and name not in daemon.live.bridges:
            try:
                await bridges.add(daemon.operator, record.bare(), number, identity)
            except Interrupted:  # the next one is to know them by these names as well
                raise
            except Failure as failure:  # reconcile tries again
                log.warning("bridge %s is not back as it was: %s", name, failure)
        daemon.kept.pop(name, None)
    await daemon.operator.ask("flows", Command.REPLAY)


async def restore_ephemeral(daemon: Daemon) -> None:
    """Gives ephemeral ports of a forwarder that died to the new one; if that dies meanwhile
    as well, what it did not get waits for the next."""
    for name in daemon.operator.kept.ephemeral():
        try:
            await ports.restore(daemon.operator, name)
        except Interrupted:
            return
        except Failure as failure:
            log.warning("port %s is not back: %s", name, failure)
