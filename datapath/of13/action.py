"""How actions lie in bytes: one line of a table each (OpenFlow 1.3.5, section 7.2.5).

`pack_actions` and `unpack_actions` are the way in and out.
"""

from __future__ import annotations

from typing import Any

from datapath.action import (
    Action,
    CopyTtlIn,
    CopyTtlOut,
    DecMplsTtl,
    DecNwTtl,
    ExperimenterAction,
    Group,
    Output,
    PopMpls,
    PopPbb,
    PopVlan,
    PushMpls,
    PushPbb,
    PushVlan,
    SetField,
    SetMplsTtl,
    SetNwTtl,
    SetQueue,
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
    u16,
    u32,
)
from datapath.oxm import Term, unpack_term
from datapath.problems import Error, ProtocolProblem
from datapath.wire import Codec, Reader, padding


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


class _ActionList:
    """Actions at a value's end; what ends too early is then the action's fault."""

    def pack(self, value: tuple[Action, ...]) -> bytes:
        return ACTIONS.pack(value)

    def unpack(self, reader: Reader) -> tuple[Action, ...]:
        return ACTIONS.unpack(reader.part(reader.left, Error.BAD_ACTION_BAD_LEN))


ACTION_LIST: Codec[tuple[Action, ...]] = _ActionList()
"""The actions of an instruction or a bucket."""


def pack_actions(actions: tuple[Action, ...]) -> bytes:
    """The actions' bytes, one after the other; ValueError for a value that doesn't fit."""
    return ACTIONS.pack(actions)


def unpack_actions(data: bytes) -> tuple[Action, ...]:
    """The actions in 'data', which holds nothing else; ProtocolProblem otherwise."""
    return ACTIONS.unpack(Reader(data, Error.BAD_ACTION_BAD_LEN))
