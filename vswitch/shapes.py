"""Shapes: what an answer of the operator API has in it, as data.

A `Shape` is a noun with its fields; each field has a `Kind`, which knows its values by sight, and
words that explain it, with its unit.  `answers` declares one shape a noun, and whatever tells of
that noun (a list, what was added, a watched table) has exactly this shape.  Checks, tables with
every column and the reference page follow from it.  Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from vswitch.errors import SchemaError
from vswitch.schema import Config, Record


class Kind(NamedTuple):
    """A kind of JSON value: what it is called, and why a value is none ("" if it is one)."""

    name: str
    wrong: Callable[[object, str], Iterator[str]]
    """(value, where) -> sentences; the value's place is told as "port.number"."""

    def __or__(self, other: Kind) -> Kind:
        """One of the two."""
        return Kind(f"{self.name} or {other.name}", _either(self, other))


def _either(one: Kind, other: Kind) -> Callable[[object, str], Iterator[str]]:
    def wrong(value: object, where: str) -> Iterator[str]:
        found = list(one.wrong(value, where))
        if found and any(other.wrong(value, where)):
            yield from found

    return wrong


def _plain(name: str, holds: Callable[[Any], bool]) -> Kind:
    def wrong(value: object, where: str) -> Iterator[str]:
        if not holds(value):
            yield f"{where}: {value!r:.60} is no {name}"

    return Kind(name, wrong)


def _matching(name: str, pattern: str) -> Kind:
    known = re.compile(pattern)
    return _plain(name, lambda value: isinstance(value, str) and bool(known.fullmatch(value)))


TEXT = _plain("text", lambda value: isinstance(value, str))
NUMBER = _plain("number", lambda value: type(value) is int and value >= 0)
FLAG = _plain("true or false", lambda value: isinstance(value, bool))
NULL = _plain("null", lambda value: value is None)
SECONDS = _plain("seconds", lambda value: type(value) is float and value >= 0)
"""A stretch of time: a number with a fraction."""
MOMENT = _matching("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""A point in time: ISO 8601 in UTC, whole seconds."""
MAC = _matching("Ethernet address", r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
DPID = _matching("datapath id", r"[0-9a-f]{16}")
RATE = _matching("rate", r"[0-9]+(\.[0-9]+)?[kMGT]?bps|unlimited")
BYTES = _matching("bytes", r"([0-9a-f]{2})*")
"""A frame or a part of one, in hexadecimal."""
PORT_NUMBER = _plain("port number", lambda n: type(n) is int and 1 <= n <= 0xFFFFFFFF)
"""Of OpenFlow, so LOCAL is 4294967294."""
OBJECT = _plain("object", lambda value: isinstance(value, dict))


def _is_configuration(value: object) -> bool:
    try:
        return Config.from_json(value).to_json() == value
    except SchemaError:
        return False


CONFIGURATION = _plain("configuration", _is_configuration)
"""What `apply` takes, every setting written out."""


def choice(*words: str) -> Kind:
    """One of these words."""
    return _plain(", ".join(words), lambda value: value in words)


def many(kind: Kind) -> Kind:
    """A list of these."""

    def wrong(value: object, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{where}: {value!r:.60} is no list"
            return
        for number, item in enumerate(value):
            yield from kind.wrong(item, f"{where}[{number}]")

    return Kind(f"list of {kind.name}", wrong)


def counts(of: str) -> Kind:
    """An object of numbers by name."""

    def wrong(value: object, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where}: {value!r:.60} is no object"
            return
        for key, count in value.items():
            yield from NUMBER.wrong(count, f"{where}.{key}")

    return Kind(f"object of numbers by {of}", wrong)


class Field(NamedTuple):
    """A member of an object."""

    name: str
    kind: Kind
    help: str
    sometimes: bool = False
    """Not every object has it."""


class Shape:
    """A noun: its fields in order; 'name' is what commands call it, with fields in braces."""

    def __init__(self, noun: str, help: str, *fields: Field, name: str = "") -> None:
        self.noun, self.help, self.fields, self.name = noun, help, fields, name

    @property
    def kind(self) -> Kind:
        """Values of this shape."""
        return Kind(self.noun, self.wrong)

    def wrong(self, value: object, where: str) -> Iterator[str]:
        """Where and how a value differs; nothing if it is such a noun."""
        if not isinstance(value, dict):
            yield f"{where}: {value!r:.60} is no object"
            return
        known = {field.name: field for field in self.fields}
        for name in value.keys() - known.keys():
            yield f"{where}.{name}: no {self.noun} has it"
        for name, field in known.items():
            if name in value:
                yield from field.kind.wrong(value[name], f"{where}.{name}")
            elif not field.sometimes:
                yield f"{where}.{name}: it is missing"

    def called(self, value: dict[str, Any]) -> str:
        """What commands call it, as in "eth1 0" for a queue; a field that is empty is left out
        with the comma before it."""
        return self.name.format_map(value).replace(",,", ",").removesuffix(",")


def setting(record: type[Record], name: str, kind: Kind) -> Field:
    """A field that tells a setting: the schema explains it."""
    return Field(name, kind, record.settings()[name].help)
