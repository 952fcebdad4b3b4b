"""Messages about groups; what a group is stands in `datapath.group`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from datapath.group import (
    ALL_GROUPS,
    ANY_GROUP,
    Bucket,
    BucketStats,
    GroupCommand,
    GroupDesc,
    GroupStats,
    GroupType,
)
from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest

__all__ = [
    "ALL_GROUPS",
    "ANY_GROUP",
    "Bucket",
    "BucketStats",
    "GroupCapabilities",
    "GroupCommand",
    "GroupDesc",
    "GroupDescReply",
    "GroupDescRequest",
    "GroupFeaturesReply",
    "GroupFeaturesRequest",
    "GroupMod",
    "GroupStats",
    "GroupStatsReply",
    "GroupStatsRequest",
    "GroupType",
]

class GroupCapabilities(IntFlag):
    """What a switch can do with groups (ofp_group_capabilities)."""

    NONE = 0
    SELECT_WEIGHT = 1
    SELECT_LIVENESS = 2
    CHAINING = 4
    CHAINING_CHECKS = 8


@dataclass(frozen=True, slots=True)
class GroupMod(Message):
    """Add, change or delete a group; to delete, only its number counts, which may be ALL_GROUPS."""

    command: GroupCommand
    type: GroupType
    group: int
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupStatsRequest(MultipartRequest):
    """How does a group fare, or do all?"""

    group: int = ALL_GROUPS


@dataclass(frozen=True, slots=True)
class GroupStatsReply(MultipartReply):
    """Groups and how they fared."""

    groups: tuple[GroupStats, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupDescRequest(MultipartRequest):
    """Which groups are there?"""


@dataclass(frozen=True, slots=True)
class GroupDescReply(MultipartReply):
    """Groups and their buckets."""

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
