"""status, shutdown, plan, apply: the switch as a whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vswitch import __version__
from vswitch.daemon import supervise
from vswitch.daemon.daemon import Daemon, with_dpids
from vswitch.daemon.interfaces import require_mtu
from vswitch.daemon.methods.finding import require_active, require_listening, wanted_bridge
from vswitch.reconcile import settle
from vswitch.reconcile.operations import Add, Operation, Remove
from vswitch.rpc.nearby import others
from vswitch.rpc.waiting import begin
from vswitch.schema import Bridge, Config, Port
from vswitch.values import moment


async def status(daemon: Daemon) -> dict[str, Any]:
    """Versions, processes, numbers of things, and what could not be made active."""
    forwarder = daemon.forwarder
    return {
        "version": __version__,
        "pid": os.getpid(),
        "forwarder": forwarder
        and {
            "pid": forwarder.hello.pid,
            "adopted": forwarder.adopted,
            "started": moment(forwarder.started()),
            "trouble": (forwarder.heart and forwarder.heart.trouble) or None,
        },
        "replaced": daemon.replaced and _replaced(*daemon.replaced),
        "bridges": len(daemon.live.bridges),
        "ports": sum(1 for _ in daemon.live.ports()),
        "ephemeral": daemon.ephemeral,
        "run": str(daemon.folders.run),
        "other_runs": await asyncio.to_thread(others, str(daemon.folders.run)),
        "not_active": list(map(str, daemon.not_active())),
        "troubles": list(map(str, daemon.troubles)),
    }


def _replaced(time: float, why: str) -> dict[str, Any]:
    """A forwarder that hung and was killed."""
    return {"time": moment(time), "why": why}


async def shutdown(daemon: Daemon) -> None:
    """Ends the forwarder now, and the daemon once this is answered."""
    begin()
    await supervise.shut_down(daemon)


async def plan_(daemon: Daemon, desired: Config) -> dict[str, Any]:
    """The operations that apply would carry out; nothing is changed."""
    wanted = await daemon.settled(desired)
    daemon.require_apart(wanted)
    needed = await daemon.planned(wanted)
    await _check(daemon, needed)
    return await _told(daemon, needed)


async def apply(daemon: Daemon, desired: Config) -> dict[str, Any]:
    """Stores the configuration and makes it active; returns the operations that were needed."""
    wanted = with_dpids(await daemon.settled(desired))
    needed = await daemon.planned(wanted)
    daemon.require_apart(wanted)
    await _check(daemon, needed)
    done = await _told(daemon, needed)
    dpids = {bridge.name: bridge.dpid for bridge in wanted.bridges}
    desired = Config(tuple(one.changed(dpid=dpids[one.name]) for one in desired.bridges))
    # Settled anew once it is its turn: others may have got numbers meanwhile.
    unmade = await daemon.change(lambda stored: settle(desired, stored, daemon.reserved()))
    require_active(unmade, lambda _: True)
    require_listening(daemon, [bridge.name for bridge in desired.bridges])
    return done


async def export(daemon: Daemon, bridge: str | None = None) -> dict[str, Any]:
    """What is stored: all of it, or of one bridge."""
    config = daemon.store.read().config
    if bridge is not None:
        config = Config((wanted_bridge(config, bridge),))
    return await asyncio.to_thread(config.to_json)


async def _check(daemon: Daemon, operations: Iterable[Operation]) -> None:
    """Failure for what can be seen to be impossible before anything is done."""
    for one in operations:
        if isinstance(one.record, Bridge) and not isinstance(one, Remove):
            daemon.folders.require_free(one.record.listen)
        if isinstance(one, Add) and isinstance(one.record, Port):
            await require_mtu(one.record)


async def _told(daemon: Daemon, operations: Sequence[Operation]) -> dict[str, Any]:
    lost = {
        one.bridge: daemon.live.ephemeral_ports(one.bridge)
        for one in operations
        if isinstance(one, Remove) and isinstance(one.record, Bridge)
    }
    return await asyncio.to_thread(_operations, operations, lost)


def _operations(operations: Sequence[Operation], lost: Mapping[str, list[str]]) -> dict[str, Any]:
    return {"operations": [_operation(one, lost) for one in operations]}


def _operation(one: Operation, by_bridge: Mapping[str, list[str]]) -> dict[str, Any]:
    """The step, and what it takes along: a bridge's ports that are in no configuration."""
    removed = isinstance(one, Remove) and isinstance(one.record, Bridge)
    lost = by_bridge[one.bridge] if removed else []
    ports = f"port{'s' * (len(lost) > 1)} {', '.join(lost)}"
    taken = f", which takes {ports} from containers or whoever asked for them" if lost else ""
    return {"method": one.method, "params": one.params(), "text": one.text + taken, "loses": lost}


METHODS = {
    "status": status, "shutdown": shutdown, "plan": plan_, "apply": apply, "export": export,
}  # fmt: skip
