"""trace: an imaginary packet through the real tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from datapath.frames import Command, Event, TraceKind, trace_request, trace_steps
from datapath.match_text import parse_match
from datapath.problems import SyntaxProblem
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.explain import Packet, explain
from vswitch.daemon.imagine import frame_of
from vswitch.daemon.link import ForwarderGone, Refused
from vswitch.daemon.methods.finding import live_bridge
from vswitch.daemon.methods.groups import descriptions
from vswitch.errors import Exit, Failure, shown

_HEX = re.compile(r"(0x)?([0-9a-fA-F]{2}[\s:]?){14,}")


async def trace(
    daemon: Daemon, bridge: str, packet: str, in_port: int | None = None
) -> dict[str, Any]:
    live = live_bridge(daemon, bridge)
    names = {port.spec.number: name for name, port in live.ports.items()}
    asked = _packet(packet, in_port, names)
    request = trace_request(asked.in_port, asked.frame)
    try:
        answers = await daemon.operator.connected().ask(Command.TRACE, request, live.id)
    except (Refused, ForwarderGone) as error:
        raise Failure("trace", str(error), "give another packet, or try again") from None
    frames = [a.frame for a in answers if a.frame.type == Event.TRACE]
    steps = [step for frame in frames for step in trace_steps(frame.payload)]
    if any(step.kind == TraceKind.GROUP for step in steps):
        asked = replace(asked, groups=await descriptions(daemon, live))
    return explain(asked, steps)


def _packet(text: str, in_port: int | None, names: dict[int, str]) -> Packet:
    """The packet that a person describes, in ovs-ofctl's words or as hexadecimal bytes."""
    said = None
    if _HEX.fullmatch(text):
        frame = bytes.fromhex(re.sub(r"^0x|[\s:]", "", text))
    else:
        try:
            match = parse_match(text)
        except SyntaxProblem as problem:
            what = f"packet {shown(problem.word)}"
            raise Failure(what, problem.why, problem.instead, Exit.USAGE) from None
        frame, said = frame_of(match), match.exact("in_port")
    number = in_port if in_port is not None else said
    if number is None:
        do = "add in_port=N to it, or --in-port N"
        raise Failure("packet", "it doesn't say which port it comes in by", do, Exit.USAGE)
    return Packet(frame, number, names)


METHODS = {"trace": trace}
