"""A plan as the bytes that `containers/init/plan.c` reads.  Pure.

    plan    = "vsplan1\\n" count(u16) step*
    step    = text count(u8) argument*          the step's name and what it takes
    argument = "n" u64 | "s" text | "b" length(u16) bytes | "l" count(u16) text*
    text    = length(u16) bytes NUL             no other NUL inside

Numbers are little-endian.  Every length is checked before it is written: a value that
does not fit is refused, never cut (HARDENING S36).
"""

from __future__ import annotations

from collections.abc import Sequence

from containers.steps import Argument, Step
from vswitch.errors import SchemaError

MAGIC = b"vsplan1\n"
TEXT_MAX = 65535
PLAN_MAX = 1 << 20
"""Bytes in a plan: what init reads."""
STEPS_MAX = 256


def encode(plan: Sequence[Step]) -> bytes:
    """The plan's bytes; SchemaError when a value is too long for them."""
    if len(plan) > STEPS_MAX:
        raise _too_long(f"a plan of {len(plan)} steps")
    content = MAGIC + _number(len(plan), 2) + b"".join(map(_step, plan))
    if len(content) > PLAN_MAX:
        raise _too_long("the command with its environment")
    return content


def _step(step: Step) -> bytes:
    arguments = b"".join(map(_argument, step.arguments))
    return _text(step.name) + _number(len(step.arguments), 1) + arguments


def _argument(value: Argument) -> bytes:
    if isinstance(value, int):
        return b"n" + _number(value, 8)
    if isinstance(value, str):
        return b"s" + _text(value)
    if isinstance(value, bytes):
        return b"b" + _length(value) + value
    return b"l" + _number(len(value), 2) + b"".join(map(_text, value))


def _number(value: int, size: int) -> bytes:
    try:
        return value.to_bytes(size, "little")
    except OverflowError:
        raise _too_long(f"the number {value}") from None


def _text(value: str) -> bytes:
    text = value.encode(errors="surrogateescape")
    length = _length(text)
    if b"\0" in text:
        raise SchemaError("container", "a text holds a NUL", "give plain text")
    return length + text + b"\0"


def _length(value: bytes) -> bytes:
    if len(value) > TEXT_MAX:
        raise _too_long(f"a text of {len(value)} bytes")
    return _number(len(value), 2)


def _too_long(what: str) -> SchemaError:
    return SchemaError("container", f"{what} is too long for its plan", "pass it in a file")
