"""port.add, port.set, port.list, port.rm."""

from __future__ import annotations

from typing import Any

from datapath.frames import Command, Event, PortCounters
from vswitch.daemon import ephemeral as ephemeral_ports
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.interfaces import check_lent, require_interface, require_mtu
from vswitch.daemon.link import ForwarderGone, ForwarderRefused
from vswitch.daemon.live import LiveBridge, LivePort
from vswitch.daemon.methods.finding import (
    live_bridge,
    require_active,
    still_there,
    wanted_bridge,
)
from vswitch.errors import Exit, Failure
from vswitch.openflow.messages.port import PortConfig, PortState
from vswitch.reconcile import Operation, Remove
from vswitch.schema import Config, Port


async def add(
    daemon: Daemon,
    bridge: str,
    name: str,
    ephemeral: bool = False,
    namespace: int | None = None,
    owner: str | None = None,
    process: int | None = None,
    again: bool = False,
    anyway: bool = False,
    **settings: Any,
) -> dict[str, Any] | None:
    """The port; None: it is one that was there before, and the operator has taken it off."""
    port = Port(name, **settings)
    if owner is not None and not ephemeral:
        raise Failure(f"port {name} owner", "a stored port has none", "leave it out", Exit.USAGE)
    if process is not None and owner is None:
        why = "a process was lent, and owner doesn't say who that is"
        raise Failure(f"port {name}", why, "add owner", Exit.USAGE)
    if namespace is not None and not port.netns:
        why = "a network namespace was lent, and netns doesn't say what it is called"
        raise Failure(f"port {name}", why, "add netns", Exit.USAGE)
    wanted_bridge(daemon.store.read().config, bridge)
    await require_interface(port)
    await require_mtu(port)
    if ephemeral:
        live_bridge(daemon, bridge)
        note = daemon.notes.of(owner) if again else None
        if note and note.off and not anyway:
            return None
        await ephemeral_ports.add(daemon, bridge, port, namespace, owner, process, note)
    else:
        if namespace is not None:
            await check_lent(port, namespace)
        await _store(daemon, bridge, port)
    live = live_bridge(daemon, bridge)
    return _row(live, live.ports[name], None)


async def _store(daemon: Daemon, bridge: str, port: Port) -> None:
    def change(config: Config) -> Config:
        daemon.require_new(config, port.name)
        return config.with_bridge(wanted_bridge(config, bridge).with_part(port))

    unmade = await daemon.change(change)
    require_active(unmade, lambda one: _is_made(one, port.name))


def _is_made(operation: Operation, port: str) -> bool:
    """Is it one that makes or changes the port of that name?"""
    return operation.is_about(Port, port) and not isinstance(operation, Remove)


def _is_ephemeral(daemon: Daemon, bridge: str, name: str) -> bool:
    live = daemon.live.bridges.get(bridge)
    port = live.ports.get(name) if live else None
    return port is not None and port.ephemeral


def _stored(config: Config, bridge: str, name: str) -> Port:
    """The stored port of that name."""
    port = wanted_bridge(config, bridge).port(name)
    if port is None:
        why, do = f"bridge {bridge} has none of that name", f"see `vswitch port ls {bridge}`"
        raise Failure(f"port {name}", why, do, Exit.NOT_FOUND)
    return port


async def list_(daemon: Daemon, bridge: str | None = None) -> list[dict[str, Any]]:
    """Ports of a bridge, or of all, with counters."""
    if bridge is not None:
        return await port_rows(daemon, bridge)
    rows = []
    for one in daemon.store.read().config.bridges:
        try:
            rows += await port_rows(daemon, one.name)
        except Failure:  # one that is removed while the others tell is no longer asked for
            if daemon.store.read().config.bridge(one.name):
                raise
    return rows


async def port_rows(daemon: Daemon, name: str) -> list[dict[str, Any]]:
    """A bridge's ports with counters: those that run, then those that are only stored."""
    wanted = wanted_bridge(daemon.store.read().config, name)
    live = daemon.live.bridges.get(name)
    rows = []
    if live:
        counters = await _counters(daemon, live)
        ports = sorted(live.ports.values(), key=lambda port: port.spec.number)
        rows = [_row(live, port, counters.get(port.spec.number)) for port in ports]
    running = {row["name"] for row in rows}
    missing = [port for port in wanted.ports if port.name not in running]
    return rows + [_missing(name, port) for port in missing]


async def _counters(daemon: Daemon, bridge: LiveBridge) -> dict[int, PortCounters]:
    try:
        answers = await daemon.operator.connected().ask(Command.STATS, b"", bridge.id)
    except (ForwarderRefused, ForwarderGone) as error:
        raise Failure("port counters", str(error), "try again in a moment") from None
    told = (answer.frame for answer in answers if answer.frame.type == Event.PORT_STATS)
    stats = [PortCounters.unpack(frame.payload) for frame in told]
    return {one.number: one for one in stats}


def _settings(bridge: str, port: Port) -> dict[str, Any]:
    """What was asked for; VLANs as they work together."""
    mode, tag, _ = port.vlans
    return {"bridge": bridge, **port.to_json(), "vlan_mode": mode, "tag": tag or None}


def _row(bridge: LiveBridge, port: LivePort, stats: PortCounters | None) -> dict[str, Any]:
    """A port that runs; one without 'stats' has counted nothing yet."""
    spec, view = port.spec, bridge.exchange.agent.view.ports[port.spec.number]
    down = bool(view.state & PortState.LINK_DOWN or view.config & PortConfig.PORT_DOWN)
    return {
        **_settings(bridge.record.name, port.record),
        "number": spec.number,
        "mac": spec.mac.hex(":") if any(spec.mac) else None,
        "mtu": spec.mtu or None,
        "state": "down" if down else "up",
        "config": _words(view.config),
        "ephemeral": port.ephemeral,
        "owner": port.owner,
        **_counted(stats),
    }


def _missing(bridge: str, port: Port) -> dict[str, Any]:
    """A port that is stored and not active: its interface is not there."""
    seen = {"state": "missing", "config": [], "ephemeral": False, "owner": None}
    return {**_settings(bridge, port), **seen, **_counted(None)}


def _counted(stats: PortCounters | None) -> dict[str, Any]:
    counts = {key: getattr(stats, key) if stats else 0 for key in _COUNTERS}
    drops = stats.drops.items() if stats else ()
    return {**counts, "drops": {reason: count for reason, count in drops if count}}


_COUNTERS = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors")


def _words(config: PortConfig) -> list[str]:
    return [bit.name.lower().replace("_", "-") for bit in PortConfig if bit & config and bit.name]


async def set_(daemon: Daemon, bridge: str, name: str, **settings: Any) -> dict[str, Any]:
    """Changes settings of a port while it carries packets; the port as it is then."""
    if _is_ephemeral(daemon, bridge, name):
        await ephemeral_ports.set_(daemon, bridge, name, settings)
    else:
        await _set_stored(daemon, bridge, name, settings)
    rows = await port_rows(daemon, bridge)
    return still_there((row for row in rows if row["name"] == name), f"port {name}")


async def _set_stored(daemon: Daemon, bridge: str, name: str, settings: dict[str, Any]) -> None:
    def change(config: Config) -> Config:
        port = _stored(config, bridge, name)
        return config.with_bridge(wanted_bridge(config, bridge).with_part(port.changed(**settings)))

    unmade = await daemon.change(change)
    require_active(unmade, lambda one: _is_made(one, name))


async def remove(daemon: Daemon, bridge: str, name: str, owner: str | None = None) -> None:
    """Takes a port off its bridge; with an 'owner' only if it is theirs, else Failure (exit 3)."""
    if owner is not None:
        await ephemeral_ports.remove_owned(daemon, bridge, name, owner)
        return
    if _is_ephemeral(daemon, bridge, name):
        await ephemeral_ports.remove(daemon, bridge, name)
        return

    def change(config: Config) -> Config:
        _stored(config, bridge, name)
        return config.with_bridge(wanted_bridge(config, bridge).without_part(Port, name))

    unmade = await daemon.change(change)
    require_active(unmade, lambda one: isinstance(one, Remove) and one.is_about(Port, name))


METHODS = {"port.add": add, "port.set": set_, "port.list": list_, "port.rm": remove}
