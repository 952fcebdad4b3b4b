"""group.add, group.mod, group.list, group.rm: words to group-mods and statistics back to words."""

from __future__ import annotations

from typing import Any

from datapath.action_text import format_action_list
from datapath.group import (
    ALL_GROUPS,
    ANY_GROUP,
    Bucket,
    BucketStats,
    GroupCommand,
    GroupDesc,
    GroupStats,
)
from datapath.group_text import format_group, parse_group
from datapath.of13.group import group_mod
from datapath.ports import PortNames, Reserved
from vswitch.daemon.methods.numbered import Numbered, methods
from vswitch.openflow.messages import group as messages


def _row(group: GroupDesc, counted: GroupStats | None, ports: PortNames) -> dict[str, Any]:
    stats = counted or GroupStats(group.group)
    buckets = [*stats.buckets, *[BucketStats()] * len(group.buckets)]
    return {
        "group": group.group,
        "type": group.type.name.lower(),
        "references": stats.references,
        "packets": stats.packets,
        "bytes": stats.bytes,
        "duration": stats.duration_sec + stats.duration_nsec / 1e9,
        "buckets": [
            _bucket_row(bucket, stats, ports)
            for bucket, stats in zip(group.buckets, buckets, strict=False)
        ],
        "text": format_group(group, ports),
    }


def _bucket_row(bucket: Bucket, stats: BucketStats, ports: PortNames) -> dict[str, Any]:
    return {
        "weight": bucket.weight,
        "watch_port": None if bucket.watch_port == Reserved.ANY else bucket.watch_port,
        "watch_group": None if bucket.watch_group == ANY_GROUP else bucket.watch_group,
        "actions": format_action_list(bucket.actions, ports),
        "packets": stats.packets,
        "bytes": stats.bytes,
    }


GROUPS: Numbered[GroupDesc, GroupStats] = Numbered(
    noun="group",
    every=ALL_GROUPS,
    commands=GroupCommand,
    parse=parse_group,
    mod=group_mod,
    descriptions=messages.GroupDescRequest(xid=1),
    statistics=messages.GroupStatsRequest(xid=2),
    described=lambda one: one.groups if isinstance(one, messages.GroupDescReply) else (),
    counted=lambda one: one.groups if isinstance(one, messages.GroupStatsReply) else (),
    row=_row,
)

METHODS = methods(GROUPS)
