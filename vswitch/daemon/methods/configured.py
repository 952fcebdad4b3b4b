"""NOUN.add, NOUN.set, NOUN.list, NOUN.rm of a kind of record for which no file here has them.

It is stored, made active by what `operate` has for it, and told as it is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.methods.finding import require_active, wanted_bridge
from vswitch.errors import Exit, Failure
from vswitch.schema import Bridge, Config, Record

Kind = type[Record]


def methods(kind: Kind) -> dict[str, Callable[..., Awaitable[object]]]:
    """The methods of one kind of record that bridges have."""
    verbs: dict[str, Callable[..., Awaitable[object]]]
    verbs = {"add": _add, "set": _set, "list": _list, "rm": _remove}
    return {f"{kind.NOUN}.{verb}": partial(do, kind) for verb, do in verbs.items()}


async def _add(kind: Kind, daemon: Daemon, bridge: str, **settings: Any) -> dict[str, Any]:
    record = kind(**settings)

    def change(wanted: Bridge) -> Bridge:
        if wanted.part(kind, *record.key) is not None:
            why, do = "there is one already", f"see `vswitch {kind.NOUN} ls`"
            raise Failure(record.title, why, do)
        return wanted.with_part(record)

    return await _changed(kind, daemon, bridge, change, record)


async def _set(kind: Kind, daemon: Daemon, bridge: str, **settings: Any) -> dict[str, Any]:
    named = _named(kind, settings)
    return await _changed(
        kind, daemon, bridge,
        lambda wanted: wanted.with_part(_found(wanted, named).changed(**settings)), named,
    )  # fmt: skip


async def _remove(kind: Kind, daemon: Daemon, bridge: str, **key: Any) -> None:
    named = _named(kind, key)

    def change(config: Config) -> Config:
        wanted = wanted_bridge(config, bridge)
        _found(wanted, named)
        return config.with_bridge(wanted.without_part(kind, *named.key))

    unmade = await daemon.change(change)
    require_active(unmade, lambda one: one.is_about(kind, *named.key))


async def _list(kind: Kind, daemon: Daemon, bridge: str | None = None) -> list[dict[str, Any]]:
    config = daemon.store.read().config
    chosen = config.bridges if bridge is None else (wanted_bridge(config, bridge),)
    where = Bridge.parts()[kind]
    return [_row(daemon, b.name, record) for b in chosen for record in getattr(b, where)]


async def _changed(
    kind: Kind, daemon: Daemon, bridge: str, change: Callable[[Bridge], Bridge], about: Record
) -> dict[str, Any]:
    unmade = await daemon.change(lambda c: c.with_bridge(change(wanted_bridge(c, bridge))))
    require_active(unmade, lambda one: one.is_about(kind, *about.key))
    stored = wanted_bridge(daemon.store.read().config, bridge)
    return _row(daemon, bridge, _found(stored, about))


def _row(daemon: Daemon, bridge: str, record: Record) -> dict[str, Any]:
    live = daemon.live.bridges.get(bridge)
    active = live.others.get(type(record), {}).get(record.key) == record if live else False
    return {"bridge": bridge, **record.to_json(), "active": active}


def _named(kind: Kind, settings: dict[str, Any]) -> Record:
    """A record of that key."""
    return kind(**{name: settings[name] for name in kind.key_names()})


def _found(bridge: Bridge, named: Record) -> Record:
    """The bridge's record of the key of 'named'; Failure (exit 3) if it has none."""
    found = bridge.part(type(named), *named.key)
    if found is None:
        why, do = f"bridge {bridge.name} has none", f"see `vswitch {named.NOUN} ls`"
        raise Failure(named.title, why, do, Exit.NOT_FOUND)
    return found
