"""group.add, group.mod, group.list, group.rm: words to group-mods and statistics back to words."""

from __future__ import annotations

from typing import Any

from datapath.action_text import format_action_list
from datapath.group import ALL_GROUPS, ANY_GROUP, BucketStats, GroupCommand, GroupDesc, GroupStats
from datapath.group_text import format_group, parse_group
from datapath.ports import NAMELESS, PortNames, Reserved
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.door import ask, refuse_errors, understood
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.methods.finding import live_bridge, port_names
from vswitch.errors import Exit, Failure, shown
from vswitch.openflow import encode
from vswitch.openflow.messages import group as gr
from vswitch.openflow.messages.base import Message


async def add(daemon: Daemon, bridge: str, group: str) -> None:
    await _mod(daemon, bridge, group, GroupCommand.ADD)


async def modify(daemon: Daemon, bridge: str, group: str) -> None:
    await _mod(daemon, bridge, group, GroupCommand.MODIFY)


async def _mod(daemon: Daemon, bridge: str, text: str, command: GroupCommand) -> None:
    live = live_bridge(daemon, bridge)
    with understood("group"):
        message = _parsed(text, command, port_names(daemon, live)).to_group_mod(command, xid=1)
    refuse_errors(f"group {shown(text)}", await ask(daemon, live, [message]))


async def remove(daemon: Daemon, bridge: str, group: str = "") -> None:
    """One group, which has to be there, or all."""
    live = live_bridge(daemon, bridge)
    which = _parsed(group, GroupCommand.DELETE)
    message = which.to_group_mod(GroupCommand.DELETE, xid=2)
    answers = await ask(daemon, live, [encode(gr.GroupDescRequest(xid=1)), message])
    refuse_errors(f"group {shown(group)}", answers)
    _chosen(answers, which.group)


async def list_(
    daemon: Daemon, bridge: str, group: str = "", names: bool = False
) -> list[dict[str, Any]]:
    """Groups with counters, by number; 'names': with their ports' names where they have any."""
    live = live_bridge(daemon, bridge)
    ports = port_names(daemon, live) if names else NAMELESS
    which = _parsed(group, GroupCommand.DELETE)
    asked = (gr.GroupDescRequest(xid=1), gr.GroupStatsRequest(xid=2))
    answers = await ask(daemon, live, map(encode, asked))
    refuse_errors("groups", answers)
    replies = (answer for answer in answers if isinstance(answer, gr.GroupStatsReply))
    stats = {one.group: one for reply in replies for one in reply.groups}
    found = _chosen(answers, which.group)
    return [_row(one, stats.get(one.group, GroupStats(one.group)), ports) for one in found]


async def descriptions(daemon: Daemon, live: LiveBridge) -> dict[int, GroupDesc]:
    """A bridge's groups by number."""
    answers = await ask(daemon, live, [encode(gr.GroupDescRequest(xid=1))])
    refuse_errors("groups", answers)
    return {one.group: one for one in _chosen(answers, ALL_GROUPS)}


def _parsed(text: str, command: GroupCommand, ports: PortNames = NAMELESS) -> GroupDesc:
    with understood("group"):
        return parse_group(text, command, ports)


def _chosen(answers: list[Message], which: int) -> list[GroupDesc]:
    """The groups by number, or one of them; Failure (exit 3) if that one is not there."""
    replies = (answer for answer in answers if isinstance(answer, gr.GroupDescReply))
    found = [one for r in replies for one in r.groups if which in (ALL_GROUPS, one.group)]
    if which != ALL_GROUPS and not found:
        do = "see `vswitch group ls`"
        raise Failure(f"group {which}", "there is none of that number", do, Exit.NOT_FOUND)
    return sorted(found, key=lambda one: one.group)


def _row(group: GroupDesc, stats: GroupStats, ports: PortNames) -> dict[str, Any]:
    counted = [*stats.buckets, *[BucketStats()] * len(group.buckets)]
    return {
        "group": group.group,
        "type": group.type.name.lower(),
        "references": stats.references,
        "packets": stats.packets,
        "bytes": stats.bytes,
        "duration": stats.duration_sec + stats.duration_nsec / 1e9,
        "buckets": [
            _bucket_row(bucket, stats, ports)
            for bucket, stats in zip(group.buckets, counted, strict=False)
        ],
        "text": format_group(group, ports),
    }


def _bucket_row(bucket: gr.Bucket, stats: BucketStats, ports: PortNames) -> dict[str, Any]:
    return {
        "weight": bucket.weight,
        "watch_port": None if bucket.watch_port == Reserved.ANY else bucket.watch_port,
        "watch_group": None if bucket.watch_group == ANY_GROUP else bucket.watch_group,
        "actions": format_action_list(bucket.actions, ports),
        "packets": stats.packets,
        "bytes": stats.bytes,
    }


METHODS = {"group.add": add, "group.mod": modify, "group.list": list_, "group.rm": remove}
