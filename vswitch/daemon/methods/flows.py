"""flow.add, flow.mod, flow.list, flow.rm: words to flow-mods and statistics back to words."""

from __future__ import annotations

import asyncio
from typing import Any

from datapath.instruction_text import format_instructions
from datapath.match_text import format_match
from datapath.ports import NAMELESS, PortNames
from datapath.rule import Command, Rule, parse_rule
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.door import ask, refuse_errors, understood
from vswitch.daemon.methods.finding import live_bridge, port_names
from vswitch.errors import shown
from vswitch.openflow import encode
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.flow import FlowStats, FlowStatsReply, FlowStatsRequest


async def add(daemon: Daemon, bridge: str, flow: str) -> None:
    await _mod(daemon, bridge, flow, Command.ADD)


async def modify(daemon: Daemon, bridge: str, flow: str, strict: bool = False) -> None:
    await _mod(daemon, bridge, flow, Command.MODIFY_STRICT if strict else Command.MODIFY)


async def remove(daemon: Daemon, bridge: str, match: str = "", strict: bool = False) -> None:
    await _mod(daemon, bridge, match, Command.DELETE_STRICT if strict else Command.DELETE)


async def _mod(daemon: Daemon, bridge: str, text: str, command: Command) -> None:
    live = live_bridge(daemon, bridge)
    with understood("flow"):
        message = _parsed(text, command, port_names(daemon, live)).to_flow_mod(command, xid=1)
    refuse_errors(f"flow {shown(text)}", await ask(daemon, live, [message]))


def _parsed(text: str, command: Command, ports: PortNames) -> Rule:
    with understood("flow"):
        return parse_rule(text, command, ports)


async def list_(
    daemon: Daemon, bridge: str, match: str = "", names: bool = False
) -> list[dict[str, Any]]:
    """Flows with counters by table, the highest priority first; 'names': with ports' names."""
    live = live_bridge(daemon, bridge)
    ports = port_names(daemon, live)
    request = encode(FlowStatsRequest(_parsed(match, Command.DELETE, ports), xid=1))
    answers = await ask(daemon, live, [request])
    refuse_errors(f"flows {shown(match)}", answers)
    return await asyncio.to_thread(_rows, answers, ports if names else NAMELESS)


def _rows(answers: list[Message], ports: PortNames) -> list[dict[str, Any]]:
    replies = (answer for answer in answers if isinstance(answer, FlowStatsReply))
    found = [stats for reply in replies for stats in reply.flows]
    found.sort(key=lambda stats: (stats.rule.table, -stats.rule.priority))
    return [_row(stats, ports) for stats in found]


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


METHODS = {"flow.add": add, "flow.mod": modify, "flow.list": list_, "flow.rm": remove}
