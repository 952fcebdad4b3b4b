"""Operations: the small steps that a plan is made of.

Each names the operator API's method that does it, with that method's parameters,
so a plan reads like the commands somebody would have typed, and each can be
applied to a `Config`: the model by which plans are tested.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from vswitch.schema import Bridge, Config, Controller, Port, Queue, Record


class Operation(Protocol):
    """One step.  'bridge' is the name of the bridge that it changes."""

    @property
    def bridge(self) -> str: ...
    @property
    def method(self) -> str:
        """The operator API's method that does it."""

    @property
    def text(self) -> str:
        """The step in words, for a person."""

    def params(self) -> dict[str, Any]:
        """The method's parameters, in JSON's values."""

    def change(self, bridges: dict[str, Bridge]) -> None:
        """Does it to a model: bridges by name.  KeyError if it doesn't fit."""


@dataclass(frozen=True, slots=True)
class RemoveController:
    """Parts a bridge from a controller."""

    bridge: str
    target: str
    method = "controller.rm"

    @property
    def text(self) -> str:
        return f"part bridge {self.bridge} from controller {self.target}"

    def params(self) -> dict[str, Any]:
        return {"bridge": self.bridge, "target": self.target}

    def change(self, bridges: dict[str, Bridge]) -> None:
        bridges[self.bridge] = bridges[self.bridge].without_controller(self.target)


@dataclass(frozen=True, slots=True)
class RemoveQueue:
    """Takes a queue off a port that stays."""

    bridge: str
    port: str
    number: int
    method = "queue.rm"

    @property
    def text(self) -> str:
        return f"take queue {self.number} off port {self.port} of bridge {self.bridge}"

    def params(self) -> dict[str, Any]:
        return {"bridge": self.bridge, "port": self.port, "number": self.number}

    def change(self, bridges: dict[str, Bridge]) -> None:
        bridge = bridges[self.bridge]
        if bridge.queue(self.port, self.number) is None:
            raise KeyError(self.port, self.number)
        bridges[self.bridge] = bridge.without_queue(self.port, self.number)


@dataclass(frozen=True, slots=True)
class RemovePort:
    """Takes a port with its queues off its bridge."""

    bridge: str
    name: str
    method = "port.rm"

    @property
    def text(self) -> str:
        return f"take port {self.name} off bridge {self.bridge}"

    def params(self) -> dict[str, Any]:
        return {"bridge": self.bridge, "name": self.name}

    def change(self, bridges: dict[str, Bridge]) -> None:
        bridges[self.bridge] = bridges[self.bridge].without_port(self.name)


@dataclass(frozen=True, slots=True)
class RemoveBridge:
    """Removes a bridge whose ports and controllers are gone."""

    bridge: str
    method = "bridge.rm"

    @property
    def text(self) -> str:
        return f"remove bridge {self.bridge}"

    def params(self) -> dict[str, Any]:
        return {"name": self.bridge}

    def change(self, bridges: dict[str, Bridge]) -> None:
        removed = bridges.pop(self.bridge)
        if removed.ports or removed.controllers:
            raise KeyError(self.bridge)


@dataclass(frozen=True, slots=True)
class AddBridge:
    """Makes a bridge; 'made' has no ports, queues and controllers yet."""

    made: Bridge
    method = "bridge.add"

    @property
    def bridge(self) -> str:
        return self.made.name

    @property
    def text(self) -> str:
        return f"make bridge {self.bridge}{_described(self.made)}"

    def params(self) -> dict[str, Any]:
        return _chosen(self.made)

    def change(self, bridges: dict[str, Bridge]) -> None:
        if self.bridge in bridges:
            raise KeyError(self.bridge)
        bridges[self.bridge] = self.made


@dataclass(frozen=True, slots=True)
class SetBridge:
    """Changes settings of a bridge, while its ports and controllers stay."""

    bridge: str
    wanted: Bridge
    changed: tuple[str, ...]
    """Names of the settings that change to what 'wanted' has."""
    method = "bridge.set"

    @property
    def text(self) -> str:
        shown = _shown(self.wanted, self.changed)
        return f"set {', '.join(shown)} of bridge {self.bridge}"

    def params(self) -> dict[str, Any]:
        document = self.wanted.to_json()
        return {"name": self.bridge, **{key: document[key] for key in self.changed}}

    def change(self, bridges: dict[str, Bridge]) -> None:
        values = {key: getattr(self.wanted, key) for key in self.changed}
        bridges[self.bridge] = bridges[self.bridge].changed(**values)


@dataclass(frozen=True, slots=True)
class AddPort:
    """Puts an interface on a bridge."""

    bridge: str
    port: Port
    method = "port.add"

    @property
    def text(self) -> str:
        return f"put port {self.port.name} on bridge {self.bridge}{_described(self.port)}"

    def params(self) -> dict[str, Any]:
        return {"bridge": self.bridge, **_chosen(self.port)}

    def change(self, bridges: dict[str, Bridge]) -> None:
        if any(bridge.port(self.port.name) for bridge in bridges.values()):
            raise KeyError(self.port.name)
        bridges[self.bridge] = bridges[self.bridge].with_port(self.port)


@dataclass(frozen=True, slots=True)
class SetPort:
    """Changes settings of a port while it carries packets."""

    bridge: str
    wanted: Port
    changed: tuple[str, ...]
    """Names of the settings that change to what 'wanted' has; all are live ones."""
    method = "port.set"

    @property
    def text(self) -> str:
        shown = _shown(self.wanted, self.changed)
        return f"set {', '.join(shown)} of port {self.wanted.name} on bridge {self.bridge}"

    def params(self) -> dict[str, Any]:
        document = self.wanted.to_json()
        changed = {key: document[key] for key in self.changed}
        return {"bridge": self.bridge, "name": self.wanted.name, **changed}

    def change(self, bridges: dict[str, Bridge]) -> None:
        found = bridges[self.bridge].port(self.wanted.name)
        if found is None:
            raise KeyError(self.wanted.name)
        values = {key: getattr(self.wanted, key) for key in self.changed}
        bridges[self.bridge] = bridges[self.bridge].with_port(found.changed(**values))


@dataclass(frozen=True, slots=True)
class AddQueue:
    """Gives a port a queue."""

    bridge: str
    queue: Queue
    method = "queue.add"

    @property
    def text(self) -> str:
        queue = self.queue
        where = f"port {queue.port} of bridge {self.bridge}"
        return f"give {where} queue {queue.number}{_described(queue)}"

    def params(self) -> dict[str, Any]:
        return {"bridge": self.bridge, **_chosen(self.queue)}

    def change(self, bridges: dict[str, Bridge]) -> None:
        bridge = bridges[self.bridge]
        if bridge.queue(*self.queue.key):
            raise KeyError(self.queue.key)
        bridges[self.bridge] = bridge.with_queue(self.queue)


@dataclass(frozen=True, slots=True)
class SetQueue:
    """Changes settings of a queue while its port stays."""

    bridge: str
    queue: Queue
    changed: tuple[str, ...]
    """Names of the settings that change to what 'queue' has."""
    method = "queue.set"

    @property
    def text(self) -> str:
        shown = ", ".join(_shown(self.queue, self.changed))
        return f"set {shown} of queue {self.queue.number} of port {self.queue.port}"

    def params(self) -> dict[str, Any]:
        document = self.queue.to_json()
        names = ("port", "number", *self.changed)
        return {"bridge": self.bridge, **{name: document[name] for name in names}}

    def change(self, bridges: dict[str, Bridge]) -> None:
        bridge = bridges[self.bridge]
        found = bridge.queue(*self.queue.key)
        if found is None:
            raise KeyError(self.queue.key)
        values = {name: getattr(self.queue, name) for name in self.changed}
        bridges[self.bridge] = bridge.with_queue(found.changed(**values))


@dataclass(frozen=True, slots=True)
class AddController:
    """Connects a bridge to a controller."""

    bridge: str
    target: str
    method = "controller.add"

    @property
    def text(self) -> str:
        return f"connect bridge {self.bridge} to controller {self.target}"

    def params(self) -> dict[str, Any]:
        return {"bridge": self.bridge, "target": self.target}

    def change(self, bridges: dict[str, Bridge]) -> None:
        bridge = bridges[self.bridge]
        bridges[self.bridge] = bridge.with_controller(Controller(self.target))


def apply(operations: Iterable[Operation], observed: Config) -> Config:
    """What 'observed' becomes by the operations, in order.

    KeyError or SchemaError if one doesn't fit where it stands.
    """
    bridges = {bridge.name: bridge for bridge in observed.bridges}
    for operation in operations:
        operation.change(bridges)
    return Config(tuple(bridges.values()))


def _chosen(record: Record) -> dict[str, Any]:
    """The plain settings that differ from their defaults, in JSON's values."""
    document = record.to_json()
    defaults = type(record)(**{key: getattr(record, key) for key in record.required()}).to_json()
    settings = record.settings().items()
    return {
        key: document[key]
        for key, known in settings
        if not known.nested and (key in record.required() or document[key] != defaults[key])
    }


def _described(record: Record) -> str:
    names = [name for name in _chosen(record) if name not in record.required()]
    return f" with {', '.join(_shown(record, names))}" if names else ""


def _shown(record: Record, names: Iterable[str]) -> list[str]:
    document = record.to_json()
    return [f"{name.replace('_', ' ')} {_word(document[name])}" for name in names]


def _word(value: object) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
