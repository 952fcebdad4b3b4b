"""What a request names: found, or a Failure that says what is missing (exit 3, or 65)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from datapath.ports import PortNames
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.operate.carry_out import Unmade
from vswitch.errors import Exit, Failure
from vswitch.reconcile import Operation, Remove
from vswitch.schema import Bridge, Config


def wanted_bridge(config: Config, name: str) -> Bridge:
    """The stored bridge of that name."""
    bridge = config.bridge(name)
    if bridge is None:
        known = ", ".join(b.name for b in config.bridges)
        do = f"there are {known}" if known else "make it with `vswitch bridge add`"
        raise Failure(f"bridge {name}", "there is none", do, Exit.NOT_FOUND)
    return bridge


def live_bridge(daemon: Daemon, name: str) -> LiveBridge:
    """The running bridge of that name."""
    wanted_bridge(daemon.store.read().config, name)
    bridge = daemon.live.bridges.get(name)
    if bridge is None:
        do = "see `vswitch status`"
        raise Failure(f"bridge {name}", "it is stored but not active", do, Exit.NOT_ACTIVE)
    return bridge


def port_names(daemon: Daemon, bridge: LiveBridge) -> PortNames:
    """What a bridge's ports are called, those included that are stored and not there yet."""
    wanted = wanted_bridge(daemon.store.read().config, bridge.record.name)
    stored = {port.name: port.number for port in wanted.ports if port.number is not None}
    return PortNames(stored | {name: port.spec.number for name, port in bridge.ports.items()})


def still_there(rows: Iterable[dict[str, Any]], what: str) -> dict[str, Any]:
    """The first of the rows; Failure (exit 3) if it has gone while the list was made."""
    for row in rows:
        return row
    raise Failure(what, "it was removed meanwhile", "see what there is with `ls`", Exit.NOT_FOUND)


def require_active(unmade: list[Unmade], concerns: Callable[[Operation], bool]) -> None:
    """Failure (exit 65) if something that 'concerns' the request could not be made active."""
    for one in unmade:
        if concerns(one.operation):
            failure = one.failure
            why = f"it is stored but not active: {failure.what}: {failure.why}"
            raise Failure(subject(one.operation), why, failure.do, Exit.NOT_ACTIVE)


def require_listening(daemon: Daemon, bridges: Iterable[str]) -> None:
    """Failure (exit 65) if one of these bridges can't listen where it is to."""
    for name in bridges:
        live = daemon.live.bridges.get(name)
        for failure in live.listeners.failures() if live else ():
            why = f"it is stored but not active everywhere: {failure.what}: {failure.why}"
            raise Failure(f"bridge {name}", why, failure.do, Exit.NOT_ACTIVE)


def subject(operation: Operation) -> str:
    """What an operation is about, in words."""
    return operation.text if isinstance(operation, Remove) else operation.record.title
