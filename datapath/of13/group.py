"""How groups lie in bytes (OpenFlow 1.3.5: 7.3.4.2, 7.3.5.9, 7.3.5.10)."""

from __future__ import annotations

from dataclasses import dataclass

from datapath.group import Bucket, BucketStats, GroupCommand, GroupDesc, GroupStats, GroupType
from datapath.layout import Column, Layout, Many, Tail, enum, pad, size16, u16, u32, u64
from datapath.of13.action import ACTION_LIST
from datapath.problems import Error
from datapath.wire import message

_GROUP_MOD_TYPE = 15


@dataclass(frozen=True, slots=True)
class _GroupModBody:
    """What an OFPT_GROUP_MOD says behind its header."""

    command: GroupCommand
    type: GroupType
    group: int
    buckets: tuple[Bucket, ...]


_BUCKET = Layout(
    Bucket,
    size16(),
    u16("weight"),
    u32("watch_port"),
    u32("watch_group"),
    pad(4),
    Tail("actions", ACTION_LIST),
    error=Error.GROUP_MOD_FAILED_BAD_BUCKET,
)
_TYPE = enum("type", "B", GroupType, Error.GROUP_MOD_FAILED_BAD_TYPE)

GROUP_MOD: tuple[Column | Tail, ...] = (
    enum("command", "H", GroupCommand, Error.GROUP_MOD_FAILED_BAD_COMMAND),
    _TYPE,
    pad(1),
    u32("group"),
    Tail("buckets", Many(_BUCKET)),
)
"""The columns behind the header of an OFPT_GROUP_MOD, for any class with these attributes."""
_GROUP_MOD: Layout[_GroupModBody] = Layout(_GroupModBody, *GROUP_MOD)

GROUP_DESC: Layout[GroupDesc] = Layout(
    GroupDesc, size16(), _TYPE, pad(1), u32("group"), Tail("buckets", Many(_BUCKET))
)
"""ofp_group_desc: one group within a multipart reply."""

GROUP_STATS: Layout[GroupStats] = Layout(
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
"""ofp_group_stats: one group within a multipart reply."""


def group_mod(group: GroupDesc, command: GroupCommand = GroupCommand.ADD, xid: int = 0) -> bytes:
    """The whole OFPT_GROUP_MOD message; ValueError for a value that doesn't fit, TooLong if all of
    them together don't."""
    body = _GROUP_MOD.pack(_GroupModBody(command, group.type, group.group, group.buckets))
    return message("a group-mod", _GROUP_MOD_TYPE, body, xid)
