"""Layouts of messages about rules (OpenFlow 1.3.5: 7.3.4.1, 7.3.5.2, 7.3.5.3, 7.4.2)."""

from __future__ import annotations

from datapath.layout import Layout, Many, Tail, enum, flags, pad, size16, u8, u16, u32, u64
from datapath.of13.rule import FLOW_MOD, INSTRUCTION_LIST, MATCH, FlowModBody
from datapath.problems import Error
from datapath.rule import Flags, Rule
from datapath.wire import Reader
from vswitch.openflow.messages.flow import (
    AggregateReply,
    AggregateRequest,
    FlowMod,
    FlowRemoved,
    FlowRemovedReason,
    FlowStats,
    FlowStatsReply,
    FlowStatsRequest,
)
from vswitch.openflow.of13.tables import Entries


class _FlowModCodec:
    """`datapath.rule` knows how a flow-mod lies in bytes."""

    def pack(self, value: FlowMod) -> bytes:
        return FLOW_MOD.pack(FlowModBody(value.command, value.rule, value.buffer_id))

    def unpack(self, reader: Reader) -> FlowMod:
        body = FLOW_MOD.unpack(reader)
        return FlowMod(body.command, body.rule, body.buffer_id)


_REMOVED = Layout(
    FlowRemoved,
    u64("rule.cookie"),
    u16("rule.priority"),
    enum("reason", "B", FlowRemovedReason, Error.BAD_REQUEST_BAD_TYPE),
    u8("rule.table"),
    u32("duration_sec"),
    u32("duration_nsec"),
    u16("rule.idle_timeout"),
    u16("rule.hard_timeout"),
    u64("packets"),
    u64("bytes"),
    Tail("rule.match", MATCH),
    parts={"rule": Rule},
)
_WHICH = (
    u8("which.table"),
    pad(3),
    u32("which.out_port"),
    u32("which.out_group"),
    pad(4),
    u64("which.cookie"),
    u64("which.cookie_mask"),
    Tail("which.match", MATCH),
)
_STATS = Layout(
    FlowStats,
    size16(),
    u8("rule.table"),
    pad(1),
    u32("duration_sec"),
    u32("duration_nsec"),
    u16("rule.priority"),
    u16("rule.idle_timeout"),
    u16("rule.hard_timeout"),
    flags("rule.flags", "H", Flags),
    pad(4),
    u64("rule.cookie"),
    u64("packets"),
    u64("bytes"),
    Tail("rule.match", MATCH),
    Tail("rule.instructions", INSTRUCTION_LIST),
    parts={"rule": Rule},
)

MESSAGES: Entries = {
    11: (FlowRemoved, _REMOVED),
    14: (FlowMod, _FlowModCodec()),
}
REQUESTS: Entries = {
    1: (FlowStatsRequest, Layout(FlowStatsRequest, *_WHICH, parts={"which": Rule})),
    2: (AggregateRequest, Layout(AggregateRequest, *_WHICH, parts={"which": Rule})),
}
REPLIES: Entries = {
    1: (FlowStatsReply, Layout(FlowStatsReply, Tail("flows", Many(_STATS)))),
    2: (AggregateReply, Layout(AggregateReply, u64("packets"), u64("bytes"), u32("flows"), pad(4))),
}
