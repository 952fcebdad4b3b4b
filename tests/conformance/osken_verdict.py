"""One test of os-ken, carried out on a switch of its own, and the verdict.

The steps and what is judged are those of os-ken's tester (`tester.OfTester._test_execute`): every
message must read back as it was sent, by its own comparison; a frame must be the expected one
byte for byte; a packet-in must have come from an action; a table that should miss must count a
lookup and no match; rates must be within 10 %.  Two things are stricter than there: exactly one
packet must come, and nothing may come the other way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from os_ken.lib.packet.packet import Packet
from os_ken.tests.switch import tester

from .osken_cases import VERSIONS, Case
from .osken_target import OUT_PORT, Refused, Target
from .osken_traffic import judge_rates, run_stream


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a test: 'problem' is empty when it is right.

    'wanted' and 'got' are there when the problem is one frame in place of another."""

    case: Case
    problem: str = ""
    wanted: bytes = b""
    got: bytes = b""

    @property
    def right(self) -> bool:
        return not self.problem


class _Wrong(Exception):
    """The first thing that isn't as it should be."""

    def __init__(self, problem: str, wanted: bytes = b"", got: bytes = b"") -> None:
        super().__init__(problem)
        self.problem, self.wanted, self.got = problem, wanted, got


def judge(case: Case) -> Verdict:
    """Carries a test out on a fresh switch."""
    try:
        with Target(VERSIONS[case.version]) as target:
            _begin(target)
            for message in case.prerequisite:
                _install(target, message)
            for block in case.blocks:
                _judge_block(target, block)
    except _Wrong as wrong:
        return Verdict(case, wrong.problem, wrong.wanted, wrong.got)
    except Exception as error:  # a reply that os-ken's parser trips over is a wrong reply
        return Verdict(case, f"{type(error).__name__}: {error}")
    return Verdict(case)


def _begin(target: Target) -> None:
    """Empty tables, and the one rule that the tester gives both switches."""
    ofp, parser = target.ofp, target.parser
    actions = [parser.OFPActionOutput(ofp.OFPP_CONTROLLER)]
    match = parser.OFPMatch(in_port=OUT_PORT)
    if hasattr(parser, "OFPInstructionActions"):
        apply = parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)
        rule = parser.OFPFlowMod(target.protocol, match=match, instructions=[apply])
    else:  # OpenFlow 1.0
        rule = parser.OFPFlowMod(target.protocol, match=match, actions=actions)
    target.tell(rule)


# ---- prerequisites ----


def _install(target: Target, message: Any) -> None:
    """Sends a flow-mod, group-mod or meter-mod and finds it among what the switch has."""
    name = type(message).__name__
    try:
        target.tell(message)
        present = _read_back(target, name)
    except Refused as refused:
        raise _Wrong(f"{name}: {refused}") from refused
    answers = [_same(target, name, entry, message) for entry in present]
    if not any(same for same, _ in answers):
        texts = "; ".join(text for _, text in answers if text)
        raise _Wrong(f"{name} reads back otherwise: {texts or 'nothing is there'}")


def _read_back(target: Target, name: str) -> list[Any]:
    ofp, parser, protocol = target.ofp, target.parser, target.protocol
    if name == tester.KEY_METER:
        request = parser.OFPMeterConfigStatsRequest(protocol)
        return target.ask(request, parser.OFPMeterConfigStatsReply)
    if name == tester.KEY_GROUP:
        request = parser.OFPGroupDescStatsRequest(protocol)
        return target.ask(request, parser.OFPGroupDescStatsReply)
    every: tuple[Any, ...]
    if hasattr(ofp, "OFPG_ANY"):
        every = (ofp.OFPTT_ALL, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0, parser.OFPMatch())
    else:  # OpenFlow 1.0
        every = (parser.OFPMatch(), 0xFF, ofp.OFPP_NONE)
    request = parser.OFPFlowStatsRequest(protocol, 0, *every)
    return target.ask(request, parser.OFPFlowStatsReply)


def _same(target: Target, name: str, entry: Any, message: Any) -> tuple[bool, str | None]:
    """os-ken's own comparison: is the entry what the message asked for, and if not, why."""
    app = SimpleNamespace(target_sw=SimpleNamespace(dp=target.protocol))  # all that it looks at
    compare: dict[str, Callable[[Any, Any], tuple[bool, str | None]]] = {
        tester.KEY_METER: tester.OfTester._compare_meter,
        tester.KEY_GROUP: tester.OfTester._compare_group,
        tester.KEY_FLOW: partial(tester.OfTester._compare_flow, app),
    }
    return compare[name](entry, message)


# ---- packets ----


def _judge_block(target: Target, block: dict[str, Any]) -> None:
    if tester.KEY_EGRESS in block:
        _judge_egress(target, block["ingress"], block[tester.KEY_EGRESS])
    elif tester.KEY_PKT_IN in block:
        _judge_packet_in(target, block["ingress"], block[tester.KEY_PKT_IN])
    elif tester.KEY_TBL_MISS in block:
        _judge_miss(target, block["ingress"], block[tester.KEY_TBL_MISS])
    else:
        seen, seconds = run_stream(target, block[tester.KEY_PACKETS])
        if problems := judge_rates(block[tester.KEY_THROUGHPUT], seen, seconds):
            raise _Wrong("; ".join(problems))


def _judge_egress(target: Target, frame: bytes, wanted: bytes) -> None:
    left, told = target.send(frame)
    _one(target, "frame", len(left), len(told))
    _judge_frame(wanted, left[0])


def _judge_packet_in(target: Target, frame: bytes, wanted: bytes) -> None:
    left, told = target.send(frame)
    _one(target, "packet-in", len(told), len(left))
    reasons = ("OFPR_NO_MATCH", "OFPR_TABLE_MISS", "OFPR_INVALID_TTL")
    if told[0].reason in [getattr(target.ofp, name, None) for name in reasons]:
        raise _Wrong(f"packet-in for reason {told[0].reason}")
    _judge_frame(wanted, told[0].data)


def _one(target: Target, what: str, came: int, others: int) -> None:
    if (came, others) != (1, 0):
        drops = target.switch.drops(1)
        raise _Wrong(f"{came} times a {what}, {others} times something else; drops: {drops}")


def _judge_frame(wanted: bytes, got: bytes) -> None:
    if wanted != got:
        difference = tester.OfTester._diff_packets(Packet(wanted), Packet(got))
        raise _Wrong(f"another frame: {difference}", wanted, got)


def _judge_miss(target: Target, frame: bytes, tables: list[int]) -> None:
    before = _table_counts(target)
    target.send(frame)
    after = _table_counts(target)
    looked_up = [table for table in tables if after[table][0] > before[table][0]]
    if not looked_up:
        raise _Wrong(f"none of the tables {tables} counts a lookup")
    if matched := [table for table in looked_up if after[table][1] > before[table][1]]:
        raise _Wrong(f"tables {matched} match where they should miss")


def _table_counts(target: Target) -> dict[int, tuple[int, int]]:
    """Lookups and matches of each table."""
    request = target.parser.OFPTableStatsRequest(target.protocol, 0)
    entries = target.ask(request, target.parser.OFPTableStatsReply)
    return {entry.table_id: (entry.lookup_count, entry.matched_count) for entry in entries}
