"""A trace in plain words: what the switch did with a packet, step by step, and what came of it.

    table 0: rule priority 10 in_port=1 -> goto table 1
    no rule in table 1: dropped (table-miss)
    leaves by port 2 (veth1) unchanged

Pure: from the forwarder's steps to the operator API's answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from datapath.action_text import format_action_list
from datapath.frames import DROPS, TraceKind, TraceStep
from datapath.group import GroupDesc, GroupType
from datapath.instruction_text import format_instructions
from datapath.match_text import format_match
from datapath.of13.action import unpack_actions
from datapath.of13.instruction import unpack_instructions
from datapath.oxm import Match
from datapath.ports import NAMELESS, PortNames, format_port
from datapath.wire import Reader
from vswitch.schema import Queue
from vswitch.values import rate_text

REASONS = ("no match", "an action", "its TTL ran out")
"""Packet-in reasons in words (OpenFlow 1.3.5, 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What a trace is about: the frame as it came in, and names of ports by number."""

    frame: bytes
    in_port: int
    names: Mapping[int, str]
    groups: Mapping[int, GroupDesc] = field(default_factory=dict)
    """The bridge's groups by number, as far as they are known."""
    queues: Mapping[tuple[int, int], Queue] = field(default_factory=dict)
    """The queues of the bridge's ports, by the port's number and their own."""
    silent: Container[int] = ()
    """The bridge's ports that send nothing now: their link is down, or they are told not to."""
    ports: PortNames = NAMELESS
    """How ports are written in matches and actions."""

    def port(self, number: int) -> str:
        """A port by its number and, where it has one, its name."""
        name, word = self.names.get(number), format_port(number)
        return f"port {word} ({name})" if name else f"port {word}"


def explain(packet: Packet, steps: list[TraceStep]) -> dict[str, Any]:
    """{steps: [{kind, text, ...}], verdict, outputs: [{port, name, changed, packet}]}."""
    rows = [_EXPLAINERS[step.kind](packet, step) for step in steps]
    told = [row for row in rows if row]
    ends = [row for row in told if row["kind"] in ("output", "controller", "drop")]
    outputs = [
        {key: row[key] for key in ("port", "name", "changed", "packet")}
        for row in told
        if row["kind"] == "output"
    ]
    verdict = "; ".join(row["text"] for row in ends) or "dropped: no port to leave by"
    return {"steps": told, "verdict": verdict, "outputs": outputs}


Row = dict[str, Any] | None


def _rule(packet: Packet, step: TraceStep) -> Row:
    rule = step.rule()
    match = format_match(Match.unpack(Reader(rule.match)), packet.ports) or "any packet"
    actions = format_instructions(unpack_instructions(rule.instructions), packet.ports)
    words = actions.replace("goto_table:", "goto table ")
    text = f"table {rule.table}: rule priority {rule.priority} {match} -> {words}"
    return {
        "kind": "rule", "text": text, "table": rule.table, "priority": rule.priority,
        "cookie": rule.cookie, "match": match, "actions": actions,
    }  # fmt: skip


def _miss(packet: Packet, step: TraceStep) -> Row:
    text = f"no rule in table {step.number} fits"
    return {"kind": "miss", "text": text, "table": step.number}


def _actions(packet: Packet, step: TraceStep) -> Row:
    if not step.body:
        return None
    actions = format_action_list(unpack_actions(step.body), packet.ports)
    return {"kind": "actions", "text": f"in all: {actions}", "actions": actions}


def _output(packet: Packet, step: TraceStep) -> Row:
    if step.number in packet.silent:
        text = f"{packet.port(step.number)} is down or sends nothing: dropped (output-down)"
        named = {"port": step.number, "name": packet.names.get(step.number)}
        return {"kind": "drop", "text": text, "reason": "output-down", **named}
    changed = changes(packet.frame, step.body)
    how = f"with {', '.join(changed)} rewritten" if changed else "unchanged"
    return {
        "kind": "output", "text": f"leaves by {packet.port(step.number)} {how}",
        "port": step.number, "name": packet.names.get(step.number),
        "changed": changed, "packet": step.body.hex(),
    }  # fmt: skip


def _controller(packet: Packet, step: TraceStep) -> Row:
    reason = REASONS[step.number] if step.number < len(REASONS) else f"reason {step.number}"
    text = f"goes to the controller because of {reason}"
    return {"kind": "controller", "text": text, "reason": reason, "packet": step.body.hex()}


def _drop(packet: Packet, step: TraceStep) -> Row:
    reason = DROPS[step.number] if step.number < len(DROPS) else f"reason {step.number}"
    return {"kind": "drop", "text": f"dropped ({reason})", "reason": reason}


def _normal(packet: Packet, step: TraceStep) -> Row:
    known = f"its station is at {packet.port(step.number)}" if step.number else "no port is known"
    text = f"switched by its address: {known}" + ("" if step.number else ", so it is flooded")
    return {"kind": "normal", "text": text, "port": step.number or None}


def _group(packet: Packet, step: TraceStep) -> Row:
    chosen = int.from_bytes(step.body[:4], sys.byteorder)
    bucket = None if chosen == _NO_BUCKET else chosen
    group = packet.groups.get(step.number)
    kind = f" ({_GROUP_WORDS[group.type]})" if group else ""
    how = _all_buckets(group) if bucket is None else _one_bucket(packet, group, bucket)
    text = f"group {step.number}{kind}: {how}"
    return {"kind": "group", "text": text, "group": step.number, "bucket": bucket}


def _all_buckets(group: GroupDesc | None) -> str:
    """What a group does that chose no bucket: only one of type all means all of them."""
    if group is None:
        return "all buckets, or none that lives"
    if group.type is not GroupType.ALL:
        return "no bucket lives"
    many = len(group.buckets)
    return f"each of its {many} buckets, on a copy of its own" if many else "it has no bucket"


def _one_bucket(packet: Packet, group: GroupDesc | None, bucket: int) -> str:
    known = group.buckets[bucket : bucket + 1] if group else ()
    actions = "".join(f", actions={format_action_list(b.actions, packet.ports)}" for b in known)
    return f"bucket {bucket}{actions}"


_GROUP_WORDS = {
    GroupType.ALL: "all", GroupType.SELECT: "select", GroupType.INDIRECT: "indirect",
    GroupType.FAST_FAILOVER: "fast failover",
}  # fmt: skip


def _meter(packet: Packet, step: TraceStep) -> Row:
    what = f"meter {step.number}" if step.number else "the flood limit of its port"
    text = f"{what}: it passes while the rate allows"
    return {"kind": "meter", "text": text, "meter": step.number}


def _queue(packet: Packet, step: TraceStep) -> Row:
    port = int.from_bytes(step.body[:4], sys.byteorder)
    queue = packet.queues.get((port, step.number))
    what = f"queue {step.number} of {packet.port(port)}"
    if queue is None:
        text = f"{what}: there is none, so it leaves without one"
    else:
        rate = f"at most {rate_text(queue.max_rate)}" if queue.max_rate else "at any rate"
        text = f"{what}: packets leave it {rate}, {queue.max_packets} may wait"
    rate_or_none = rate_text(queue.max_rate) if queue else None
    return {
        "kind": "queue", "text": text, "port": port, "queue": step.number,
        "active": queue is not None, "max_rate": rate_or_none,
    }  # fmt: skip


def _vlan(packet: Packet, step: TraceStep) -> Row:
    vlan = int.from_bytes(step.body[:4], sys.byteorder)
    what = f"VLAN {vlan}" if vlan else "frames without a VLAN"
    coming = step.number == packet.in_port
    is_not = f"takes no frame of VLAN {vlan}" if vlan else "takes no frame without a VLAN"
    text = f"{packet.port(step.number)} {is_not if coming else f'is not in {what}'}"
    return {"kind": "vlan", "text": text, "port": step.number, "vlan": vlan or None}


def _copy(packet: Packet, step: TraceStep) -> Row:
    text = "what follows happens to a copy" if step.number else "back to the packet itself"
    return {"kind": "copy", "text": text, "copy": bool(step.number)}


def _again(packet: Packet, step: TraceStep) -> Row:
    return {"kind": "again", "text": "other headers came into sight: it is read again"}


_NO_BUCKET = 0xFFFFFFFF
"""All of a group's buckets, or none that lives (what follows tells which)."""

_EXPLAINERS: dict[TraceKind, Callable[[Packet, TraceStep], Row]] = {
    TraceKind.RULE: _rule,
    TraceKind.MISS: _miss,
    TraceKind.ACTIONS: _actions,
    TraceKind.OUTPUT: _output,
    TraceKind.CONTROLLER: _controller,
    TraceKind.DROP: _drop,
    TraceKind.NORMAL: _normal,
    TraceKind.GROUP: _group,
    TraceKind.METER: _meter,
    TraceKind.COPY: _copy,
    TraceKind.AGAIN: _again,
    TraceKind.QUEUE: _queue,
    TraceKind.VLAN: _vlan,
}

_PARTS = (("eth_dst", 0, 6), ("eth_src", 6, 12), ("eth_type", 12, 14), ("headers", 14, None))
"""What a difference is called, by where it lies in two frames of the same length."""


def changes(before: bytes, after: bytes) -> list[str]:
    """What differs between two frames, in words."""
    if before == after:
        return []
    if len(before) != len(after):
        return ["its headers"]
    return [
        _within_ip(before, after) if name == "headers" else name
        for name, start, end in _PARTS
        if before[start:end] != after[start:end]
    ]


def _within_ip(before: bytes, after: bytes) -> str:
    """The field of an IPv4 header that differs, or "its headers"."""
    if before[12:14] != b"\x08\x00":
        return "its headers"
    fields = (("tos", 15, 16), ("ttl", 22, 23), ("ipv4_src", 26, 30), ("ipv4_dst", 30, 34),
              ("the transport header", 34, 42))  # fmt: skip
    names = [name for name, start, end in fields if before[start:end] != after[start:end]]
    return ", ".join(names) or "its headers"
