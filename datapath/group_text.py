"""Groups in ovs-ofctl's words: "group_id=1,type=select,bucket=weight:4,actions=output:1".

What stands before the first "bucket=" says which group and of which type; each bucket is its
weight and what it watches, then its actions, which may stand behind "actions=" or alone.  A bucket
of a select group weighs 1 unless it says otherwise.  Whether a group makes sense as a whole is for
the switch to judge, which has an OpenFlow error for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from datapath.action_text import format_action_list, parse_action_list
from datapath.group import (
    ALL_GROUPS,
    ANY_GROUP,
    GROUP_MAX,
    Bucket,
    GroupCommand,
    GroupDesc,
    GroupStats,
    GroupType,
)
from datapath.ports import NAMELESS, PortNames, Reserved
from datapath.problems import SyntaxProblem
from datapath.syntax import parse_number, split_words

_TYPES = {
    "all": GroupType.ALL,
    "select": GroupType.SELECT,
    "indirect": GroupType.INDIRECT,
    "ff": GroupType.FAST_FAILOVER,
    "fast_failover": GroupType.FAST_FAILOVER,
}
_TYPE_WORDS = {kind: word for word, kind in reversed(_TYPES.items())}
_BUCKET = re.compile(r"(?:^|[\s,])buckets?=")
_BUCKET_WORD = re.compile(r"(\w+)[:=](.*)", re.DOTALL)


def parse_group(
    text: str, command: GroupCommand = GroupCommand.ADD, ports: PortNames = NAMELESS
) -> GroupDesc:
    """The group that 'text' means, or for DELETE which one is meant ("" is all of them).

    'ports' has the names that a port may be told by.  SyntaxProblem names the word that is wrong.
    """
    head, *buckets = _BUCKET.split(text)
    values = _read_head(head)
    if command is GroupCommand.DELETE:
        refused = [*values.keys() - {"group"}, *(["bucket"] if buckets else [])]
        if refused:
            raise SyntaxProblem(refused[0], "a group is deleted by its number", "leave it out")
        return GroupDesc(GroupType.ALL, values.get("group", ALL_GROUPS))
    for name, word in (("group", "group_id=1"), ("type", "type=all")):
        if name not in values:
            raise SyntaxProblem(text, f"the group's {name} is missing", f"write {word}")
    if values["group"] == ALL_GROUPS:
        raise SyntaxProblem(head, "one group is made at a time", f"write 0 to {GROUP_MAX}")
    weight = 1 if values["type"] is GroupType.SELECT else 0
    read = tuple(_parse_bucket(one, weight, ports) for one in buckets)
    return GroupDesc(**values, buckets=read)


def _read_head(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for word in split_words(text):
        key, _, value = word.partition("=")
        if key not in _HEAD:
            raise SyntaxProblem(
                word, "no group has this in OpenFlow 1.3", "write group_id, type and buckets"
            )
        name, read = _HEAD[key]
        if name in values:
            raise SyntaxProblem(word, "it is said twice", "write it once")
        values[name] = read(value, word)
    return values


def _group_id(value: str, word: str) -> int:
    if value.lower() == "all":
        return ALL_GROUPS
    number = parse_number(value, 32, word)
    if number > GROUP_MAX:
        raise SyntaxProblem(word, "no group can have this number", f"write 0 to {GROUP_MAX}")
    return number


def _group_type(value: str, word: str) -> GroupType:
    if value not in _TYPES:
        raise SyntaxProblem(word, "no group has this type", f"write one of {', '.join(_TYPES)}")
    return _TYPES[value]


_HEAD: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "group_id": ("group", _group_id),
    "type": ("type", _group_type),
}


def _parse_bucket(text: str, weight: int, ports: PortNames) -> Bucket:
    """One bucket; the words that are not its own are actions."""
    values: dict[str, Any] = {"weight": weight}
    actions = []
    for word in split_words(text):
        found = _BUCKET_WORD.fullmatch(word)
        key, value = (found[1].lower(), found[2]) if found else ("", "")
        if key in _BUCKET_READERS:
            values[key] = _BUCKET_READERS[key](value, word, ports)
        elif key == "actions":
            actions.append(value)
        elif key != "bucket_id":  # OpenFlow 1.5 tells it in dumps, 1.3 has nowhere to put it
            actions.append(word)
    return Bucket(parse_action_list(",".join(actions), None, ports), **values)


_BUCKET_READERS: dict[str, Callable[[str, str, PortNames], int]] = {
    "weight": lambda value, word, _: parse_number(value, 16, word),
    "watch_port": lambda value, word, ports: ports.read(value, word),
    "watch_group": lambda value, word, _: _group_id(value, word),
}


def format_group(group: GroupDesc, ports: PortNames = NAMELESS) -> str:
    """The group as a line of `ovs-ofctl dump-groups`; parse_group reads it back."""
    default = 1 if group.type is GroupType.SELECT else 0
    words = [f"group_id={group.group}", f"type={_TYPE_WORDS[group.type]}"]
    words += [f"bucket={_format_bucket(bucket, default, ports)}" for bucket in group.buckets]
    return ",".join(words)


def _format_bucket(bucket: Bucket, default: int, ports: PortNames) -> str:
    words = [f"weight:{bucket.weight}"] if bucket.weight != default else []
    if bucket.watch_port != Reserved.ANY:
        words.append(f"watch_port:{ports.write(bucket.watch_port)}")
    if bucket.watch_group != ANY_GROUP:
        words.append(f"watch_group:{bucket.watch_group}")
    return ",".join([*words, f"actions={format_action_list(bucket.actions, ports)}"])


def format_group_stats(stats: GroupStats) -> str:
    """How a group fared, as a line of `ovs-ofctl dump-group-stats`."""
    fraction = f".{stats.duration_nsec // 1_000_000:03d}" if stats.duration_nsec else ""
    words = [
        f"group_id={stats.group}",
        f"duration={stats.duration_sec}{fraction}s",
        f"ref_count={stats.references}",
        f"packet_count={stats.packets}",
        f"byte_count={stats.bytes}",
    ]
    words += [
        f"bucket{number}:packet_count={bucket.packets},byte_count={bucket.bytes}"
        for number, bucket in enumerate(stats.buckets)
    ]
    return ",".join(words)
