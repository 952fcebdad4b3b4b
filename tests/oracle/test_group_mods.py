"""The C core and the Python codec take the same group-mods and meter-mods, and tell them alike.

As tests/oracle/test_flow_mods.py does for rules: what is right comes back as it was, what is
damaged is taken by both or by neither, but for what only a switch can judge.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from datapath import switch as memory
from datapath.group import GroupCommand, GroupType
from datapath.meter import MeterCommand
from datapath.of13.group import group_mod
from datapath.of13.meter import meter_mod
from datapath.problems import Error, ProtocolProblem
from tests.oracle import generate
from tests.oracle.generate import There
from vswitch.openflow import decode

FOR_THE_SWITCH = {
    error.value
    for error in Error
    if error.name.startswith(("GROUP_MOD_FAILED", "METER_MOD_FAILED"))
    or error
    in {
        Error.BAD_ACTION_BAD_TYPE,
        Error.BAD_ACTION_BAD_OUT_PORT,
        Error.BAD_ACTION_BAD_OUT_GROUP,
        Error.BAD_ACTION_BAD_ARGUMENT,
        Error.BAD_ACTION_BAD_QUEUE,
        Error.BAD_ACTION_MATCH_INCONSISTENT,
        Error.BAD_ACTION_BAD_SET_TYPE,
        Error.BAD_ACTION_BAD_SET_ARGUMENT,
    }
}


def test_a_group_comes_back_as_it_was() -> None:
    rng = random.Random(1)
    with memory.Switch(ports=1) as switch:
        for _ in range(300):
            command, group = generate.group(rng, There())
            weighs = any(bucket.weight for bucket in group.buckets)
            if command is GroupCommand.ADD and (group.type is GroupType.SELECT or not weighs):
                switch.del_groups()
                switch.add_group(group)
                assert switch.dump_groups() == [group]


def test_a_meter_comes_back_as_it_was() -> None:
    rng = random.Random(2)
    with memory.Switch(ports=1) as switch:
        for _ in range(100):
            command, meter = generate.meter(rng, There())
            if command is MeterCommand.ADD:
                switch.del_meters()
                switch.add_meter(meter)
                assert switch.dump_meters() == [meter]


def damaged(rng: random.Random, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(8, len(data))
        data[at] = rng.choice((0, 1, 3, 4, 8, 16, 255, rng.randrange(256)))
    if rng.random() < 0.1:
        del data[rng.randrange(8, len(data)) :]
        data[2:4] = len(data).to_bytes(2)
    return bytes(data)


def told_by_codec(data: bytes) -> Any:
    try:
        return decode(data)
    except ProtocolProblem:
        return None


def told_by_core(add: Callable[[bytes], None], data: bytes) -> tuple[int, int] | None:
    """The error that the core answers with."""
    try:
        add(data)
    except memory.OpenFlowRefusal as refusal:
        return refusal.type, refusal.code
    return None


@pytest.mark.parametrize("noun", ["group", "meter"])
def test_damage_is_taken_by_both_or_by_neither(noun: str) -> None:
    """S3"""
    rng = random.Random(3)
    taken = refused = 0
    with memory.Switch(ports=1) as switch:
        for _ in range(3000):
            switch.del_groups()
            switch.del_meters()
            if noun == "group":
                whole, add = group_mod(generate.group(rng, There())[1]), switch.add_group
            else:
                whole, add = meter_mod(generate.meter(rng, There())[1]), switch.add_meter
            data = damaged(rng, whole)
            error, message = told_by_core(add, data), told_by_codec(data)
            if error:
                assert message is None or error in FOR_THE_SWITCH, data.hex()
                refused += 1
            else:
                assert message is not None, data.hex()
                taken += 1
    assert taken > 300
    assert refused > 300
