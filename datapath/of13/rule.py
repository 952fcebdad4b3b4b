"""How a rule lies in bytes: a flow-mod (OpenFlow 1.3.5, section 7.3.4.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from datapath.instruction import Instruction
from datapath.layout import Layout, Tail, enum, flags, pad, u8, u16, u32, u64
from datapath.of13.instruction import INSTRUCTIONS
from datapath.oxm import Match
from datapath.problems import Error, ProtocolProblem
from datapath.rule import NO_BUFFER, Flags, FlowCommand, Rule
from datapath.wire import Codec, Reader, message

_FLOW_MOD_TYPE = 14
_HEADER = struct.Struct("!BBHI")


@dataclass(frozen=True, slots=True)
class FlowModBody:
    """What an OFPT_FLOW_MOD says behind its header."""

    command: FlowCommand
    rule: Rule
    buffer_id: int = NO_BUFFER


class _MatchCodec:
    """The ofp_match within a message."""

    def pack(self, value: Match) -> bytes:
        return value.pack()

    def unpack(self, reader: Reader) -> Match:
        return Match.unpack(reader)


class _InstructionList:
    """The instructions at a value's end; what ends too early is then their fault."""

    def pack(self, value: tuple[Instruction, ...]) -> bytes:
        return INSTRUCTIONS.pack(value)

    def unpack(self, reader: Reader) -> tuple[Instruction, ...]:
        return INSTRUCTIONS.unpack(reader.part(reader.left, Error.BAD_INSTRUCTION_BAD_LEN))


MATCH: Codec[Match] = _MatchCodec()
INSTRUCTION_LIST: Codec[tuple[Instruction, ...]] = _InstructionList()

FLOW_MOD: Layout[FlowModBody] = Layout(
    FlowModBody,
    u64("rule.cookie"),
    u64("rule.cookie_mask"),
    u8("rule.table"),
    enum("command", "B", FlowCommand, Error.FLOW_MOD_FAILED_BAD_COMMAND),
    u16("rule.idle_timeout"),
    u16("rule.hard_timeout"),
    u16("rule.priority"),
    u32("buffer_id"),
    u32("rule.out_port"),
    u32("rule.out_group"),
    flags("rule.flags", "H", Flags),
    pad(2),
    Tail("rule.match", MATCH),
    Tail("rule.instructions", INSTRUCTION_LIST),
    parts={"rule": Rule},
)
"""What stands behind the header of an OFPT_FLOW_MOD."""


def flow_mod(rule: Rule, command: FlowCommand = FlowCommand.ADD, xid: int = 0) -> bytes:
    """The whole OFPT_FLOW_MOD message; TooLong if it is."""
    body = FLOW_MOD.pack(FlowModBody(command, rule))
    return message("a flow-mod", _FLOW_MOD_TYPE, body, xid)


def rule_in(data: bytes) -> Rule:
    """The rule in a whole OFPT_FLOW_MOD message; ProtocolProblem otherwise."""
    reader = Reader(data)
    version, kind, size, _ = reader.unpack(_HEADER)
    if (version, kind, size) != (4, _FLOW_MOD_TYPE, len(data)):
        raise ProtocolProblem(
            Error.BAD_REQUEST_BAD_TYPE, f"version {version}, type {kind}, {size} bytes", data
        )
    return FLOW_MOD.unpack(reader).rule
