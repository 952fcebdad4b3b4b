"""Messages about groups: lists of buckets of actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from datapath.action import Action
from datapath.ports import Reserved
from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest

ALL_GROUPS = 0xFFFFFFFC
ANY_GROUP = 0xFFFFFFFF


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


class GroupCapabilities(IntFlag):
    """What a switch can do with groups (ofp_group_capabilities)."""

    NONE = 0
    SELECT_WEIGHT = 1
    SELECT_LIVENESS = 2
    CHAINING = 4
    CHAINING_CHECKS = 8


@dataclass(frozen=True, slots=True)
class Bucket:
    """Actions on a copy of the packet; 'watch_...': only while that port or group lives."""

    actions: tuple[Action, ...] = ()
    weight: int = 0
    watch_port: int = Reserved.ANY
    watch_group: int = ANY_GROUP


@dataclass(frozen=True, slots=True)
class GroupMod(Message):
    command: GroupCommand
    type: GroupType
    group: int
    buckets: tuple[Bucket, ...] = ()


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
class GroupStatsRequest(MultipartRequest):
    group: int = ALL_GROUPS


@dataclass(frozen=True, slots=True)
class GroupStatsReply(MultipartReply):
    groups: tuple[GroupStats, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupDesc:
    type: GroupType
    group: int
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupDescRequest(MultipartRequest):
    """Which groups are there?"""


@dataclass(frozen=True, slots=True)
class GroupDescReply(MultipartReply):
    groups: tuple[GroupDesc, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupFeaturesRequest(MultipartRequest):
    """What can you do with groups?"""


@dataclass(frozen=True, slots=True)
class GroupFeaturesReply(MultipartReply):
    """Bit n of 'types': groups of type n.

    The others are per type, in the order of GroupType: how many groups, and a bit for
    each type of action that their buckets take.
    """

    types: int = 0
    capabilities: GroupCapabilities = GroupCapabilities.NONE
    max_groups: tuple[int, int, int, int] = (0, 0, 0, 0)
    actions: tuple[int, int, int, int] = (0, 0, 0, 0)
