"""How instructions lie in bytes: one line of a table each (OpenFlow 1.3.5, section 7.2.4).

`pack_instructions` and `unpack_instructions` are the way in and out.
"""

from __future__ import annotations

from typing import Any

from datapath.instruction import (
    ApplyActions,
    ClearActions,
    ExperimenterInstruction,
    GotoTable,
    Instruction,
    Meter,
    WriteActions,
    WriteMetadata,
)
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
from datapath.of13.action import ACTION_LIST
from datapath.problems import Error
from datapath.wire import Codec, Reader


def _layout(
    of: type[Instruction], number: int, *columns: Column | Tail
) -> tuple[type[Any], Codec[Any]]:
    return of, Layout(of, kind(number), size16(), *columns, error=Error.BAD_INSTRUCTION_BAD_LEN)


INSTRUCTION: Codec[Instruction] = Choice(
    {
        1: _layout(GotoTable, 1, u8("table"), pad(3)),
        2: _layout(WriteMetadata, 2, pad(4), u64("value"), u64("mask")),
        3: _layout(WriteActions, 3, pad(4), Tail("actions", ACTION_LIST)),
        4: _layout(ApplyActions, 4, pad(4), Tail("actions", ACTION_LIST)),
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
