"""flow.add, flow.mod, flow.load, flow.list, flow.rm: words to flow-mods, statistics to words."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import Any

from datapath.instruction_text import format_instructions
from datapath.match_text import format_match
from datapath.of13.rule import flow_mod
from datapath.ports import NAMELESS, PortNames
from datapath.rule import FlowCommand, Rule, parse_rule
from vswitch.agent.framing import HEADER, HEADER_SIZE
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.door import ask, exchange, refuse_errors, transact, understood
from vswitch.daemon.methods.finding import live_bridge, port_names
from vswitch.errors import Exit, Failure, shown
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.flow import FlowStats, FlowStatsReply, FlowStatsRequest
from vswitch.rpc.protocol import Rows, taken, text


async def add(daemon: Daemon, bridge: str, flow: str) -> None:
    """Adds a flow; one with the same match and priority gives way to it."""
    await _mod(daemon, bridge, flow, FlowCommand.ADD)


async def modify(daemon: Daemon, bridge: str, flow: str, strict: bool = False) -> None:
    """Gives flows within a match other actions; 'strict': only the one with just that match and
    priority."""
    await _mod(daemon, bridge, flow, FlowCommand.MODIFY_STRICT if strict else FlowCommand.MODIFY)


async def remove(daemon: Daemon, bridge: str, match: str = "", strict: bool = False) -> None:
    """Deletes flows within a match; 'strict': only the one with just that match and priority."""
    await _mod(daemon, bridge, match, FlowCommand.DELETE_STRICT if strict else FlowCommand.DELETE)


async def _mod(daemon: Daemon, bridge: str, text: str, command: FlowCommand) -> None:
    live = live_bridge(daemon, bridge)
    with understood("flow"):
        message = flow_mod(_parsed(text, command, port_names(daemon, live)), command, xid=1)
    refuse_errors(f"flow {shown(text)}", await ask(daemon, live, [message]))


def _parsed(text: str, command: FlowCommand, ports: PortNames) -> Rule:
    with understood("flow"):
        return parse_rule(text, command, ports)


async def load(daemon: Daemon, bridge: str, flow_mods: int) -> dict[str, Any]:
    """Carries out the flow-mods in the file that is lent, from its beginning: all, or none."""
    live = live_bridge(daemon, bridge)
    parts, count = await asyncio.to_thread(_parts, flow_mods)
    if parts:
        await transact(daemon, live, parts)
    return {"flow_mods": count}


LOAD_MAX = 64 << 20
"""Bytes of flow-mods at once: what open transactions keep (VS_TRANSACTIONS_MOST)."""
_PART = 1 << 16
_FLOW_MOD, _SHORTEST = 14, 56
_WHAT = "descriptor flow_mods"


def _parts(fd: int) -> tuple[list[bytes], int]:
    """What the file holds in parts that fit in a frame, and how many messages that is.

    Failure when it is no regular file, too long, or not whole flow-mods of OpenFlow 1.3.
    """
    data = _content(fd)
    parts, count, begin, at = [], 0, 0, 0
    while at < len(data):
        size = _size(data, at)
        if at + size - begin > _PART:
            parts.append(data[begin:at])
            begin = at
        at += size
        count += 1
    return [*parts, data[begin:]] if data else [], count


def _size(data: bytes, at: int) -> int:
    """The size of the flow-mod that begins there."""
    if at + HEADER_SIZE <= len(data):
        version, kind, size, _ = HEADER.unpack_from(data, at)
        if (version, kind) == (4, _FLOW_MOD) and _SHORTEST <= size <= len(data) - at:
            return int(size)
    why = f"at byte {at} is no whole flow-mod of OpenFlow 1.3"
    raise Failure(_WHAT, why, "write one behind the other, nothing else", Exit.USAGE)


def _content(fd: int) -> bytes:
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode):
        raise Failure(_WHAT, "it is no regular file", "lend one, or memory", Exit.USAGE)
    if about.st_size > LOAD_MAX:
        why = f"it has {about.st_size} bytes, more than {LOAD_MAX}"
        raise Failure(_WHAT, why, "split it: each part is in force as a whole", Exit.USAGE)
    try:
        return os.pread(fd, about.st_size, 0)
    except OSError as error:
        why = f"it can't be read: {error.strerror}"
        raise Failure(_WHAT, why, "lend another one", Exit.USAGE) from None


async def list_(daemon: Daemon, bridge: str, match: str = "", names: bool = False) -> Rows:
    """Flows with counters by table, the highest priority first; 'names': with ports' names."""
    live = live_bridge(daemon, bridge)
    ports = port_names(daemon, live)
    request = encode(FlowStatsRequest(_parsed(match, FlowCommand.DELETE, ports), xid=1))
    answers = await exchange(daemon, live, [request])
    shown_ports = ports if names else NAMELESS
    return await asyncio.to_thread(_rows, f"flows {shown(match)}", answers, shown_ports)


def _rows(what: str, answers: list[bytes], ports: PortNames) -> Rows:
    """Answers in rows.  On a thread, and each message goes as soon as it is read: objects by the
    hundred thousand would be looked at by Python's garbage collector again and again, all at
    once, and sorted in one step."""
    by_rank: dict[int, list[bytes]] = {}
    for answer in taken(answers):
        message = decode(answer)
        refuse_errors(what, [message])
        for stats in message.flows if isinstance(message, FlowStatsReply) else ():
            rank = stats.rule.table << 16 | 0xFFFF - stats.rule.priority
            by_rank.setdefault(rank, []).append(text(_row(stats, ports)))
    return Rows(row for rank in sorted(by_rank) for row in taken(by_rank.pop(rank)))


def _row(stats: FlowStats, ports: PortNames) -> dict[str, Any]:
    rule = stats.rule
    return {
        "table": rule.table,
        "priority": rule.priority,
        "cookie": rule.cookie,
        "match": format_match(rule.match, ports),
        "actions": format_instructions(rule.instructions, ports),
        "packets": stats.packets,
        "bytes": stats.bytes,
        "duration": stats.duration_sec + stats.duration_nsec / 1e9,
        "idle_timeout": rule.idle_timeout,
        "hard_timeout": rule.hard_timeout,
        "text": stats.text(ports),
    }


METHODS = {
    "flow.add": add, "flow.mod": modify, "flow.load": load, "flow.list": list_, "flow.rm": remove,
}  # fmt: skip
