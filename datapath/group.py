"""Groups: buckets of actions and when each is carried out, as a model and as OpenFlow 1.3 bytes.

A group is a type and a list of buckets (OpenFlow 1.3.5, section 5.6).  `GroupDesc` is one group,
as it is made by an OFPT_GROUP_MOD (7.3.4.2) and told back by a group description (7.3.5.10);
`GroupStats` is how it fared (7.3.5.9).  Text is the business of `datapath.group_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from datapath.action import ACTIONS, Action
from datapath.layout import Column, Layout, Many, Tail, enum, pad, size16, u16, u32, u64
from datapath.ports import Reserved
from datapath.problems import Error
from datapath.wire import Reader, message

GROUP_MAX = 0xFFFFFF00
"""The largest number that a group may have."""
ALL_GROUPS = 0xFFFFFFFC
ANY_GROUP = 0xFFFFFFFF

_GROUP_MOD_TYPE = 15


class GroupCommand(IntEnum):
    """What a group-mod does (ofp_group_mod_command)."""

    ADD = 0
    MODIFY = 1
    DELETE = 2


class GroupType(IntEnum):
    """Which buckets of a group are carried out (ofp_group_type)."""

    ALL = 0
    SELECT = 1
    INDIRECT = 2
    FAST_FAILOVER = 3


@dataclass(frozen=True, slots=True)
class Bucket:
    """Actions on a copy of the packet; 'watch_...': only while that port or group lives."""

    actions: tuple[Action, ...] = ()
    weight: int = 0
    watch_port: int = Reserved.ANY
    watch_group: int = ANY_GROUP


@dataclass(frozen=True, slots=True)
class GroupDesc:
    """One group; for a deletion only its number counts, which may be ALL_GROUPS."""

    type: GroupType
    group: int
    buckets: tuple[Bucket, ...] = ()

    def to_group_mod(self, command: GroupCommand = GroupCommand.ADD, xid: int = 0) -> bytes:
        """The whole OFPT_GROUP_MOD message; ValueError for a value that doesn't fit, TooLong if all
        of them together don't."""
        body = _GROUP_MOD.pack(_GroupModBody(command, self.type, self.group, self.buckets))
        return message("a group-mod", _GROUP_MOD_TYPE, body, xid)


@dataclass(frozen=True, slots=True)
class BucketStats:
    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class GroupStats:
    """How a group fared; 'references': rules and groups that use it."""

    group: int
    references: int = 0
    packets: int = 0
    bytes: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0
    buckets: tuple[BucketStats, ...] = ()


@dataclass(frozen=True, slots=True)
class _GroupModBody:
    """What an OFPT_GROUP_MOD says behind its header."""

    command: GroupCommand
    type: GroupType
    group: int
    buckets: tuple[Bucket, ...]


class _BucketActions:
    """The actions of a bucket; what ends too early is then the action's fault."""

    def pack(self, value: tuple[Action, ...]) -> bytes:
        return ACTIONS.pack(value)

    def unpack(self, reader: Reader) -> tuple[Action, ...]:
        return ACTIONS.unpack(reader.part(reader.left, Error.BAD_ACTION_BAD_LEN))


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
