"""Actions: what is done to a packet, as a model and as OpenFlow 1.3 bytes.

One dataclass an action, one line in the table `_LAYOUTS` for its bytes
(OpenFlow 1.3.5, section 7.2.5).  `pack_actions` and `unpack_actions` are the
way in and out; text is the business of `datapath.action_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datapath.fields import Field
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
    u16,
    u32,
)
from datapath.oxm import Term, unpack_term
from datapath.problems import Error, ProtocolProblem
from datapath.wire import Codec, Reader, padding

NO_BUFFER = 0xFFFF
"""A max_len that sends the whole packet to the controller (OFPCML_NO_BUFFER)."""


class Action:
    """Something done to a packet; each kind is a frozen dataclass below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Output(Action):
    """Send out of 'port'; 'max_len' bytes at most when that is the controller."""

    port: int
    max_len: int = 0


@dataclass(frozen=True, slots=True)
class CopyTtlOut(Action):
    """Copy the TTL outwards, from the second-outermost header."""


@dataclass(frozen=True, slots=True)
class CopyTtlIn(Action):
    """Copy the TTL inwards, to the second-outermost header."""


@dataclass(frozen=True, slots=True)
class SetMplsTtl(Action):
    ttl: int


@dataclass(frozen=True, slots=True)
class DecMplsTtl(Action):
    """Decrement the outermost MPLS TTL."""


@dataclass(frozen=True, slots=True)
class PushVlan(Action):
    ethertype: int


@dataclass(frozen=True, slots=True)
class PopVlan(Action):
    """Remove the outermost VLAN tag."""


@dataclass(frozen=True, slots=True)
class PushMpls(Action):
    ethertype: int


@dataclass(frozen=True, slots=True)
class PopMpls(Action):
    """Remove the outermost MPLS label; 'ethertype' says what is below."""

    ethertype: int


@dataclass(frozen=True, slots=True)
class SetQueue(Action):
    queue: int


@dataclass(frozen=True, slots=True)
class Group(Action):
    group: int


@dataclass(frozen=True, slots=True)
class SetNwTtl(Action):
    ttl: int


@dataclass(frozen=True, slots=True)
class DecNwTtl(Action):
    """Decrement the IP TTL or hop limit."""


@dataclass(frozen=True, slots=True)
class SetField(Action):
    field: Field
    value: int


@dataclass(frozen=True, slots=True)
class PushPbb(Action):
    ethertype: int


@dataclass(frozen=True, slots=True)
class PopPbb(Action):
    """Remove the outermost PBB service tag."""


@dataclass(frozen=True, slots=True)
class ExperimenterAction(Action):
    """Somebody's own action; 'data' follows the experimenter's number as it is."""

    experimenter: int
    data: bytes = b""


class _SetFieldCodec:
    """ofp_action_set_field: one OXM TLV without a mask, padded within the action."""

    NUMBER = 25
    HEAD = 4

    def pack(self, value: SetField) -> bytes:
        body = Term(value.field, value.value).pack()
        body += padding(self.HEAD + len(body))
        return self.NUMBER.to_bytes(2) + (self.HEAD + len(body)).to_bytes(2) + body

    def unpack(self, reader: Reader) -> SetField:
        size = reader.u16(2)
        if size < 2 * self.HEAD or size % 8 or size > reader.left:
            raise ProtocolProblem(Error.BAD_ACTION_BAD_LEN, f"a set_field of {size} bytes")
        body = reader.part(size, Error.BAD_ACTION_BAD_SET_LEN)
        body.take(self.HEAD)
        term = _set_term(body)
        if body.left >= 8:
            raise body.problem(f"{body.left} bytes after the field")
        return SetField(term.field, term.value)


def _set_term(body: Reader) -> Term:
    try:
        term = unpack_term(body)
    except ProtocolProblem as problem:
        if problem.error is Error.BAD_MATCH_BAD_FIELD:
            raise ProtocolProblem(Error.BAD_ACTION_BAD_SET_TYPE, problem.why) from None
        raise
    if term.mask is not None:
        raise ProtocolProblem(Error.BAD_ACTION_BAD_SET_TYPE, f"{term.field.name} with a mask")
    return term


def _layout(of: type[Action], number: int, *columns: Column | Tail) -> tuple[type[Any], Codec[Any]]:
    return of, Layout(of, kind(number), size16(), *columns, error=Error.BAD_ACTION_BAD_LEN)


_TABLE: dict[int, tuple[type[Any], Codec[Any]]] = {
    0: _layout(Output, 0, u32("port"), u16("max_len"), pad(6)),
    11: _layout(CopyTtlOut, 11, pad(4)),
    12: _layout(CopyTtlIn, 12, pad(4)),
    15: _layout(SetMplsTtl, 15, u8("ttl"), pad(3)),
    16: _layout(DecMplsTtl, 16, pad(4)),
    17: _layout(PushVlan, 17, u16("ethertype"), pad(2)),
    18: _layout(PopVlan, 18, pad(4)),
    19: _layout(PushMpls, 19, u16("ethertype"), pad(2)),
    20: _layout(PopMpls, 20, u16("ethertype"), pad(2)),
    21: _layout(SetQueue, 21, u32("queue")),
    22: _layout(Group, 22, u32("group")),
    23: _layout(SetNwTtl, 23, u8("ttl"), pad(3)),
    24: _layout(DecNwTtl, 24, pad(4)),
    25: (SetField, _SetFieldCodec()),
    26: _layout(PushPbb, 26, u16("ethertype"), pad(2)),
    27: _layout(PopPbb, 27, pad(4)),
    0xFFFF: _layout(ExperimenterAction, 0xFFFF, u32("experimenter"), Tail("data", Rest())),
}

ACTION: Codec[Action] = Choice(_TABLE, Error.BAD_ACTION_BAD_TYPE)
ACTIONS: Codec[tuple[Action, ...]] = Many(ACTION)


def pack_actions(actions: tuple[Action, ...]) -> bytes:
    """The actions' bytes, one after the other; ValueError for a value that doesn't fit."""
    return ACTIONS.pack(actions)


def unpack_actions(data: bytes) -> tuple[Action, ...]:
    """The actions in 'data', which holds nothing else; ProtocolProblem otherwise."""
    return ACTIONS.unpack(Reader(data, Error.BAD_ACTION_BAD_LEN))
