"""What every flow table can do, from the list of fields (OpenFlow 1.3.5, 7.3.5.5.2).  Pure.

All tables are alike but for where their rules may go: only to later tables.
"""

from __future__ import annotations

from functools import cache

from datapath.fields import FIELDS, Field
from datapath.oxm import oxm_header
from vswitch.agent.view import N_TABLES
from vswitch.openflow.messages.table import (
    Ability,
    FieldId,
    Fields,
    Instructions,
    NextTables,
    TableFeatures,
    TableProperty,
    TypeId,
)

MAX_RULES = 1_000_000
"""Rules over all tables (vs_config.max_rules)."""

METADATA = 0xFFFF_FFFF_FFFF_FFFF

_GOTO_TABLE = 1
_INSTRUCTIONS = (_GOTO_TABLE, 2, 3, 4, 5)
"""Goto, write metadata, write, apply and clear actions (7.2.4)."""

_ACTIONS = (0, 17, 18, 23, 24, 25)
"""Output, push and pop VLAN, set and decrement TTL, set-field (7.2.5)."""


def features_of_table(table: int) -> TableFeatures:
    """The table's number and abilities."""
    return TableFeatures(
        table, f"table{table}", METADATA, METADATA, max_entries=MAX_RULES,
        properties=(*_steps(table), *_common()),
    )  # fmt: skip


def _steps(table: int) -> tuple[TableProperty, ...]:
    """Abilities that differ between tables: the last one leads nowhere."""
    following = tuple(range(table + 1, N_TABLES))
    numbers = _INSTRUCTIONS if following else _INSTRUCTIONS[1:]
    return (
        Instructions(Ability.INSTRUCTIONS, tuple(map(TypeId, numbers))),
        NextTables(Ability.NEXT_TABLES, following),
    )


@cache
def _common() -> tuple[TableProperty, ...]:
    actions = tuple(map(TypeId, _ACTIONS))
    settable = tuple(FieldId(_header(f, masked=False)) for f in FIELDS if f.settable)
    return (
        Instructions(Ability.WRITE_ACTIONS, actions),
        Instructions(Ability.APPLY_ACTIONS, actions),
        Fields(Ability.MATCH, tuple(FieldId(_header(f, masked=f.maskable)) for f in FIELDS)),
        Fields(Ability.WILDCARDS, tuple(FieldId(_header(f, masked=False)) for f in FIELDS)),
        Fields(Ability.WRITE_SETFIELD, settable),
        Fields(Ability.APPLY_SETFIELD, settable),
    )


def _header(field: Field, *, masked: bool) -> int:
    return int.from_bytes(oxm_header(field, masked=masked))
