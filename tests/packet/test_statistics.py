"""Counters: exact, whoever asks, cached or not (OpenFlow 1.3.5, section 7.3.5)."""

from __future__ import annotations

import struct

import pytest

from datapath.oxm import Match
from datapath.rule import parse_rule
from datapath.switch import Switch
from datapath.testing import MakeSwitch
from tests.packet.messages import (
    AGGREGATE,
    FLOW,
    PORT,
    TableCount,
    Totals,
    aggregate,
    selection,
    statistics,
    table_counts,
)

TCP = "tcp,tp_dst=80"


@pytest.fixture
def busy(switch: Switch) -> Switch:
    """Three rules in two tables: 3 TCP packets and 2 UDP packets of 60 bytes came by port 1."""
    switch.add_flow("cookie=1,priority=20,tcp,actions=goto_table:5")
    switch.add_flow("cookie=2,priority=10,udp,actions=output:3")
    switch.add_flow("table=5,cookie=3,tcp,tp_dst=80,actions=output:2")
    for packet in (TCP, TCP, "tcp,tp_dst=81", "udp", "udp", "arp"):
        switch.send(1, packet)
    return switch


def test_each_rule_counts_its_packets_and_bytes(busy: Switch) -> None:
    counted = {flow.rule.cookie: (flow.packets, flow.bytes) for flow in busy.dump_flows()}
    assert counted == {1: (3, 180), 2: (2, 120), 3: (2, 120)}


@pytest.mark.parametrize(
    ("narrowed", "totals"),
    [
        ({}, Totals(7, 420, 3)),
        ({"table": 5}, Totals(2, 120, 1)),
        ({"table": 7}, Totals(0, 0, 0)),
        ({"out_port": 3}, Totals(2, 120, 1)),
        ({"cookie": 1, "cookie_mask": 1}, Totals(5, 300, 2)),
        ({"cookie": 2, "cookie_mask": 0xFFFF_FFFF_FFFF_FFFF}, Totals(2, 120, 1)),
    ],
)
def test_an_aggregate_adds_up_what_was_selected(
    busy: Switch, narrowed: dict[str, int], totals: Totals
) -> None:
    assert aggregate(busy, **narrowed) == totals


def test_a_selection_takes_rules_that_are_as_narrow_or_narrower(busy: Switch) -> None:
    match = parse_rule("tcp,actions=drop").match
    reply = busy.openflow(statistics(AGGREGATE, selection(match)))
    assert Totals(*struct.unpack_from("!QQI", reply[0], 16)) == Totals(5, 300, 2)


def test_tables_count_lookups_and_matches(busy: Switch) -> None:
    assert table_counts(busy) == {0: TableCount(0, 2, 6, 5), 5: TableCount(5, 1, 3, 2)}


def test_the_last_table_has_statistics_too(switch: Switch) -> None:
    switch.add_flow("table=254,actions=output:2")
    (reply,) = switch.openflow(statistics(FLOW, selection(Match(), table=254)))
    assert len(reply) > 16
    assert table_counts(switch) == {254: TableCount(254, 1, 0, 0)}


def test_ports_count_what_came_and_left(busy: Switch) -> None:
    (reply,) = busy.openflow(statistics(PORT, struct.pack("!I4x", 0xFFFFFFFF)))
    rows = {row[0]: row[1:9] for row in struct.iter_unpack("!I4x12QII", reply[16:])}
    assert rows[1] == (6, 0, 360, 0, 0, 0, 0, 0)
    assert rows[2] == (0, 2, 0, 120, 0, 0, 0, 0)
    assert rows[3] == (0, 2, 0, 120, 0, 0, 0, 0)
    (one,) = busy.openflow(statistics(PORT, struct.pack("!I4x", 2)))
    assert struct.unpack_from("!I", one, 16) == (2,)
    assert len(one) == 16 + 112


def test_an_age_is_told_to_the_nanosecond(switch: Switch) -> None:
    switch.add_flow("actions=output:2")
    switch.advance(12.5)
    assert switch.dump_flows()[0].duration == 12.5
    (reply,) = switch.openflow(statistics(PORT, struct.pack("!I4x", 1)))
    assert struct.unpack_from("!II", reply, 16 + 104) == (12, 500_000_000)


def test_a_long_answer_comes_in_parts(make_switch: MakeSwitch) -> None:
    switch = make_switch()
    switch.add_flows("\n".join(f"tcp,tp_dst={i},actions=output:2" for i in range(2000)))
    parts = switch.openflow(statistics(FLOW, selection(Match())))
    assert [part[11] for part in parts] == [1] * (len(parts) - 1) + [0]
    assert all(len(part) < 65536 for part in parts)
    assert len({str(flow.rule) for flow in switch.dump_flows()}) == 2000


@pytest.mark.parametrize("cache", [True, False])
def test_counters_do_not_depend_on_the_cache(make_switch: MakeSwitch, cache: bool) -> None:
    switch = make_switch(cache=cache, cache_entries=16)
    switch.add_flow("priority=1,actions=output:2")
    switch.add_flow("priority=2,tcp,tp_dst=0x8000/0x8000,actions=output:3")
    for i in range(0, 65536, 257):
        switch.send(1, f"tcp,tp_dst={i}")
    assert [flow.packets for flow in switch.dump_flows()] == [128, 128]
