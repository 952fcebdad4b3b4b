"""Layouts of messages about tables (OpenFlow 1.3.5: 7.3.3, 7.3.5.4, 7.3.5.5)."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

from datapath.layout import Choice, Layout, Many, Rest, Tail, kind, pad, size16, text, u8, u32, u64
from datapath.problems import Error, ProtocolProblem
from datapath.wire import Codec, Reader, padding
from vswitch.openflow.messages.table import (
    Ability,
    ExperimenterFeature,
    FieldId,
    Fields,
    Instructions,
    NextTables,
    TableFeatures,
    TableFeaturesReply,
    TableFeaturesRequest,
    TableMod,
    TableProperty,
    TableStats,
    TableStatsReply,
    TableStatsRequest,
    TypeId,
)
from vswitch.openflow.of13.tables import Entries

_BAD_LEN = Error.TABLE_FEATURES_FAILED_BAD_LEN
_PAIR = struct.Struct("!HH")
_EXPERIMENTER_CLASS = 0xFFFF


class _TypeIds:
    """The head of an instruction or action: type and length, then an experimenter's number."""

    def pack(self, value: TypeId) -> bytes:
        if value.experimenter is None:
            return _PAIR.pack(value.number, 4)
        return _PAIR.pack(value.number, 8) + value.experimenter.to_bytes(4)

    def unpack(self, reader: Reader) -> TypeId:
        number, size = reader.unpack(_PAIR)
        if size not in (4, 8):
            raise ProtocolProblem(_BAD_LEN, f"type {number} with a length of {size}")
        experimenter = int.from_bytes(reader.take(4)) if size == 8 else None
        return TypeId(number, experimenter)


class _FieldIds:
    """An OXM header, then an experimenter's number when its class says so."""

    def pack(self, value: FieldId) -> bytes:
        tail = b"" if value.experimenter is None else value.experimenter.to_bytes(4)
        return value.header.to_bytes(4) + tail

    def unpack(self, reader: Reader) -> FieldId:
        header = int.from_bytes(reader.take(4))
        own = header >> 16 == _EXPERIMENTER_CLASS
        return FieldId(header, int.from_bytes(reader.take(4)) if own else None)


class _TableNumbers:
    """One octet a table."""

    def pack(self, value: tuple[int, ...]) -> bytes:
        return bytes(value)

    def unpack(self, reader: Reader) -> tuple[int, ...]:
        return tuple(reader.rest())


class _Property:
    """A list under the number of its ability, padded to 8 outside its length."""

    def __init__(self, of: Any, attribute: str, items: Codec[Any]) -> None:
        self._of = of
        self._attribute = attribute
        self._items = items

    def pack(self, value: Any) -> bytes:
        body = self._items.pack(getattr(value, self._attribute))
        size = _PAIR.size + len(body)
        return _PAIR.pack(value.ability, size) + body + padding(size)

    def unpack(self, reader: Reader) -> Any:
        ability, size = reader.u16(), reader.u16(2)
        if size < _PAIR.size:
            raise ProtocolProblem(_BAD_LEN, f"a property of {size} bytes")
        body = reader.part(size, _BAD_LEN)
        body.take(_PAIR.size)
        reader.take(len(padding(size)))
        return self._of(Ability(ability), self._items.unpack(body))


class _ExperimenterProperty:
    """An experimenter's property; the table-miss rule's has a number of its own."""

    NUMBER, NUMBER_MISS = 0xFFFE, 0xFFFF

    def __init__(self) -> None:
        columns = (size16(), u32("experimenter"), u32("exp_type"), Tail("data", Rest()))
        self._layouts = {
            number: Layout(ExperimenterFeature, kind(number), *columns, align=8, error=_BAD_LEN)
            for number in (self.NUMBER, self.NUMBER_MISS)
        }

    def pack(self, value: ExperimenterFeature) -> bytes:
        return self._layouts[self.NUMBER_MISS if value.miss else self.NUMBER].pack(value)

    def unpack(self, reader: Reader) -> ExperimenterFeature:
        number = reader.u16()
        found = self._layouts[number].unpack(reader)
        return replace(found, miss=number == self.NUMBER_MISS)


_TYPES = (Instructions, _Property(Instructions, "ids", Many(_TypeIds())))
_NEXT = (NextTables, _Property(NextTables, "tables", _TableNumbers()))
_FIELDS = (Fields, _Property(Fields, "ids", Many(_FieldIds())))
_OWN = (ExperimenterFeature, _ExperimenterProperty())

PROPERTY: Codec[TableProperty] = Choice(
    {
        Ability.INSTRUCTIONS: _TYPES,
        Ability.INSTRUCTIONS_MISS: _TYPES,
        Ability.NEXT_TABLES: _NEXT,
        Ability.NEXT_TABLES_MISS: _NEXT,
        Ability.WRITE_ACTIONS: _TYPES,
        Ability.WRITE_ACTIONS_MISS: _TYPES,
        Ability.APPLY_ACTIONS: _TYPES,
        Ability.APPLY_ACTIONS_MISS: _TYPES,
        Ability.MATCH: _FIELDS,
        Ability.WILDCARDS: _FIELDS,
        Ability.WRITE_SETFIELD: _FIELDS,
        Ability.WRITE_SETFIELD_MISS: _FIELDS,
        Ability.APPLY_SETFIELD: _FIELDS,
        Ability.APPLY_SETFIELD_MISS: _FIELDS,
        _ExperimenterProperty.NUMBER: _OWN,
        _ExperimenterProperty.NUMBER_MISS: _OWN,
    },
    Error.TABLE_FEATURES_FAILED_BAD_TYPE,
)

_FEATURES = Layout(
    TableFeatures,
    size16(),
    u8("table"),
    pad(5),
    text("name", 32),
    u64("metadata_match"),
    u64("metadata_write"),
    u32("config"),
    u32("max_entries"),
    Tail("properties", Many(PROPERTY)),
    error=_BAD_LEN,
)
_STATS = Layout(TableStats, u8("table"), pad(3), u32("active"), u64("lookups"), u64("matches"))

MESSAGES: Entries = {17: (TableMod, Layout(TableMod, u8("table"), pad(3), u32("config")))}
REQUESTS: Entries = {
    3: (TableStatsRequest, Layout(TableStatsRequest)),
    12: (TableFeaturesRequest, Layout(TableFeaturesRequest, Tail("tables", Many(_FEATURES)))),
}
REPLIES: Entries = {
    3: (TableStatsReply, Layout(TableStatsReply, Tail("tables", Many(_STATS)))),
    12: (TableFeaturesReply, Layout(TableFeaturesReply, Tail("tables", Many(_FEATURES)))),
}
