"""The frame around every multipart message: its type, and whether more follows (7.3.5)."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

from datapath.problems import Error, ProtocolProblem
from datapath.wire import Reader
from vswitch.openflow.of13.tables import Entries

HEAD = struct.Struct("!HH4x")
"""Multipart type, flags."""
_MORE = 1


class MultipartCodec:
    """All requests or all replies; each multipart type is one entry of 'entries'."""

    def __init__(self, entries: Entries) -> None:
        self._by_number = {number: codec for number, (_, codec) in entries.items()}
        self._by_class = {of: (number, codec) for number, (of, codec) in entries.items()}

    def pack(self, value: Any) -> bytes:
        """Type, flags and body; KeyError for a class that is no entry."""
        number, codec = self._by_class[type(value)]
        return HEAD.pack(number, _MORE if value.more else 0) + codec.pack(value)

    def unpack(self, reader: Reader) -> Any:
        """The value by its type; ProtocolProblem for one that is unknown."""
        number, flags = reader.unpack(HEAD)
        if number not in self._by_number:
            raise ProtocolProblem(Error.BAD_REQUEST_BAD_MULTIPART, f"multipart type {number}")
        return replace(self._by_number[number].unpack(reader), more=bool(flags & _MORE))
