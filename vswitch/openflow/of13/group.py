"""Layouts of messages about groups (OpenFlow 1.3.5: 7.3.4.2, 7.3.5.9 to 7.3.5.11)."""

from __future__ import annotations

import struct

from datapath.action import ACTIONS, Action
from datapath.layout import Column, Layout, Many, Tail, enum, flags, pad, size16, u16, u32, u64
from datapath.problems import Error
from datapath.wire import Reader
from vswitch.openflow.messages.group import (
    Bucket,
    BucketStats,
    GroupCapabilities,
    GroupCommand,
    GroupDesc,
    GroupDescReply,
    GroupDescRequest,
    GroupFeaturesReply,
    GroupFeaturesRequest,
    GroupMod,
    GroupStats,
    GroupStatsReply,
    GroupStatsRequest,
    GroupType,
)
from vswitch.openflow.of13.tables import Entries


class _BucketActions:
    """The actions of a bucket; what ends too early is then the action's fault."""

    def pack(self, value: tuple[Action, ...]) -> bytes:
        return ACTIONS.pack(value)

    def unpack(self, reader: Reader) -> tuple[Action, ...]:
        return ACTIONS.unpack(reader.part(reader.left, Error.BAD_ACTION_BAD_LEN))


def _four(attribute: str) -> Column:
    """Four numbers, one for each type of group."""
    words = struct.Struct("!4I")
    return Column(attribute, "16s", lambda value: words.pack(*value), words.unpack)


_BUCKET = Layout(
    Bucket,
    size16(),
    u16("weight"),
    u32("watch_port"),
    u32("watch_group"),
    pad(4),
    Tail("actions", _BucketActions()),
    error=Error.GROUP_MOD_FAILED_BAD_BUCKET,
)
_TYPE = enum("type", "B", GroupType, Error.GROUP_MOD_FAILED_BAD_TYPE)
_MOD = Layout(
    GroupMod,
    enum("command", "H", GroupCommand, Error.GROUP_MOD_FAILED_BAD_COMMAND),
    _TYPE,
    pad(1),
    u32("group"),
    Tail("buckets", Many(_BUCKET)),
)
_STATS = Layout(
    GroupStats,
    size16(),
    pad(2),
    u32("group"),
    u32("references"),
    pad(4),
    u64("packets"),
    u64("bytes"),
    u32("duration_sec"),
    u32("duration_nsec"),
    Tail("buckets", Many(Layout(BucketStats, u64("packets"), u64("bytes")))),
)
_DESC = Layout(GroupDesc, size16(), _TYPE, pad(1), u32("group"), Tail("buckets", Many(_BUCKET)))
_FEATURES = Layout(
    GroupFeaturesReply,
    u32("types"),
    flags("capabilities", "I", GroupCapabilities),
    _four("max_groups"),
    _four("actions"),
)

MESSAGES: Entries = {15: (GroupMod, _MOD)}
REQUESTS: Entries = {
    6: (GroupStatsRequest, Layout(GroupStatsRequest, u32("group"), pad(4))),
    7: (GroupDescRequest, Layout(GroupDescRequest)),
    8: (GroupFeaturesRequest, Layout(GroupFeaturesRequest)),
}
REPLIES: Entries = {
    6: (GroupStatsReply, Layout(GroupStatsReply, Tail("groups", Many(_STATS)))),
    7: (GroupDescReply, Layout(GroupDescReply, Tail("groups", Many(_DESC)))),
    8: (GroupFeaturesReply, _FEATURES),
}
