"""The C core and the Python codec take the same flow-mods, and tell them back alike.

The codec is slow and obvious; the core decodes in place.  Correct rules must come
back from the core's statistics as they were; damaged ones must be taken by both or
by neither, but for what only a switch can judge: ports, tables, and what it can do.
"""

import random
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from datapath import switch as memory
from datapath.action import Group
from datapath.group import GroupDesc, GroupType
from datapath.instruction import GotoTable
from datapath.meter import DropBand, MeterConfig, MeterFlags
from datapath.of13.rule import flow_mod
from datapath.problems import Error, ProtocolProblem
from datapath.rule import Rule
from tests.kit.rules import rules
from tests.oracle.pipeline import actions_of, meter_of
from vswitch.openflow import decode
from vswitch.openflow.messages.flow import FlowMod

MATCH_AT = 48
"""Where a flow-mod's match begins."""

FOR_THE_SWITCH = {
    Error.BAD_ACTION_BAD_TYPE.value,
    Error.BAD_ACTION_BAD_OUT_PORT.value,
    Error.BAD_ACTION_BAD_OUT_GROUP.value,
    Error.BAD_ACTION_BAD_QUEUE.value,
    Error.BAD_ACTION_BAD_ARGUMENT.value,
    Error.BAD_ACTION_MATCH_INCONSISTENT.value,
    Error.BAD_ACTION_BAD_SET_TYPE.value,
    Error.BAD_ACTION_BAD_SET_ARGUMENT.value,
    Error.BAD_INSTRUCTION_UNSUP_INST.value,
    Error.BAD_INSTRUCTION_BAD_TABLE_ID.value,
    Error.METER_MOD_FAILED_INVALID_METER.value,
    Error.METER_MOD_FAILED_UNKNOWN_METER.value,
    (3, 9),  # an instruction twice: OpenFlow 1.4's number, 1.3 has none
}


@cache
def some_rules() -> tuple[Rule, ...]:
    """The same few hundred rules on every run."""
    found: list[Rule] = []

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(rules())
    def collect(rule: Rule) -> None:
        found.append(rule)

    collect()
    return tuple(found)


def prepare(switch: Any, rule: Rule) -> None:
    """Nothing but the groups and the meter that the rule refers to."""
    switch.delete_flows()
    switch.del_groups()
    switch.del_meters()
    groups = {a.group for a in actions_of(rule.instructions) if isinstance(a, Group)}
    for number in groups:
        switch.add_group(GroupDesc(GroupType.ALL, number))
    meter = meter_of(rule)
    if meter:
        switch.add_meter(MeterConfig(MeterFlags.KBPS, meter, (DropBand(1000),)))


def test_a_correct_rule_comes_back_as_it_was() -> None:
    with memory.Switch(ports=1) as switch:
        for rule in some_rules():
            prepare(switch, rule)
            switch.add_flow(rule)
            assert [told.rule for told in switch.dump_flows()] == [rule]


def damaged(rng: random.Random, rule: Rule) -> bytes:
    """A flow-mod with a byte or two wrong from its match on, sometimes cut short."""
    data = bytearray(flow_mod(rule))
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(MATCH_AT, len(data))
        data[at] = rng.choice((0, 1, 3, 4, 8, 16, 255, rng.randrange(256)))
    if rng.random() < 0.1:
        del data[rng.randrange(8, len(data)) :]
        data[2:4] = len(data).to_bytes(2)
    return bytes(data)


def told_by_codec(data: bytes) -> Rule | None:
    try:
        message = decode(data)
        assert isinstance(message, FlowMod)
        message.rule.match.check()
    except ProtocolProblem:
        return None
    return message.rule


def told_by_core(switch: Any, data: bytes) -> tuple[int, int] | None:
    """The error that the core answers with."""
    try:
        switch.add_flow(data)
    except memory.OpenFlowRefusal as refusal:
        return refusal.type, refusal.code
    return None


def test_damage_is_taken_by_both_or_by_neither() -> None:
    """S3"""
    rng = random.Random(1)
    taken = refused = 0
    with memory.Switch(ports=1) as switch:
        for _ in range(4000):
            whole = rng.choice(some_rules())
            prepare(switch, whole)
            data = damaged(rng, whole)
            rule = told_by_codec(data)
            error = told_by_core(switch, data)
            if error:
                assert rule is None or error in FOR_THE_SWITCH, data.hex()
                refused += 1
            else:
                assert rule is not None, data.hex()
                assert [told.rule for told in switch.dump_flows()] == [rule]
                taken += 1
    assert taken > 500
    assert refused > 500


def test_going_backwards_is_for_the_switch_to_refuse() -> None:
    with memory.Switch(ports=1) as switch:
        with pytest.raises(memory.OpenFlowRefusal) as caught:
            switch.add_flow(Rule(table=3, instructions=(GotoTable(3),)))
        assert (caught.value.type, caught.value.code) == Error.BAD_INSTRUCTION_BAD_TABLE_ID.value
