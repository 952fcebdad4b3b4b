"""trace: an imaginary packet through the real tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from datapath.frames import Command, Event, Standalone, TraceKind, trace_request, trace_steps
from datapath.match_text import parse_match
from datapath.ports import PortNames, format_port
from vswitch.agent.view import sends
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.door import understood
from vswitch.daemon.explain import Packet, explain
from vswitch.daemon.imagine import frame_of
from vswitch.daemon.link import ForwarderGone, ForwarderRefused
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.methods.finding import live_bridge, port_names
from vswitch.daemon.methods.groups import GROUPS
from vswitch.daemon.methods.numbered import described
from vswitch.errors import Exit, Failure

_HEX = re.compile(r"(0x)?([0-9a-fA-F]{2}[\s:]?){14,}")


_ALONE = "no controller is connected: the bridge switches by itself, whatever its rules say"


async def trace(
    daemon: Daemon, bridge: str, packet: str, in_port: str | None = None
) -> dict[str, Any]:
    """What the switch would do with a packet, step by step.  Failure (exit 2) if its words describe
    none, (exit 3) if it comes in by no port of the bridge."""
    live = live_bridge(daemon, bridge)
    asked = _packet(packet, in_port, live, port_names(daemon, live))
    request = trace_request(asked.in_port, asked.frame)
    try:
        answers = await daemon.operator.connected().ask(Command.TRACE, request, live.id)
    except (ForwarderRefused, ForwarderGone) as error:
        raise Failure("trace", str(error), "give another packet, or try again") from None
    frames = [a.frame for a in answers if a.frame.type == Event.TRACE]
    steps = [step for frame in frames for step in trace_steps(frame.payload)]
    if any(step.kind == TraceKind.GROUP for step in steps):
        asked = replace(asked, groups=await described(GROUPS, daemon, live))
    told = explain(asked, steps)
    if live.standalone == Standalone.ALL:
        told["steps"].insert(0, {"kind": "standalone", "text": _ALONE})
    return told


def _packet(text: str, in_port: str | None, live: LiveBridge, ports: PortNames) -> Packet:
    """The packet that a person describes, in ovs-ofctl's words or as hexadecimal bytes."""
    said = None
    with understood("packet"):
        if _HEX.fullmatch(text):
            frame = bytes.fromhex(re.sub(r"^0x|[\s:]", "", text))
        else:
            match = parse_match(text, ports)
            frame, said = frame_of(match), match.exact("in_port")
        number = said if in_port is None else ports.read(in_port)
    if said is not None and said != number:
        why = f"it says in_port={format_port(said)}, --in-port says another"
        raise Failure("packet", why, "leave one of them out", Exit.USAGE)
    if number is None:
        do = "add in_port=PORT to it, or --in-port PORT"
        raise Failure("packet", "it doesn't say which port it comes in by", do, Exit.USAGE)
    _require_port(live, number)
    names = {port.spec.number: name for name, port in live.ports.items()}
    queues = {
        (port.spec.number, queue.number): queue
        for port in live.ports.values()
        for queue in port.queues.values()
    }
    view = live.exchange.agent.view.ports
    silent = {n for n, p in view.items() if not sends(p)}
    return Packet(frame, number, names, queues=queues, silent=silent, ports=ports)


def _require_port(live: LiveBridge, number: int) -> None:
    """Failure (exit 3) if no port of the bridge takes packets in under that number."""
    if live.by_number(number) is None:
        known = ", ".join(f"{format_port(p.spec.number)} ({n})" for n, p in live.ports.items())
        why = f"bridge {live.record.name} has no such port now"
        do = f"there are {known}" if known else "add one with `vswitch port add`"
        raise Failure(f"in_port {format_port(number)}", why, do, Exit.NOT_FOUND)


METHODS = {"trace": trace}
