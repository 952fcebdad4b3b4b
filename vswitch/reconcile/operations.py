"""Operations: the small steps that a plan is made of.

There are three, for every kind of record that the schema knows: one is added, its settings change,
one is removed.  Each names the operator API's method that does it, with that method's parameters,
so a plan reads like the commands somebody would have typed, and each can be applied to a
`Config`: the model by which plans are tested.  What they say are the schema's own sentences.
Pure.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from vswitch.schema import Bridge, Config, Port, Record

R = TypeVar("R", bound=Record)

Model = dict[str, Bridge]
"""Bridges by name."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One step: what becomes of 'record' on the bridge of that name (or of the bridge itself)."""

    VERB: ClassVar[str]

    bridge: str
    record: Record

    @property
    def method(self) -> str:
        """The operator API's method that does it."""
        return f"{self.record.NOUN}.{self.VERB}"

    @property
    def text(self) -> str:
        """The step in words, for a person."""
        raise NotImplementedError

    def params(self) -> dict[str, Any]:
        """The method's parameters, in JSON's values."""
        raise NotImplementedError

    def change(self, bridges: Model) -> None:
        """Does it to a model.  KeyError or SchemaError if it doesn't fit."""
        raise NotImplementedError

    def is_about(self, kind: type[Record], *key: object) -> bool:
        """Whether it is about the record of that kind and key."""
        return type(self.record) is kind and self.record.key == key

    def _params(self, *names: str) -> dict[str, Any]:
        """These settings of the record behind what tells it from others."""
        document = self.record.to_json()
        where = {} if isinstance(self.record, Bridge) else {"bridge": self.bridge}
        return {**where, **{name: document[name] for name in (*self.record.key_names(), *names)}}

    def _said(self, sentence: str, settings: str = "") -> str:
        known = {**self.record.to_json(), "bridge": self.bridge, "settings": settings}
        return sentence.format_map(known)

    def _there(self, bridges: Model) -> Record:
        """The record of its key in a model."""
        bridge = bridges[self.bridge]
        if isinstance(self.record, Bridge):
            return bridge
        found = bridge.part(type(self.record), *self.record.key)
        if found is None:
            raise KeyError(self.record.key)
        return found

    def _put(self, bridges: Model, record: Record) -> None:
        put = record if isinstance(record, Bridge) else bridges[self.bridge].with_part(record)
        bridges[self.bridge] = put


@dataclass(frozen=True, slots=True)
class Add(Operation):
    """Makes a bridge, which has no parts yet, or gives it 'record'."""

    VERB: ClassVar[str] = "add"

    @property
    def text(self) -> str:
        names = _chosen(self.record)
        settings = f" with {', '.join(_shown(self.record, names))}" if names else ""
        return self._said(self.record.ADDED, settings)

    def params(self) -> dict[str, Any]:
        return self._params(*_chosen(self.record))

    def change(self, bridges: Model) -> None:
        kind, key = type(self.record), self.record.key
        # A port's name is the host's own: no two bridges may have it, not even for a moment.
        homes = bridges.values() if kind is Port else [bridges.get(self.bridge)]
        if kind is Bridge:
            there = self.bridge in bridges
        else:
            there = any(home.part(kind, *key) for home in homes if home)
        if there:
            raise KeyError(key)
        self._put(bridges, self.record)


@dataclass(frozen=True, slots=True)
class Set(Operation):
    """Changes settings of a record while it is in use: to what 'record' has."""

    VERB: ClassVar[str] = "set"

    changed: tuple[str, ...]
    """Names of these settings; all are live ones."""

    @property
    def text(self) -> str:
        return self._said(self.record.CHANGED, ", ".join(_shown(self.record, self.changed)))

    def params(self) -> dict[str, Any]:
        return self._params(*self.changed)

    def change(self, bridges: Model) -> None:
        self._put(bridges, self.onto(self._there(bridges)))

    def onto(self, there: R) -> R:
        """The record that is 'there' with what changes."""
        return there.changed(**{name: getattr(self.record, name) for name in self.changed})


@dataclass(frozen=True, slots=True)
class Remove(Operation):
    """Removes a record: a bridge without parts, or a part with what belongs to it."""

    VERB: ClassVar[str] = "rm"

    @property
    def text(self) -> str:
        return self._said(self.record.REMOVED)

    def params(self) -> dict[str, Any]:
        return self._params()

    def change(self, bridges: Model) -> None:
        there = self._there(bridges)
        if not isinstance(there, Bridge):
            left = bridges[self.bridge].without_part(type(there), *there.key)
            bridges[self.bridge] = left
        elif there != there.bare():
            raise KeyError(self.bridge)
        else:
            del bridges[self.bridge]


def apply(operations: Iterable[Operation], observed: Config) -> Config:
    """What 'observed' becomes by the operations, in order.

    KeyError or SchemaError if one doesn't fit where it stands.
    """
    bridges = {bridge.name: bridge for bridge in observed.bridges}
    for operation in operations:
        operation.change(bridges)
    return Config(tuple(bridges.values()))


def _chosen(record: Record) -> list[str]:
    """Names of the plain settings outside its key that differ from their defaults."""
    kind: Any = type(record)  # a type has a hash, which a Record need not have
    return [name for name, default in _plain(kind) if getattr(record, name) != default]


@functools.cache
def _plain(kind: Any) -> tuple[tuple[str, object], ...]:
    """The plain settings of a kind of record outside its key, with their defaults."""
    return tuple(
        (name, kind.__dataclass_fields__[name].default)
        for name, known in kind.settings().items()
        if not known.nested and name not in kind.key_names()
    )


def _shown(record: Record, names: Iterable[str]) -> list[str]:
    known = record.settings()
    values = {name: (known[name].say or known[name].show)(getattr(record, name)) for name in names}
    return [f"{name.replace('_', ' ')} {_word(value)}" for name, value in values.items()]


def _word(value: object) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
