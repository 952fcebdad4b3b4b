"""status, shutdown, plan, apply: the switch as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from vswitch import __version__
from vswitch.daemon import supervise
from vswitch.daemon.daemon import Daemon, with_dpids
from vswitch.daemon.methods.finding import require_active, wanted_bridge
from vswitch.reconcile import plan, settle
from vswitch.reconcile.operations import Operation
from vswitch.rpc.nearby import others
from vswitch.schema import Config


async def status(daemon: Daemon) -> dict[str, Any]:
    forwarder = daemon.forwarder
    return {
        "version": __version__,
        "pid": os.getpid(),
        "forwarder": forwarder
        and {
            "pid": forwarder.hello.pid,
            "adopted": forwarder.adopted,
            "started": forwarder.started(),
        },
        "bridges": len(daemon.live.bridges),
        "ports": sum(1 for _ in daemon.live.ports()),
        "ephemeral": daemon.ephemeral,
        "run": str(daemon.folders.run),
        "other_runs": others(str(daemon.folders.run)),
        "not_active": [str(one.failure) for one in daemon.unmade],
    }


async def shutdown(daemon: Daemon) -> None:
    await supervise.shut_down(daemon)


async def plan_(daemon: Daemon, desired: Config) -> dict[str, Any]:
    """The operations that apply would carry out; nothing is changed."""
    observed, reserved = daemon.live.observed(), daemon.live.reserved()
    wanted = settle(desired, daemon.store.read().config, reserved)
    return _operations(plan(wanted, observed, reserved))


async def apply(daemon: Daemon, desired: Config) -> dict[str, Any]:
    """Stores the configuration and makes it active; returns the operations that were needed."""
    observed, reserved = daemon.live.observed(), daemon.live.reserved()
    wanted = with_dpids(settle(desired, daemon.store.read().config, reserved))
    needed = plan(wanted, observed, reserved)
    unmade = await daemon.change(lambda _: wanted)
    require_active(unmade, lambda _: True)
    return _operations(needed)


async def export(daemon: Daemon, bridge: str | None = None) -> dict[str, Any]:
    """What is stored: all of it, or of one bridge."""
    config = daemon.store.read().config
    if bridge is not None:
        config = Config((wanted_bridge(config, bridge),))
    return config.to_json()


def _operations(operations: Iterable[Operation]) -> dict[str, Any]:
    rows = [{"method": o.method, "params": o.params(), "text": o.text} for o in operations]
    return {"operations": rows}


METHODS = {
    "status": status, "shutdown": shutdown, "plan": plan_, "apply": apply, "export": export,
}  # fmt: skip
