"""controller.add, controller.list, controller.rm."""

from __future__ import annotations

from typing import Any

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.methods.finding import require_active, wanted_bridge
from vswitch.errors import Exit, Failure
from vswitch.schema import Config, Controller
from vswitch.values import moment

_NOT_CONNECTED: dict[str, Any] = {
    "connected": False, "role": None, "since": None, "error": None, "failed": None,
}  # fmt: skip


async def add(daemon: Daemon, bridge: str, target: str) -> dict[str, Any]:
    """Connects a bridge to a controller; to one that it has already, nothing happens."""
    def change(config: Config) -> Config:
        wanted = wanted_bridge(config, bridge)
        return config.with_bridge(wanted.with_part(Controller(target)))

    unmade = await daemon.change(change)
    require_active(unmade, lambda one: one.is_about(Controller, target))
    return _row(daemon, bridge, target)


async def list_(daemon: Daemon, bridge: str | None = None) -> list[dict[str, Any]]:
    """Controllers of a bridge, or of all, with the state of their connections."""
    config = daemon.store.read().config
    chosen = config.bridges if bridge is None else (wanted_bridge(config, bridge),)
    return [_row(daemon, b.name, c.target) for b in chosen for c in b.controllers]


def _row(daemon: Daemon, bridge: str, target: str) -> dict[str, Any]:
    live = daemon.live.bridges.get(bridge)
    controller = live.controllers.get(target) if live else None
    status = controller.status() if controller else _NOT_CONNECTED
    return {
        "bridge": bridge,
        "target": target,
        "connected": status["connected"],
        "role": status["role"],
        "since": moment(status["since"]),
        "last_error": status["error"],
        "last_error_at": moment(status["failed"]),
    }


async def remove(daemon: Daemon, bridge: str, target: str) -> None:
    """Parts a bridge from a controller; Failure (exit 3) if it has none there."""
    def change(config: Config) -> Config:
        wanted = wanted_bridge(config, bridge)
        if wanted.part(Controller, target) is None:
            why, do = f"bridge {bridge} has none there", "see `vswitch controller ls`"
            raise Failure(f"controller {target}", why, do, Exit.NOT_FOUND)
        return config.with_bridge(wanted.without_part(Controller, target))

    unmade = await daemon.change(change)
    require_active(unmade, lambda one: one.is_about(Controller, target))


METHODS = {"controller.add": add, "controller.list": list_, "controller.rm": remove}
