"""Groups that lead to groups, and how much one packet or all groups together may take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from datapath.action import Output
from datapath.group import Bucket, GroupCommand, GroupDesc, GroupType
from datapath.group_text import parse_group
from datapath.of13.group import group_mod
from datapath.problems import Error
from datapath.switch import OpenFlowRefusal, Switch
from datapath.testing import MakeSwitch
from tests.packet.grouped import TAG, TAGGED, TCP, counted, refused

FULL = (Error.GROUP_MOD_FAILED_OUT_OF_GROUPS, Error.GROUP_MOD_FAILED_OUT_OF_BUCKETS)


# ---- chains ----


def test_groups_may_lead_to_groups(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.add_group("group_id=2,type=all,bucket=push_vlan:0x8100,group:1,bucket=output:4")
    switch.add_flow("actions=group:2")
    assert switch.send(1, TCP) == {2: [TAGGED], 3: [TAGGED], 4: [TCP]}
    assert (counted(switch, 1), counted(switch, 2)) == ((1, [1, 1]), (1, [1, 1]))


def test_one_group_may_be_reached_twice(switch: Switch) -> None:
    switch.add_group("group_id=1,type=indirect,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1,bucket=push_vlan:0x8100,group:1")
    switch.add_flow("actions=group:2")
    assert switch.send(1, TCP) == {2: [TCP, TAGGED]}
    assert (counted(switch, 1), counted(switch, 2)) == ((2, [2]), (1, [1, 1]))


@pytest.mark.parametrize("depth", [8])
def test_a_chain_adds_a_tag_at_each_link(switch: Switch, depth: int) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    for number in range(2, depth + 1):
        switch.add_group(f"group_id={number},type=all,bucket=push_vlan:0x8100,group:{number - 1}")
    switch.add_flow(f"actions=group:{depth}")
    assert switch.send(1, TCP) == {2: [TCP[:12] + TAG * (depth - 1) + TCP[12:]]}


def test_a_loop_is_refused(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1")
    switch.add_group("group_id=3,type=all,bucket=output:2,bucket=group:2")
    switch.add_flow("actions=group:3")
    for back in ("1", "2", "3"):
        loop = f"group_id=1,type=all,bucket=output:3,bucket=group:{back}"
        error = refused(switch, loop, command=GroupCommand.MODIFY)
        assert error is Error.GROUP_MOD_FAILED_LOOP
    assert switch.send(1, TCP) == {2: [TCP, TCP]}, "nothing has changed"


def test_a_diamond_is_no_loop(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1")
    switch.add_group("group_id=3,type=all,bucket=group:1")
    switch.add_group("group_id=4,type=all,bucket=group:2,bucket=group:3")
    switch.add_flow("actions=group:4")
    assert switch.send(1, TCP) == {2: [TCP, TCP]}


def test_a_chain_may_be_turned_round(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1")
    switch.mod_group("group_id=2,type=all,bucket=output:3")
    switch.mod_group("group_id=1,type=all,bucket=group:2")
    switch.add_flow("actions=group:1")
    assert switch.send(1, TCP) == {3: [TCP]}


def test_a_fan_that_doubles_at_each_link_ends(switch: Switch) -> None:
    """Forty groups of two buckets are 2 ^ 40 copies, of which not one is made."""
    switch.add_group("group_id=1,type=all,bucket=output:2")
    for number in range(2, 42):
        there = number - 1
        switch.add_group(f"group_id={number},type=all,bucket=group:{there},bucket=group:{there}")
    switch.add_flow("actions=group:41")
    assert switch.send(1, TCP) == {}
    assert switch.drops(1) == {"too-deep": 1}
    switch.add_flow("priority=40000,udp,actions=output:3")
    assert list(switch.send(1, "udp")) == [3]


def test_more_buckets_than_one_packet_may_take(switch: Switch) -> None:
    """It goes everywhere or nowhere: a packet raises 2,048 counters at most."""
    bucket = Bucket((Output(2),))
    switch.add_group(GroupDesc(GroupType.ALL, 1, (bucket,) * 1000))
    switch.add_flow("actions=group:1,group:1")
    switch.add_flow("priority=40000,udp,actions=group:1,group:1,group:1")
    assert {port: len(sent) for port, sent in switch.send(1, TCP).items()} == {2: 2000}
    assert switch.drops(1) == {}
    assert switch.send(1, "udp") == {}
    assert switch.drops(1) == {"too-deep": 1}


def test_select_has_a_thousand_buckets_at_no_cost(switch: Switch) -> None:
    bucket = Bucket((Output(2),), weight=1)
    switch.add_group(GroupDesc(GroupType.SELECT, 1, (bucket,) * 1000))
    switch.add_flow("actions=group:1")
    assert switch.send(1, TCP) == {2: [TCP]}


# ---- what one packet may ask for ----


@pytest.mark.parametrize("cache", [True, False])
def test_all_copies_and_stages_of_a_packet_look_at_so_many_buckets_together(
    make_switch: MakeSwitch, cache: bool
) -> None:
    """40 copies, each read anew and then one of 500 buckets chosen: 16,384 last for 32 of them.

    The same with answers that are known already, and the next packet has all of them again."""
    switch = make_switch(ports=2, cache=cache)
    switch.add_group("group_id=2,type=select" + ",bucket=weight:1,output:2" * 500)
    copies = (
        f"bucket=set_field:02:00:00:00:00:{i:02x}->eth_src,set_field:6->ip_proto,group:2"
        for i in range(40)
    )
    switch.add_group("group_id=1,type=all," + ",".join(copies))
    switch.add_flow("ip,actions=group:1")
    for times in (1, 2, 3):
        assert len(switch.send(1, "udp,nw_dst=10.0.0.1,tp_dst=9")[2]) == 32
        assert switch.drops(1) == {"too-deep": 8 * times}


def add_all(switch: Switch, numbers: Iterator[int], group_mod: bytes) -> None:
    for number in numbers:
        switch.add_group(group_mod[:12] + number.to_bytes(4) + group_mod[16:])


def test_groups_take_no_counters_of_rules_and_stations(make_switch: MakeSwitch) -> None:
    """Each bucket has one, and there are as many as any number of groups may have together."""
    switch = make_switch(ports=2, max_rules=1000)
    switch.add_flow("priority=1,actions=NORMAL")
    numbers = iter(range(1, 10_000))
    for size in (4000, 100, 1):
        many = parse_group("group_id=0,type=select" + ",bucket=weight:1" * size, GroupCommand.ADD)
        wire = group_mod(many, GroupCommand.ADD)
        with pytest.raises(OpenFlowRefusal) as caught:
            add_all(switch, numbers, wire)
        assert Error((caught.value.type, caught.value.code)) in FULL
    for number in range(999):
        switch.add_flow(f"in_port={number + 1},udp,actions=drop")
    switch.send(2, "tcp,dl_src=02:00:00:00:00:02")
    assert [one.port for one in switch.macs()] == [2]
    switch.del_groups()
    switch.add_group("group_id=1,type=select,bucket=weight:1,output:2")
