"""TOML, written: a document of JSON's values as a person would type it in a file.

`tomllib` reads it.  Lists of objects become arrays of tables ([[bridges.ports]]); what is null or
an empty list is left out, since TOML has no null, and both are what a setting is that nobody chose.
Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def lines(document: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """The lines of 'document', whose values are text, numbers, true and false, lists and objects.

    'path' is what leads to it, for the heads of its tables.
    """
    tables = {key: value for key, value in document.items() if _is_tables(value)}
    for key, value in document.items():
        if key not in tables and value is not None and value != []:
            yield f"{_key(key)} = {_value(value)}"
    for key, records in tables.items():
        head = ".".join(map(_key, (*path, key)))
        for record in records:
            yield ""
            yield f"[[{head}]]"
            yield from lines(record, (*path, key))


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Iterable):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"{value!r} is none of the values that a configuration has")


def _text(text: str) -> str:
    """A basic string: as JSON writes it, but for the one control character that JSON lets stand."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
