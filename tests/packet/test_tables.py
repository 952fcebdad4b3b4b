"""The walk through the tables (OpenFlow 1.3.5, sections 5.1, 5.9, 5.10)."""

from __future__ import annotations

import pytest
from scapy.all import Dot1Q, Ether
from scapy.layers.inet import IP

from datapath.instruction import GotoTable
from datapath.rule import Rule
from datapath.switch import OpenFlowRefusal, Switch
from datapath.testing import MakeSwitch

CACHED = pytest.mark.parametrize("cache", [True, False], ids=["cached", "uncached"])


def test_the_highest_priority_wins(switch: Switch) -> None:
    switch.add_flow("priority=10,ip,actions=output:2")
    switch.add_flow("priority=30,tcp,actions=output:3")
    switch.add_flow("priority=20,tcp,tp_dst=80,actions=output:4")
    assert list(switch.send(1, "tcp,tp_dst=80")) == [3]
    assert list(switch.send(1, "udp")) == [2]


def test_a_packet_goes_from_table_to_table(switch: Switch) -> None:
    switch.add_flow("actions=output:2,goto_table:5")
    switch.add_flow("table=5,actions=output:3,goto_table:254")
    switch.add_flow("table=254,actions=output:4")
    assert sorted(switch.send(1, "ip")) == [2, 3, 4]


def test_a_miss_in_a_later_table_drops_the_action_set(switch: Switch) -> None:
    switch.add_flow("actions=write_actions(output:2),goto_table:1")
    assert switch.send(1, "ip") == {}
    assert switch.drops(1) == {"table-miss": 1}


def test_what_was_applied_before_a_miss_has_happened(switch: Switch) -> None:
    switch.add_flow("actions=output:3,write_actions(output:2),goto_table:1")
    assert list(switch.send(1, "ip")) == [3]


def test_the_action_set_waits_for_the_end_and_keeps_the_last_of_a_kind(switch: Switch) -> None:
    switch.add_flow("ip,actions=write_actions(mod_nw_ttl:9,output:2),goto_table:1")
    switch.add_flow("table=1,ip,actions=output:4,write_actions(output:3)")
    out = switch.send(1, "ip,nw_ttl=64")
    assert sorted(out) == [3, 4]
    assert Ether(out[4][0])[IP].ttl == 64
    assert Ether(out[3][0])[IP].ttl == 9


def test_the_action_set_has_an_order_of_its_own(switch: Switch) -> None:
    """Pop, push, decrement, set, output: whatever the order of writing."""
    switch.add_flow(
        "ip,dl_vlan=5,actions=write_actions(output:2,set_field:4103->vlan_vid,dec_ttl,"
        "push_vlan:0x8100,pop_vlan)"
    )
    frame = Ether(switch.send(1, "ip,dl_vlan=5,nw_ttl=9")[2][0])
    assert (frame[Dot1Q].vlan, frame[IP].ttl) == (7, 8)
    assert Dot1Q not in frame[Dot1Q].payload


def test_decrementing_comes_before_setting_the_ttl(switch: Switch) -> None:
    switch.add_flow("ip,actions=write_actions(mod_nw_ttl:5,dec_ttl,output:2)")
    assert Ether(switch.send(1, "ip,nw_ttl=64")[2][0])[IP].ttl == 5


def test_clear_actions_empties_the_set_before_new_ones_are_written(switch: Switch) -> None:
    switch.add_flow("actions=write_actions(output:2),goto_table:1")
    switch.add_flow("table=1,in_port=1,actions=clear_actions")
    switch.add_flow("table=1,in_port=3,actions=clear_actions,write_actions(output:4)")
    assert switch.send(1, "ip") == {}
    assert switch.drops(1) == {"rule": 1}
    assert list(switch.send(3, "ip")) == [4]


def test_later_tables_match_what_the_packet_has_become(switch: Switch) -> None:
    switch.add_flow("tcp,actions=set_field:8080->tcp_dst,goto_table:1")
    switch.add_flow("table=1,tcp,tp_dst=8080,actions=output:2")
    assert list(switch.send(1, "tcp,tp_dst=80")) == [2]


def test_what_lies_under_a_popped_tag_is_matched(switch: Switch) -> None:
    switch.add_flow("actions=pop_vlan,goto_table:1")
    switch.add_flow("table=1,dl_vlan=7,actions=output:2")
    tagged = Ether() / Dot1Q(vlan=5) / Dot1Q(vlan=7) / IP()
    assert list(switch.send(1, bytes(tagged))) == [2]


def test_metadata_is_written_under_its_mask(switch: Switch) -> None:
    switch.add_flow("actions=write_metadata:0xff,goto_table:1")
    switch.add_flow("table=1,actions=write_metadata:0x0/0xf0,goto_table:2")
    switch.add_flow("table=2,metadata=0xf,actions=output:2")
    assert list(switch.send(1, "ip")) == [2]


@CACHED
def test_a_chain_may_go_through_every_table(make_switch: MakeSwitch, cache: bool) -> None:
    """255 tables: more counters than a cached answer holds."""
    switch = make_switch(cache=cache)
    switch.add_flows("\n".join(f"table={i},actions=goto_table:{i + 1}" for i in range(254)))
    switch.add_flow("table=254,actions=output:2")
    for _ in range(3):
        assert list(switch.send(1, "ip")) == [2]
    assert [flow.packets for flow in switch.dump_flows()] == [3] * 255


@pytest.mark.parametrize("tables", [6, 7, 8, 15])
def test_counters_are_exact_around_what_the_cache_holds(switch: Switch, tables: int) -> None:
    for i in range(tables - 1):
        switch.add_flow(f"table={i},actions=goto_table:{i + 1}")
    switch.add_flow(f"table={tables - 1},actions=output:2")
    for _ in range(4):
        assert list(switch.send(1, "ip")) == [2]
    assert [flow.packets for flow in switch.dump_flows()] == [4] * tables


@CACHED
@pytest.mark.parametrize("count", [7, 8, 9, 40])
def test_a_rule_may_have_many_actions(make_switch: MakeSwitch, cache: bool, count: int) -> None:
    switch = make_switch(cache=cache)
    ttls = range(2, 2 + count)
    switch.add_flow("ip,actions=" + ",".join(f"mod_nw_ttl:{ttl},output:2" for ttl in ttls))
    for _ in range(2):
        out = switch.send(1, "ip")[2]
        assert [Ether(frame)[IP].ttl for frame in out] == list(ttls)


def test_more_actions_than_a_packet_may_take_drop_it(switch: Switch) -> None:
    """Each rule is within bounds; together they are not: 1,024 actions, and a flood to as many
    ports as a switch may have (4,096)."""
    many = ",".join(["output:2"] * 400)
    for i in range(13):
        goto = f",goto_table:{i + 1}" if i < 12 else ""
        switch.add_flow(f"table={i},actions={many}{goto}")
    assert switch.send(1, "ip") == {}
    assert switch.drops(1) == {"too-deep": 1}
    switch.add_flow(f"table=11,actions={many}")
    assert len(switch.send(1, "ip")[2]) == 4096, "as many of the 4,800 as a memory port holds"
    assert switch.drops(1) == {"too-deep": 1}


@pytest.mark.parametrize("target", [0, 3, 255])
def test_tables_only_go_forward(switch: Switch, target: int) -> None:
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(Rule(table=3, instructions=(GotoTable(target),)))
    assert (refused.value.type, refused.value.code) == (3, 2)


def test_a_change_is_seen_by_flows_that_are_cached(switch: Switch) -> None:
    switch.add_flow("ip,actions=output:2")
    assert [list(switch.send(1, "ip")) for _ in range(3)] == [[2]] * 3
    switch.add_flow("ip,actions=output:3")
    assert [list(switch.send(1, "ip")) for _ in range(3)] == [[3]] * 3
    switch.add_flow("priority=65535,ip,nw_src=10.0.0.1,actions=output:4")
    assert list(switch.send(1, "ip,nw_src=10.0.0.1")) == [4]
    assert list(switch.send(1, "ip,nw_src=10.0.0.2")) == [3]
    assert switch.stats().hits >= 4
