"""Instructions: what a rule does, as a model and as OpenFlow 1.3 bytes.

OpenFlow 1.3.5, section 7.2.4.  A rule carries out its instructions in one fixed
order, whatever their order on the wire: meter, apply, clear, write actions,
write metadata, go to a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datapath.action import ACTIONS, Action
from datapath.layout import (
    Choice,
    Column,
    Layout,
    Many,
    Rest,
    Tail,
    kind,
    pad,
    size16,
    u8,
    u32,
    u64,
)
from datapath.problems import Error
from datapath.wire import Codec, Reader

EVERY_BIT = 0xFFFF_FFFF_FFFF_FFFF
"""A metadata mask that replaces all of it."""


class Instruction:
    """Something a rule does; each kind is a frozen dataclass below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class GotoTable(Instruction):
    table: int


@dataclass(frozen=True, slots=True)
class WriteMetadata(Instruction):
    """Replace the bits of the metadata that 'mask' has."""

    value: int
    mask: int = EVERY_BIT


@dataclass(frozen=True, slots=True)
class WriteActions(Instruction):
    """Put actions into the packet's action set, for when its tables end."""

    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyActions(Instruction):
    """Carry out actions at once, in their order."""

    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ClearActions(Instruction):
    """Empty the packet's action set."""


@dataclass(frozen=True, slots=True)
class Meter(Instruction):
    """Hand the packet to a meter, which may drop it."""

    meter: int


@dataclass(frozen=True, slots=True)
class ExperimenterInstruction(Instruction):
    """Somebody's own instruction; 'data' follows the experimenter's number as it is."""

    experimenter: int
    data: bytes = b""


def _layout(
    of: type[Instruction], number: int, *columns: Column | Tail
) -> tuple[type[Any], Codec[Any]]:
    return of, Layout(of, kind(number), size16(), *columns, error=Error.BAD_INSTRUCTION_BAD_LEN)


class _ActionList:
    """The actions inside an instruction; what ends too early is then the action's fault."""

    def pack(self, value: tuple[Action, ...]) -> bytes:
        return ACTIONS.pack(value)

    def unpack(self, reader: Reader) -> tuple[Action, ...]:
        return ACTIONS.unpack(reader.part(reader.left, Error.BAD_ACTION_BAD_LEN))


_ACTION_LIST = _ActionList()

INSTRUCTION: Codec[Instruction] = Choice(
    {
        1: _layout(GotoTable, 1, u8("table"), pad(3)),
        2: _layout(WriteMetadata, 2, pad(4), u64("value"), u64("mask")),
        3: _layout(WriteActions, 3, pad(4), Tail("actions", _ACTION_LIST)),
        4: _layout(ApplyActions, 4, pad(4), Tail("actions", _ACTION_LIST)),
        5: _layout(ClearActions, 5, pad(4)),
        6: _layout(Meter, 6, u32("meter")),
        0xFFFF: _layout(ExperimenterInstruction, 0xFFFF, u32("experimenter"), Tail("data", Rest())),
    },
    Error.BAD_INSTRUCTION_UNKNOWN_INST,
)
INSTRUCTIONS: Codec[tuple[Instruction, ...]] = Many(INSTRUCTION)


def pack_instructions(instructions: tuple[Instruction, ...]) -> bytes:
    """The instructions' bytes, one after the other; ValueError for a value that doesn't fit."""
    return INSTRUCTIONS.pack(instructions)


def unpack_instructions(data: bytes) -> tuple[Instruction, ...]:
    """The instructions in 'data', which holds nothing else; ProtocolProblem otherwise."""
    return INSTRUCTIONS.unpack(Reader(data, Error.BAD_INSTRUCTION_BAD_LEN))
