"""Bridges: the forwarder's number and switching, the daemon's exchange and listeners."""

from __future__ import annotations

import asyncio
import logging
import secrets

from datapath.frames import BridgeSpec, Command, Standalone
from vswitch.agent.agent import Agent
from vswitch.agent.exchange import Exchange
from vswitch.agent.listeners import Listeners
from vswitch.agent.view import View
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.operate.operator import Operator
from vswitch.errors import Failure
from vswitch.reconcile import Add, Operation, Remove, Set
from vswitch.schema import Bridge
from vswitch.values import PROTOCOLS

log = logging.getLogger("vswitch.daemon")

NORMAL_SETTINGS = ("mac_age", "mac_limit", "flood_rate")
"""Settings of a bridge that the forwarder is told as they are."""

UNLED_SECONDS = 5.0
"""How long a standalone bridge waits for a controller before it switches by itself again."""


async def add(operator: Operator, record: Bridge, id: int, identity: int) -> LiveBridge:
    """A new bridge without ports, under a number that is free."""
    alone = Standalone.MISSES if record.fail_mode == "standalone" else Standalone.NOT
    payload = bridge_spec(record, alone, identity).pack()
    await operator.ask(record.title, Command.BRIDGE_ADD, payload, id)
    bridge = await open_(operator, record, id, identity)
    bridge.standalone = alone
    return bridge


async def open_(operator: Operator, record: Bridge, id: int, identity: int) -> LiveBridge:
    """The daemon's side of a bridge that the forwarder has: its exchange and listeners."""
    assert record.dpid is not None
    versions = tuple(PROTOCOLS[name] for name in record.protocols)
    agent = Agent(View(record.name, record.dpid), versions)
    exchange = Exchange(agent, id, operator.live.next_session)
    listeners = Listeners(
        exchange,
        f"punix:{operator.folders.mgmt(record.name)}",
        f"punix:{operator.folders.snoop(record.name)}",
        lambda target: _forbidden(operator, record.name, target),
    )
    bridge = LiveBridge(id, identity, record.bare(), exchange, listeners)
    operator.live.bridges[record.name] = bridge
    exchange.on_led = lambda led: lead(operator, bridge, led)
    exchange.attach(operator.connected())
    await listeners.want(record.listen)
    return bridge


def _forbidden(operator: Operator, name: str, target: str) -> str | None:
    """Why that bridge can't listen there: ours is not the operator's, one bridge's no other's."""
    others = (b for b in operator.live.bridges.values() if b.record.name != name)
    if other := next((b for b in others if b.listeners.is_at(target)), None):
        return f"bridge {other.record.name} listens there"
    return operator.folders.whose(target)


def lead(operator: Operator, bridge: LiveBridge, led: bool) -> None:
    """A controller came: a standalone bridge stops switching by itself.  The last one went:
    it starts again, unless one is back within UNLED_SECONDS.  One that does it already has nothing
    to wait for: when the last controller is taken away, the operator's rules count at once."""
    if bridge.record.fail_mode == "standalone":
        delay = 0.0 if led or bridge.standalone == Standalone.ALL else UNLED_SECONDS
        asyncio.get_running_loop().call_later(delay, _tell_led, operator, bridge, led)


def _tell_led(operator: Operator, bridge: LiveBridge, led: bool) -> None:
    there = operator.live.bridges.get(bridge.record.name) is bridge
    if there and operator.link and bridge.exchange.led == led:
        bridge.standalone = standalone(bridge.record, bridge)
        payload = bridge_spec(bridge.record, bridge.standalone, bridge.identity).pack()
        operator.link.post(Command.BRIDGE_ADD, payload, bridge.id)


def close(bridge: LiveBridge) -> None:
    """Ends the daemon's side of a bridge; its sockets' files are removed."""
    for controller in bridge.controllers.values():
        controller.close()
    bridge.listeners.close()
    for port in bridge.ports.values():
        port.close()
    bridge.exchange.close()


def fresh_identity() -> int:
    """What no bridge was ever known by: numbers are given again by the next daemon."""
    return secrets.randbits(64) | 1


def standalone(record: Bridge, bridge: LiveBridge) -> Standalone:
    """How a bridge is to switch by itself, with the settings of 'record' and the controllers that
    it has: one that was never to be led has nobody's rules but the operator's."""
    if record.fail_mode != "standalone" or bridge.exchange.led:
        return Standalone.NOT
    return Standalone.ALL if bridge.controllers else Standalone.MISSES


def bridge_spec(record: Bridge, alone: int, identity: int) -> BridgeSpec:
    """The bridge as the forwarder is told of it; 'alone': a Standalone."""
    assert record.dpid is not None
    normal = {key: getattr(record, key) for key in NORMAL_SETTINGS}
    return BridgeSpec(record.name, record.dpid, alone, identity=identity, **normal)


# ---- operations ------------------------------------------------------------


async def _add(operator: Operator, operation: Operation) -> None:
    record = operation.record
    assert isinstance(record, Bridge)
    await add(operator, record, operator.live.next_bridge(), fresh_identity())


async def _set(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation, Set)
    bridge, changed = operator.bridge(operation.bridge), set(operation.changed)
    record = operation.onto(bridge.record)
    if changed & {"dpid", "fail_mode", *NORMAL_SETTINGS}:
        alone = standalone(record, bridge) if "fail_mode" in changed else bridge.standalone
        await _tell(operator, bridge, record, alone)
    bridge.record = record
    if changed & {"dpid", "protocols"}:
        assert record.dpid is not None
        versions = tuple(PROTOCOLS[name] for name in record.protocols)
        bridge.exchange.introduce(record.dpid, versions)
    if "listen" in changed:
        await bridge.listeners.want(record.listen)


async def _tell(operator: Operator, bridge: LiveBridge, record: Bridge, alone: int) -> None:
    """Tells the forwarder of a bridge's settings.  A controller may come or go before the answer is
    there, and the forwarder is told of the bridge once more (`_tell_led`): with these settings."""
    before = bridge.record, bridge.standalone
    bridge.record, bridge.standalone = record, alone
    payload = bridge_spec(record, alone, bridge.identity).pack()
    try:
        await operator.ask(record.title, Command.BRIDGE_ADD, payload, bridge.id)
    except Failure:
        bridge.record = before[0]
        if bridge.standalone == alone:
            bridge.standalone = before[1]
        raise


async def _remove(operator: Operator, operation: Operation) -> None:
    bridge = operator.bridge(operation.bridge)
    await operator.ask(operation.record.title, Command.BRIDGE_DEL, b"", bridge.id)
    del operator.live.bridges[operation.bridge]
    close(bridge)


DOERS = {Add: _add, Set: _set, Remove: _remove}
