"""A configuration in a file, in TOML or JSON: read and checked here, before any daemon is asked."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from vswitch.errors import Failure, SchemaError, shown
from vswitch.schema import Config

FILE_MAX = 1 << 20
"""Bytes that a configuration file may have: what one request can carry."""


def read(name: str) -> dict[str, Any]:
    """What the file says ('-' is standard input), checked, in JSON's values.

    Its name's end tells TOML from JSON, or else what it begins with.  SchemaError names the place
    that is wrong.
    """
    what = "standard input" if name == "-" else f"file {name}"
    try:
        text = _content(name).decode()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(what, f"it can't be read: {reason}", "name another file") from None
    except ValueError:
        raise SchemaError(what, "it is no text in UTF-8", "correct it there") from None
    form = "JSON" if _is_json(name, text) else "TOML"
    try:
        document = _PARSERS[form](text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(what, f"it is no {form} ({error})", "correct it there") from None
    if document == {} or (form == "TOML" and "bridges" not in document):
        why, none = "it has no bridges, not even none", _NONE[form]
        raise SchemaError(what, why, f"write `{none}` if all are to be removed")
    try:
        return Config.from_json(document).to_json()
    except SchemaError as error:
        raise SchemaError(f"{what}: {error.what}", error.why, error.do) from None


def _is_json(name: str, text: str) -> bool:
    """A configuration is an object, and no TOML begins with a brace."""
    if name.endswith((".json", ".toml")):
        return name.endswith(".json")
    return text.lstrip().startswith("{")


def _json(text: str) -> Any:
    import json

    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; ValueError where it has a key twice: the one that came first would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{shown(twice)} is there twice")
    return found


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


_PARSERS = {"JSON": _json, "TOML": _toml}
_NONE = {"JSON": '{"bridges": []}', "TOML": "bridges = []"}


def _content(name: str) -> bytes:
    """At most FILE_MAX bytes of the file or of standard input."""
    if name == "-":
        content = sys.stdin.buffer.read(FILE_MAX + 1)
    else:
        with open(name, "rb") as file:
            content = file.read(FILE_MAX + 1)
    if len(content) > FILE_MAX:
        raise OSError(f"it has more than {FILE_MAX} bytes")
    return content
