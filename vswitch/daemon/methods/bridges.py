"""bridge.add, bridge.set, bridge.list, bridge.show, bridge.rm."""

from __future__ import annotations

from typing import Any

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.methods.finding import require_active, require_listening, wanted_bridge
from vswitch.errors import Failure
from vswitch.schema import Bridge, Config


async def add(daemon: Daemon, name: str, **settings: Any) -> dict[str, Any]:
    """Makes a bridge; Failure if there is one, or (exit 65) it is stored but not active."""
    daemon.folders.require_free(settings.get("listen", ()))

    def change(config: Config) -> Config:
        if config.bridge(name):
            raise Failure(f"bridge {name}", "there is one already", "change it with `bridge set`")
        return config.with_bridge(Bridge(name, **settings))

    return await _changed(daemon, change, name)


async def set_(daemon: Daemon, name: str, **settings: Any) -> dict[str, Any]:
    """Changes settings of a bridge while its ports and controllers stay."""
    daemon.folders.require_free(settings.get("listen", ()))

    def change(config: Config) -> Config:
        return config.with_bridge(wanted_bridge(config, name).changed(**settings))

    return await _changed(daemon, change, name)


async def _changed(daemon: Daemon, change: Any, name: str) -> dict[str, Any]:
    unmade = await daemon.change(change)
    require_active(unmade, lambda one: one.bridge == name)
    require_listening(daemon, [name])
    return _row(daemon, wanted_bridge(daemon.store.read().config, name))


async def list_(daemon: Daemon) -> list[dict[str, Any]]:
    """All stored bridges, and whether they run."""
    return [_row(daemon, bridge) for bridge in daemon.store.read().config.bridges]


async def show(daemon: Daemon, name: str) -> dict[str, Any]:
    """One bridge as `list_` has it; Failure (exit 3) if there is none of that name."""
    return _row(daemon, wanted_bridge(daemon.store.read().config, name))


def _row(daemon: Daemon, bridge: Bridge) -> dict[str, Any]:
    """A bridge as it is stored, what it has by name, and whether it runs."""
    live = daemon.live.bridges.get(bridge.name)
    running = list(live.ports) if live else []
    stored = [port.name for port in bridge.ports]
    return {
        **bridge.to_json(),
        "ports": list(dict.fromkeys([*stored, *running])),
        "queues": [f"{queue.port} {queue.number}" for queue in bridge.queues],
        "controllers": [controller.target for controller in bridge.controllers],
        "active": live is not None,
        "troubles": list(map(str, live.listeners.failures())) if live else [],
    }


async def remove(daemon: Daemon, name: str) -> list[str]:
    """Removes it; the names of the ports that go with it though no configuration has them."""
    lost = daemon.live.ephemeral_ports(name)

    def change(config: Config) -> Config:
        wanted_bridge(config, name)
        return config.without_bridge(name)

    unmade = await daemon.change(change)
    require_active(unmade, lambda one: one.bridge == name)
    return lost


METHODS = {
    "bridge.add": add,
    "bridge.set": set_,
    "bridge.list": list_,
    "bridge.show": show,
    "bridge.rm": remove,
}
