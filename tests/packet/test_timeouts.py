"""Rules that end by themselves (OpenFlow 1.3.5, sections 5.5 and 6.4), under a clock of our own."""

from __future__ import annotations

import pytest

from datapath.of13.rule import flow_mod
from datapath.oxm import Match
from datapath.rule import FlowCommand, parse_rule
from datapath.switch import Switch
from datapath.wire import Reader
from tests.packet.messages import FlowRemoved, read_flow_removed

IDLE, HARD, DELETED = 0, 1, 2
SCAN = 0.25
"""Seconds that a timeout may come late: how often timeouts are looked at."""


def removed(switch: Switch) -> list[FlowRemoved]:
    return [read_flow_removed(data) for data in switch.flow_removed()]


def test_a_hard_timeout_ends_a_rule_in_use(switch: Switch) -> None:
    switch.add_flow("hard_timeout=3,actions=output:2")
    for _ in range(5):
        switch.advance(0.5)
        assert list(switch.send(1, "ip")) == [2]
    switch.advance(0.5 + SCAN)
    assert switch.send(1, "ip") == {}


def test_an_idle_timeout_waits_while_packets_come(switch: Switch) -> None:
    switch.add_flow("idle_timeout=2,actions=output:2")
    for _ in range(5):
        switch.advance(1.5)
        assert list(switch.send(1, "ip")) == [2]
    switch.advance(2 - SCAN)
    assert len(switch.dump_flows()) == 1
    switch.advance(3 * SCAN)
    assert switch.dump_flows() == []


def test_a_rule_without_timeouts_stays(switch: Switch) -> None:
    switch.add_flow("actions=output:2")
    switch.advance(3600 * 24)
    assert len(switch.dump_flows()) == 1


@pytest.mark.parametrize(
    ("timeouts", "reason", "seconds"),
    [
        ("idle_timeout=2", IDLE, 2),
        ("hard_timeout=2", HARD, 2),
        ("idle_timeout=9,hard_timeout=2", HARD, 2),
        ("idle_timeout=2,hard_timeout=9", IDLE, 2),
    ],
)
def test_the_controller_is_told_why_a_rule_ended(
    switch: Switch, timeouts: str, reason: int, seconds: int
) -> None:
    switch.add_flow(f"table=3,cookie=0x55,priority=8,send_flow_rem,{timeouts},tcp,actions=output:2")
    switch.advance(5)
    (told,) = removed(switch)
    assert (told.cookie, told.priority, told.reason, told.table) == (0x55, 8, reason, 3)
    assert 0 <= told.seconds + told.nanoseconds / 1e9 - seconds <= SCAN
    assert (told.packets, told.bytes) == (0, 0)


def test_a_flow_removed_counts_every_packet(switch: Switch) -> None:
    switch.add_flow("send_flow_rem,tcp,idle_timeout=60,actions=output:2")
    sizes = [len(switch.send(1, f"tcp,payload={'00' * n}")[2][0]) for n in range(0, 200, 7)]
    switch.advance(1.5)
    switch.delete_flows("tcp")
    (told,) = removed(switch)
    assert (told.packets, told.bytes) == (len(sizes), sum(sizes))
    assert (told.reason, told.idle, told.hard) == (DELETED, 60, 0)
    assert (told.seconds, told.nanoseconds) == (1, 500_000_000)


def test_a_flow_removed_carries_the_match(switch: Switch) -> None:
    rule = parse_rule("send_flow_rem,tcp,nw_src=10.0.0.0/8,tp_dst=80,actions=output:2")
    switch.add_flow(rule)
    switch.delete_flows()
    (data,) = switch.flow_removed()
    assert Match.unpack(Reader(data[48:])) == rule.match


def test_nobody_is_told_without_the_flag(switch: Switch) -> None:
    switch.add_flow("hard_timeout=1,actions=output:2")
    switch.advance(2)
    switch.add_flow("actions=output:2")
    switch.delete_flows()
    assert removed(switch) == []
    switch.add_flow("send_flow_rem,hard_timeout=1,actions=output:2")
    switch.advance(2)
    switch.add_flow("send_flow_rem,actions=output:2")
    switch.delete_flows()
    assert len(removed(switch)) == 2


def test_nobody_is_told_of_a_rule_that_another_replaced(switch: Switch) -> None:
    switch.add_flow("send_flow_rem,actions=output:2")
    switch.add_flow("send_flow_rem,actions=output:3")
    assert removed(switch) == []
    switch.delete_flows()
    assert len(removed(switch)) == 1  # and of the new one once


def test_a_rule_replaced_and_deleted_in_one_breath_is_told_once(switch: Switch) -> None:
    switch.add_flow("send_flow_rem,actions=output:2")
    switch.send(1, "ip")
    again = flow_mod(parse_rule("send_flow_rem,actions=output:3"))
    delete = flow_mod(parse_rule("", FlowCommand.DELETE), FlowCommand.DELETE)
    switch.openflow(again + delete)
    assert [told.packets for told in removed(switch)] == [1]


def test_a_replaced_rule_starts_its_timeouts_anew(switch: Switch) -> None:
    switch.add_flow("hard_timeout=2,actions=output:2")
    switch.advance(1.5)
    switch.add_flow("hard_timeout=2,actions=output:2")
    switch.advance(1.5)
    assert len(switch.dump_flows()) == 1


def test_resetting_counters_is_no_use_of_a_rule(switch: Switch) -> None:
    switch.add_flow("idle_timeout=2,tcp,actions=output:2")
    switch.send(1, "tcp")
    switch.advance(1.5)
    switch.add_flow("reset_counts,tcp,actions=output:3", FlowCommand.MODIFY)
    switch.advance(1)
    assert switch.dump_flows() == []
    switch.add_flow("idle_timeout=2,tcp,actions=output:2")
    switch.advance(1.5)
    switch.send(1, "tcp")  # a packet is a use
    switch.advance(1)
    assert len(switch.dump_flows()) == 1
