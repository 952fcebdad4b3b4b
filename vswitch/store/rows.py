"""Configurations as rows of tables, derived from the schema.

Each kind of record is a table: a column for each plain setting, in JSON's value
(lists as JSON text), before them the bridge's name where the record belongs to one,
and its position, since the order in which things were written is kept.  Pure.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from vswitch.schema import Bridge, Config, Record, Setting

Row = tuple[Any, ...]

TABLES: Mapping[str, type[Record]] = {
    kind.NOUN: kind for kind in [*Config.parts(), *Bridge.parts()]
}
"""Table name -> the record that its rows are."""
_NESTED = {kind.NOUN: where for kind, where in Bridge.parts().items()}
"""Tables whose rows belong to a bridge -> the bridge's setting that holds them."""


def columns(table: str) -> tuple[str, ...]:
    """The names of a table's columns, in the order of its rows' values."""
    settings = TABLES[table].settings().items()
    owner = ("bridge",) if table in _NESTED else ()
    return ("position", *owner, *(name for name, known in settings if not known.nested))


def key(table: str) -> tuple[str, ...]:
    """The columns that tell rows of a table apart."""
    record = TABLES[table]
    own = tuple(name for name in record.settings() if name in record.required())
    return ("bridge", *own) if table in _NESTED else own


def additions(table: str, present: Iterable[str]) -> dict[str, object]:
    """Columns that rows of an older version lack, with the value that says nothing was chosen."""
    record = TABLES[table]
    there = set(present)
    values = {
        field.name: _column(known, known.show(field.default))
        for field in dataclasses.fields(record)
        if (known := record.settings().get(field.name)) and field.name not in record.required()
    }
    return {name: values[name] for name in columns(table) if name not in there and name in values}


def to_rows(config: Config) -> dict[str, list[Row]]:
    """Table name -> rows, in order."""
    rows: dict[str, list[Row]] = {"bridge": _rows(config.bridges)}
    for table, setting in _NESTED.items():
        rows[table] = [
            (position, bridge.name, *rest)
            for bridge in config.bridges
            for position, *rest in _rows(getattr(bridge, setting))
        ]
    return rows


def from_rows(rows: Mapping[str, Iterable[Row]]) -> Config:
    """The configuration in rows, given by position; SchemaError where they are none."""
    bridges = {row[1]: _document("bridge", row) for row in rows["bridge"]}
    for table, setting in _NESTED.items():
        for row in rows[table]:
            document = _document(table, row)
            bridge = bridges.setdefault(document.pop("bridge"), {})
            bridge.setdefault(setting, []).append(document)
    return Config.from_json({"bridges": list(bridges.values())})


def _rows(records: Iterable[Record]) -> list[Row]:
    return [(position, *_values(record)) for position, record in enumerate(records)]


def _values(record: Record) -> Iterable[object]:
    for name, known in record.settings().items():
        if not known.nested:
            yield _column(known, known.show(getattr(record, name)))


def _column(known: Setting, value: object) -> object:
    return json.dumps(value) if known.many else value


def _document(table: str, row: Row) -> dict[str, Any]:
    settings = TABLES[table].settings()
    document = dict(zip(columns(table)[1:], row[1:], strict=True))
    for name, value in document.items():
        if name in settings and settings[name].many:
            document[name] = _list(value)
    return document


def _list(text: object) -> object:
    """The list in JSON text; what is none is left for the schema to refuse."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return None
