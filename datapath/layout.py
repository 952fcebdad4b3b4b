"""Layouts: how a dataclass lies in bytes, written as a table of its columns.

    METER_STATS = Layout(MeterStats, u32("meter_id"), size16(), pad(6), u32("flow_count"), ...)

reads like the struct in the standard and works both ways.  The columns of fixed
width come first; then come tails, whose length only the bytes tell: a match, a
list, the rest.  A layout with a size column knows its own end; `Many` is a list
of such values, `Choice` picks the layout by a leading 16-bit type.  Each value
read is at least its fixed part long, so that no list can stand still (S1).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from operator import attrgetter
from typing import Any, Generic, TypeVar

from datapath.problems import SIZE_MAX, Error, ProtocolProblem, TooLong
from datapath.wire import Codec, Reader, padding

T = TypeVar("T")

_SIZE = "(size)"
_NOTHING = ""


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Column:
    """One column of fixed width: the attribute it holds, its `struct` code, its conversions."""

    attribute: str
    code: str
    pack: Callable[[Any], Any] = _same
    unpack: Callable[[Any], Any] = _same


@dataclass(frozen=True, slots=True)
class Tail:
    """An attribute of no fixed width, after the columns."""

    attribute: str
    codec: Codec[Any]


def u8(attribute: str) -> Column:
    """A number of 8 bits."""
    return Column(attribute, "B")


def u16(attribute: str) -> Column:
    """A number of 16 bits."""
    return Column(attribute, "H")


def u32(attribute: str) -> Column:
    """A number of 32 bits."""
    return Column(attribute, "I")


def u64(attribute: str) -> Column:
    """A number of 64 bits."""
    return Column(attribute, "Q")


def raw(attribute: str, size: int) -> Column:
    """Exactly 'size' bytes, as they are."""
    return Column(attribute, f"{size}s")


def pad(size: int) -> Column:
    """Bytes that mean nothing: written as zeros, not looked at."""
    return Column(_NOTHING, f"{size}x")


def kind(number: int) -> Column:
    """The 16-bit type that a Choice has looked at already."""
    return Column(_NOTHING, "H", lambda _: number)


def size16() -> Column:
    """The size of this value in bytes, the fixed part included."""
    return Column(_SIZE, "H")


def text(attribute: str, size: int) -> Column:
    """A name, NUL-padded; bytes that are no UTF-8 survive a round trip."""
    return Column(
        attribute,
        f"{size}s",
        lambda value: _fitting(value.encode(errors="surrogateescape"), size),
        lambda data: data.split(b"\0", 1)[0].decode(errors="surrogateescape"),
    )


def _fitting(data: bytes, size: int) -> bytes:
    if len(data) >= size:
        raise ValueError(f"{data!r} is longer than {size - 1} bytes")
    return data


def enum(attribute: str, code: str, kind_of: type[IntEnum], error: Error) -> Column:
    """A number out of a closed set; any other one is answered with 'error'."""

    def unpack(number: int) -> IntEnum:
        try:
            return kind_of(number)
        except ValueError:
            raise ProtocolProblem(error, f"{kind_of.__name__} {number}") from None

    return Column(attribute, code, int, unpack)


def flags(attribute: str, code: str, kind_of: type[IntFlag]) -> Column:
    """A set of bits; unknown bits are kept."""
    return Column(attribute, code, int, kind_of)


def _getter(name: str) -> Callable[[Any], Any]:
    """Reads an attribute, or an attribute's attribute ("rule.cookie"); None for no name."""
    return attrgetter(name) if name not in (_NOTHING, _SIZE) else _nothing


def _nothing(value: Any) -> None:
    return None


class Layout(Generic[T]):
    """How values of one class lie in bytes.  Pure; one instance serves all."""

    def __init__(
        self,
        of: Callable[..., T],
        *columns: Column | Tail,
        align: int = 1,
        error: Error | None = None,
        parts: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        """'align': what a sized value is padded to, outside its size; 'error' answers bad sizes.

        'parts': attribute -> class of a value within the value, whose columns are
        named "attribute.its_attribute" and may lie anywhere among the others.
        """
        self._of = of
        self._parts = parts or {}
        self._columns = [column for column in columns if isinstance(column, Column)]
        self._tails = [tail for tail in columns if isinstance(tail, Tail)]
        self._fixed = struct.Struct("!" + "".join(column.code for column in self._columns))
        self._named = [column for column in self._columns if not column.code.endswith("x")]
        self._sources = [(c.attribute, _getter(c.attribute), c.pack) for c in self._named]
        self._ends = [(_getter(tail.attribute), tail.codec) for tail in self._tails]
        self._align = align
        self._error = error

    @property
    def size(self) -> int:
        """Bytes of the fixed part: no value is shorter."""
        return self._fixed.size

    def pack(self, value: T) -> bytes:
        """The bytes of 'value'; ValueError if something in it doesn't fit, TooLong if too much."""
        tails = b"".join([codec.pack(get(value)) for get, codec in self._ends])
        size = self.size + len(tails)
        if size > SIZE_MAX and self._size_at() is not None:
            raise TooLong(type(value).__name__, size)
        numbers = [
            size if attribute == _SIZE else pack(get(value))
            for attribute, get, pack in self._sources
        ]
        try:
            return self._fixed.pack(*numbers) + tails + padding(size, self._align)
        except struct.error as error:
            raise ValueError(f"{value} does not fit: {error}") from error

    def unpack(self, reader: Reader) -> T:
        """The value that comes next; ProtocolProblem when the bytes are no such value."""
        whole = self._bounded(reader)
        numbers = whole.unpack(self._fixed)
        values = {
            column.attribute: column.unpack(number)
            for column, number in zip(self._named, numbers, strict=True)
            if column.attribute not in (_NOTHING, _SIZE)
        }
        for tail in self._tails:
            value = tail.codec.unpack(whole)
            if tail.attribute:
                values[tail.attribute] = value
        if whole is not reader:
            whole.finish()
        return self._built(values)

    def _built(self, values: dict[str, Any]) -> T:
        """The value with these attributes, inner values first."""
        for part, of in self._parts.items():
            names = [name for name in values if name.startswith(f"{part}.")]
            inner = {name.partition(".")[2]: values.pop(name) for name in names}
            values[part] = of(**inner)
        return self._of(**values)

    def _bounded(self, reader: Reader) -> Reader:
        """A reader that ends where the value's own size says; 'reader' moves behind the value."""
        at = self._size_at()
        if at is None:
            return reader
        error = self._error or reader.error
        head = reader.peek(self.size) if reader.left >= self.size else b""
        size = int.from_bytes(head[at : at + 2])
        if not self.size <= size <= reader.left:
            name = getattr(self._of, "__name__", "a value")
            raise ProtocolProblem(error, f"{name} of {size} bytes, {reader.left} are left")
        whole = reader.part(size, error)
        reader.take(len(padding(size, self._align)))
        return whole

    def _size_at(self) -> int | None:
        before = "!"
        for column in self._columns:
            if column.attribute == _SIZE:
                return struct.calcsize(before)
            before += column.code
        return None


class Rest:
    """The bytes that are left, as they are."""

    def pack(self, value: bytes) -> bytes:
        """The bytes themselves."""
        return value

    def unpack(self, reader: Reader) -> bytes:
        """All that the reader has left."""
        return reader.rest()


class Gap:
    """Padding behind a tail."""

    def __init__(self, size: int) -> None:
        self._size = size

    def pack(self, value: None) -> bytes:
        """Zeros."""
        return bytes(self._size)

    def unpack(self, reader: Reader) -> None:
        """Steps over them, whatever they are."""
        reader.take(self._size)


class Many(Generic[T]):
    """Values of one codec up to the end of what is being read, as a tuple."""

    def __init__(self, codec: Codec[T]) -> None:
        self._codec = codec

    def pack(self, value: tuple[T, ...]) -> bytes:
        """One value's bytes after the other's."""
        return b"".join(self._codec.pack(item) for item in value)

    def unpack(self, reader: Reader) -> tuple[T, ...]:
        """Values until the reader has nothing left."""
        items = []
        while left := reader.left:
            items.append(self._codec.unpack(reader))
            if reader.left >= left:
                raise reader.problem("a value of 0 bytes")
        return tuple(items)


class Choice(Generic[T]):
    """Values whose first 16 bits say which layout they have.

    'layouts': number -> (class, codec).  'unknown' answers other numbers.
    """

    def __init__(self, layouts: Mapping[int, tuple[type[Any], Codec[Any]]], unknown: Error) -> None:
        self._by_number = {number: codec for number, (_, codec) in layouts.items()}
        self._by_class = dict(layouts.values())
        self._unknown = unknown

    def pack(self, value: T) -> bytes:
        """The bytes by the layout of the value's class; KeyError for a class that has none."""
        data: bytes = self._by_class[type(value)].pack(value)
        return data

    def unpack(self, reader: Reader) -> T:
        """The value by the layout that the first 16 bits choose; they stay for it to read."""
        number = reader.u16()
        if number not in self._by_number:
            raise ProtocolProblem(self._unknown, f"type {number}")
        value: T = self._by_number[number].unpack(reader)
        return value
