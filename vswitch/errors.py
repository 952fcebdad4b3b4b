"""One way to tell what went wrong: what, why, what to do, and an exit code.

Every error that a person can meet is a `Failure`.  It is raised where the
reason is known, travels through the operator API as JSON, and is printed by
the command line as one line, "vswitch: what: why; what to do".  Anything else
that reaches the top is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line; the operator API carries them along."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DIFFERS = 4
    NOT_ACTIVE = 65
    """Stored, but not yet in force."""
    TIMED_OUT = 124
    """Nobody answered in time; as timeout(1) has it."""
    NOT_EXECUTABLE = 126
    """A container's command is there, but can't be executed."""
    NOT_THERE = 127
    """A container's command is not there; both as in a shell."""


class Failure(Exception):
    """'what' could not be done, 'why', and what the operator can 'do' about it.

    The three parts are plain phrases on one line without a final full stop.
    """

    exit = Exit.FAILED

    def __init__(self, what: str, why: str, do: str, exit: int | None = None) -> None:
        super().__init__(what, why, do)
        self.what, self.why, self.do = what, why, do
        if exit is not None:
            self.exit = Exit(exit)

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {self.do}"


class Refused(ValueError):
    """A value that can't be: 'why', and what to 'do'.  Whoever asked knows its name.

    'items' has the one item that can't be, if the value is a list of several.
    """

    def __init__(self, why: str, do: str, items: tuple[object, ...] = ()) -> None:
        super().__init__(why, do)
        self.why, self.do, self.items = why, do, items


class SchemaError(Failure):
    """A setting, name or document that the schema refuses."""

    exit = Exit.USAGE


class StoreError(Failure):
    """The store can't be opened, read or written; what it held is unchanged."""


class RpcError(Failure):
    """An answer of the operator API that is an error; methods raise it."""

    def __init__(self, *, what: str, why: str, do: str, exit: int = Exit.FAILED) -> None:
        super().__init__(what, why, do, exit)


def shown(value: object, limit: int = 60) -> str:
    """A value as it stands in a sentence: text quoted and without control characters, lists and
    objects as their items behind commas, all of it cut."""
    text = _spelled(value, 3)
    return text if len(text) <= limit else text[: limit - 3] + "..."


_WORDS = {None: "null", True: "true", False: "false"}


def _spelled(value: object, depth: int) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, Mapping | Sequence | Set) and not isinstance(value, str | bytes):
        if not depth:
            return "..."
        pairs = value.items() if isinstance(value, Mapping) else ((None, item) for item in value)
        items = (_named(key) + _spelled(item, depth - 1) for key, item in pairs)
        return ", ".join(items) or "none"
    return ascii(value)


def _named(key: object) -> str:
    return "" if key is None else f"{str(key) if str(key).isidentifier() else ascii(key)} "
