"""Messages about tables: configuration, counters, and what each can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest

CONFIG_MASK = 3
"""The bits that a table's configuration may have (OFPTC_DEPRECATED_MASK)."""


@dataclass(frozen=True, slots=True)
class TableMod(Message):
    """The bits of 'config' mean nothing in OpenFlow 1.3; 'table' 255 is all of them."""

    table: int
    config: int = 0


@dataclass(frozen=True, slots=True)
class TableStats:
    """A table's counters: rules in it, packets looked up and found."""

    table: int
    active: int = 0
    lookups: int = 0
    matches: int = 0


@dataclass(frozen=True, slots=True)
class TableStatsRequest(MultipartRequest):
    """How do the tables fare?"""


@dataclass(frozen=True, slots=True)
class TableStatsReply(MultipartReply):
    """Every table's counters."""

    tables: tuple[TableStats, ...] = ()


class Ability(IntEnum):
    """What a list of a table's features is about (ofp_table_feature_prop_type).

    The lists named ..._MISS are of the table-miss rule; without one it can do the same.
    """

    INSTRUCTIONS = 0
    INSTRUCTIONS_MISS = 1
    NEXT_TABLES = 2
    NEXT_TABLES_MISS = 3
    WRITE_ACTIONS = 4
    WRITE_ACTIONS_MISS = 5
    APPLY_ACTIONS = 6
    APPLY_ACTIONS_MISS = 7
    MATCH = 8
    WILDCARDS = 10
    WRITE_SETFIELD = 12
    WRITE_SETFIELD_MISS = 13
    APPLY_SETFIELD = 14
    APPLY_SETFIELD_MISS = 15


@dataclass(frozen=True, slots=True)
class TypeId:
    """An instruction or action by its type; 'experimenter' owns the types 0xffff."""

    number: int
    experimenter: int | None = None


@dataclass(frozen=True, slots=True)
class FieldId:
    """A field by the 32 bits of its OXM header; 'experimenter' owns the class 0xffff."""

    header: int
    experimenter: int | None = None


@dataclass(frozen=True, slots=True)
class Instructions:
    """Instructions (INSTRUCTIONS) or actions (WRITE_ACTIONS, APPLY_ACTIONS) that a table takes."""

    ability: Ability
    ids: tuple[TypeId, ...] = ()


@dataclass(frozen=True, slots=True)
class NextTables:
    """Tables that a rule may go to."""

    ability: Ability
    tables: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields that can be matched, left open or written."""

    ability: Ability
    ids: tuple[FieldId, ...] = ()


@dataclass(frozen=True, slots=True)
class ExperimenterFeature:
    """Somebody's own property of a table; 'miss': of its table-miss rule."""

    experimenter: int
    exp_type: int
    data: bytes = b""
    miss: bool = False


TableProperty = Instructions | NextTables | Fields | ExperimenterFeature


@dataclass(frozen=True, slots=True)
class TableFeatures:
    """One table and what it can do; 'name' has 31 bytes at most."""

    table: int
    name: str = ""
    metadata_match: int = 0
    metadata_write: int = 0
    config: int = 0
    max_entries: int = 0
    properties: tuple[TableProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFeaturesRequest(MultipartRequest):
    """What can the tables do?  With 'tables': let them do just this."""

    tables: tuple[TableFeatures, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFeaturesReply(MultipartReply):
    """What the tables can do now."""

    tables: tuple[TableFeatures, ...] = ()
