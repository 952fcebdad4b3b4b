"""What every flow table can do, from the list of fields, and requests to change that
(OpenFlow 1.3.5, 7.3.5.5).  Pure.

All tables are alike but for where their rules may go: only to later tables.

A request to configure the tables names every table with the abilities it must have.  The
standard lets the new abilities be a superset of those, and ours always are: a request that asks
for nothing we can't do is accepted, names and configuration bits are taken over, and the abilities
stay as they are, which the answer shows.  Nothing is narrowed, so no flow-mod is promised to be
refused that would not be.  Tables can't be taken away: a request without one of them is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NoReturn

from datapath.fields import FIELDS, Field
from datapath.oxm import oxm_header
from datapath.problems import Error, ProtocolProblem
from vswitch.agent.limits import ACTIONS, INSTRUCTIONS, MAX_RULES, N_TABLES
from vswitch.agent.view import Table
from vswitch.openflow.messages.table import (
    CONFIG_MASK,
    Ability,
    ExperimenterFeature,
    FieldId,
    Fields,
    Instructions,
    NextTables,
    TableFeatures,
    TableProperty,
    TypeId,
)

METADATA = 0xFFFF_FFFF_FFFF_FFFF
"""Bits of the metadata that rules can match and write: all, so no request asks for too many."""

NAME_MAX = 31
"""Bytes of a table's name, the NUL behind it left out."""

_GOTO_TABLE = 1


def features_of_table(number: int, table: Table) -> TableFeatures:
    """A table as peers are told of it."""
    return TableFeatures(
        number, table.name, METADATA, METADATA, table.config, MAX_RULES,
        properties=(*_steps(number), *_common()),
    )  # fmt: skip


def _steps(number: int) -> tuple[TableProperty, ...]:
    """Abilities that differ between tables: the last one leads nowhere."""
    following = tuple(range(number + 1, N_TABLES))
    numbers = [n for n in INSTRUCTIONS if following or n != _GOTO_TABLE]
    return (
        Instructions(Ability.INSTRUCTIONS, tuple(map(TypeId, numbers))),
        NextTables(Ability.NEXT_TABLES, following),
    )


@cache
def _common() -> tuple[TableProperty, ...]:
    """Lists named ..._MISS are left out: the table-miss rule can do what others can."""
    actions = tuple(map(TypeId, ACTIONS))
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


# ---- requests ------------------------------------------------------------------


def configured(asked: Iterable[TableFeatures]) -> list[Table]:
    """All tables as a request has them.  ProtocolProblem if it asks for what can't be."""
    tables: dict[int, Table] = {}
    for features in asked:
        if features.table >= N_TABLES or features.table in tables:
            _refuse(Error.TABLE_FEATURES_FAILED_BAD_TABLE, features, "it is not there, or twice")
        _check(features)
        tables[features.table] = Table(features.name, features.config)
    if len(tables) < N_TABLES:
        why = f"{N_TABLES - len(tables)} tables would be taken away"
        raise ProtocolProblem(Error.TABLE_FEATURES_FAILED_EPERM, why)
    return [tables[number] for number in range(N_TABLES)]


def _check(asked: TableFeatures) -> None:
    """Refuses what one table can't do."""
    if asked.config & ~CONFIG_MASK or asked.max_entries > MAX_RULES:
        _refuse(Error.TABLE_FEATURES_FAILED_BAD_ARGUMENT, asked, "unknown bits or too many rules")
    if len(asked.name.encode(errors="surrogateescape")) > NAME_MAX:
        _refuse(Error.TABLE_FEATURES_FAILED_BAD_ARGUMENT, asked, "its name has no end")
    able = _able(asked.table)
    seen: set[Ability] = set()
    for wanted in asked.properties:
        if isinstance(wanted, ExperimenterFeature):
            _refuse(Error.TABLE_FEATURES_FAILED_BAD_TYPE, asked, "an experimenter's property")
        if wanted.ability in seen:
            _refuse(Error.TABLE_FEATURES_FAILED_BAD_ARGUMENT, asked, f"{wanted.ability.name} twice")
        if not _items(wanted) <= able[wanted.ability]:
            _refuse(Error.TABLE_FEATURES_FAILED_BAD_ARGUMENT, asked, wanted.ability.name)
        seen.add(wanted.ability)
    if missing := _REQUIRED - seen:
        why = f"without {', '.join(sorted(ability.name for ability in missing))}"
        _refuse(Error.TABLE_FEATURES_FAILED_BAD_ARGUMENT, asked, why)


def _refuse(error: Error, asked: TableFeatures, why: str) -> NoReturn:
    raise ProtocolProblem(error, f"table {asked.table}: {why}")


_REQUIRED = frozenset(ability for ability in Ability if not ability.name.endswith("_MISS"))
"""Lists that each table of a request must have once; the others may be left out."""


def _items(of: TableProperty) -> frozenset[object]:
    """What a list names."""
    assert not isinstance(of, ExperimenterFeature)
    return frozenset(of.tables if isinstance(of, NextTables) else of.ids)


@cache
def _able(number: int) -> dict[Ability, frozenset[object]]:
    """Everything that may stand in each list of one table.

    A field that can be matched under a mask can also be matched without.
    """
    able: dict[Ability, frozenset[object]] = {}
    for had in (*_steps(number), *_common()):
        assert not isinstance(had, ExperimenterFeature)
        able[had.ability] = _items(had)
    able[Ability.MATCH] |= able[Ability.WILDCARDS]
    for ability in Ability:
        if ability not in able:
            able[ability] = able[Ability[ability.name.removesuffix("_MISS")]]
    return able
