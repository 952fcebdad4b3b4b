"""Groups: buckets of actions and when each is carried out.

A group is a type and a list of buckets (OpenFlow 1.3.5, section 5.6).  `GroupDesc` is one group,
as it is made by an OFPT_GROUP_MOD (7.3.4.2) and told back by a group description (7.3.5.10);
`GroupStats` is how it fared (7.3.5.9).  Bytes are the business of `datapath.of13.group`, text of
`datapath.group_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from datapath.action import Action
from datapath.ports import Reserved

GROUP_MAX = 0xFFFFFF00
"""The largest number that a group may have."""
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


@dataclass(frozen=True, slots=True)
class BucketStats:
    """How a bucket of a group fared."""

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
