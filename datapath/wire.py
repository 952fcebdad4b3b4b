"""Bytes that a peer sent, reached through one range-checked reader.

Everything that decodes OpenFlow takes a `Reader`; there is no second way to the
bytes, so no decoder can look past its message.  A reader knows the OpenFlow
error that answers a message which ends too early.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Protocol, TypeVar

from datapath.problems import SIZE_MAX, Error, ProtocolProblem, TooLong

T = TypeVar("T")


class Reader:
    """A cursor over bytes; every step is checked, and moves forward."""

    __slots__ = ("_at", "_data", "_end", "error")

    def __init__(
        self, data: bytes, error: Error = Error.BAD_REQUEST_BAD_LEN, at: int = 0, end: int = -1
    ) -> None:
        self._data = data
        self._at = at
        self._end = len(data) if end < 0 else end
        self.error = error

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return self._end - self._at

    def problem(self, why: str) -> ProtocolProblem:
        """The problem that answers these bytes, to be raised."""
        return ProtocolProblem(self.error, why)

    def peek(self, count: int, skip: int = 0) -> bytes:
        """'count' bytes from 'skip' on, without reading them."""
        if skip + count > self.left:
            raise self.problem(f"{skip + count} bytes are needed where {self.left} are left")
        start = self._at + skip
        return self._data[start : start + count]

    def take(self, count: int) -> bytes:
        """The next 'count' bytes."""
        taken = self.peek(count)
        self._at += count
        return taken

    def u16(self, skip: int = 0) -> int:
        """The 16-bit number 'skip' bytes ahead, without reading it."""
        return int.from_bytes(self.peek(2, skip))

    def unpack(self, layout: Struct) -> tuple[Any, ...]:
        """The next fixed part."""
        return layout.unpack(self.take(layout.size))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)

    def part(self, size: int, error: Error | None = None) -> Reader:
        """A reader of the next 'size' bytes, which this one steps over."""
        self.peek(size)
        inner = Reader(self._data, error or self.error, self._at, self._at + size)
        self._at += size
        return inner

    def finish(self) -> None:
        """Nothing may be left."""
        if self.left:
            raise self.problem(f"{self.left} bytes too many")


class Codec(Protocol[T]):
    """One kind of value, both ways between the model and its bytes."""

    def pack(self, value: T, /) -> bytes:
        """The value's bytes; ValueError for one that doesn't fit."""

    def unpack(self, reader: Reader, /) -> T:
        """The next value; ProtocolProblem where the bytes are none."""


_HEADER = Struct("!BBHI")
"""Version, type, length of the whole message, xid (OpenFlow 1.3.5, section 7.1)."""


def message(what: str, kind: int, body: bytes, xid: int = 0, version: int = 4) -> bytes:
    """A whole message of a type with its header; TooLong, about 'what', if it is."""
    size = _HEADER.size + len(body)
    if size > SIZE_MAX:
        raise TooLong(what, size)
    return _HEADER.pack(version, kind, size, xid) + body


def padding(size: int, align: int = 8) -> bytes:
    """The zeros that follow 'size' bytes up to a multiple of 'align'."""
    return bytes(-size % align)
