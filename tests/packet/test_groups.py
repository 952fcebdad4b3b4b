"""Groups: which buckets get a copy of the packet, and what it costs them (1.3.5, 5.6 and 6.5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from datapath.action import Group, Output
from datapath.group import (
    ALL_GROUPS,
    ANY_GROUP,
    GROUP_MAX,
    Bucket,
    GroupCommand,
    GroupDesc,
    GroupType,
)
from datapath.group_text import parse_group
from datapath.instruction import ApplyActions
from datapath.of13.group import group_mod
from datapath.problems import Error
from datapath.rule import Command, Rule, parse_rule
from datapath.switch import OpenFlowRefusal, Switch
from datapath.testing import MakeSwitch
from tests.packet.headers import entry, frame, in_backbone, labelled, with_ttl
from tests.packet.messages import BARRIER, message, packet_out, read_flow_removed

DOWN, LINK_DOWN = 1, 1
INVALID_TTL, ACTION = 2, 1
DELETED, GROUP_DELETED = 2, 3
FULL = (Error.GROUP_MOD_FAILED_OUT_OF_GROUPS, Error.GROUP_MOD_FAILED_OUT_OF_BUCKETS)
TCP = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80,nw_ttl=9")
TAG = bytes.fromhex("81000000")
TAGGED = TCP[:12] + TAG + TCP[12:]


def refused(switch: Switch, group: str | GroupDesc | bytes, **command: GroupCommand) -> Error:
    """The error that answers a group-mod."""
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_group(group, **command)
    return Error((caught.value.type, caught.value.code))


def counted(switch: Switch, number: int) -> tuple[int, list[int]]:
    """Packets of a group, and of each of its buckets."""
    stats = switch.group_stats()[number]
    return stats.packets, [bucket.packets for bucket in stats.buckets]


# ---- all ----


def test_every_bucket_gets_a_copy(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    for _ in range(2):
        assert switch.send(1, TCP) == {2: [TCP], 3: [TCP]}
    assert counted(switch, 1) == (2, [2, 2])


def test_each_bucket_edits_a_copy_of_its_own(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=all,bucket=push_vlan:0x8100,output:2,bucket=output:3,"
        "bucket=set_field:02:00:00:00:00:09->eth_dst,output:4"
    )
    switch.add_flow("actions=group:1")
    other = bytes.fromhex("020000000009") + TCP[6:]
    assert switch.send(1, TCP) == {2: [TAGGED], 3: [TCP], 4: [other]}


def test_the_packet_goes_on_as_it_was(switch: Switch) -> None:
    """What buckets do is no business of the actions behind the group, nor of later tables."""
    switch.add_group("group_id=1,type=all,bucket=push_vlan:0x8100,dec_ttl,output:2")
    switch.add_flow("ip,actions=group:1,output:3,goto_table:1")
    switch.add_flow("table=1,ip,vlan_tci=0/0x1000,actions=output:4")
    copy = with_ttl(TCP, 8)
    copy = copy[:12] + TAG + copy[12:]
    assert switch.send(1, TCP) == {2: [copy], 3: [TCP], 4: [TCP]}


def test_a_bucket_starts_with_what_was_done_before(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_flow("actions=push_vlan:0x8100,group:1,pop_vlan,group:1")
    assert switch.send(1, TCP) == {2: [TAGGED, TCP]}


def test_a_bucket_may_drop(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=drop,bucket=output:2")
    switch.add_flow("actions=group:1")
    assert switch.send(1, TCP) == {2: [TCP]}
    assert switch.drops(1) == {}
    assert counted(switch, 1) == (1, [1, 1])


def test_a_group_without_buckets_drops(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all")
    switch.add_flow("actions=group:1")
    assert switch.send(1, TCP) == {}
    assert switch.drops(1) == {"group": 1}
    assert counted(switch, 1) == (1, [])


def test_no_copy_goes_back_where_it_came_from(switch: Switch) -> None:
    """5.6.1: only the reserved port IN_PORT sends there."""
    switch.add_group("group_id=1,type=all,bucket=output:1,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=IN_PORT,bucket=output:2")
    switch.add_flow("udp,actions=group:2")
    switch.add_flow("tcp,actions=group:1")
    assert list(switch.send(1, TCP)) == [2]
    assert switch.drops(1) == {"output-self": 1}
    assert sorted(switch.send(1, "udp")) == [1, 2]


def test_a_bucket_may_flood(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=push_vlan:0x8100,FLOOD")
    switch.add_flow("actions=group:1")
    assert switch.send(1, TCP) == {2: [TAGGED], 3: [TAGGED], 4: [TAGGED]}


def test_a_bucket_may_tell_the_controller(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=push_vlan:0x8100,CONTROLLER:65535")
    switch.add_flow("cookie=0x5,actions=goto_table:3")
    switch.add_flow("table=3,cookie=0x9,actions=group:1")
    switch.send(1, TCP)
    (told,) = switch.packet_ins()
    assert (told.reason, told.table, told.cookie, told.data) == (ACTION, 3, 9, TAGGED)


def test_all_sends_also_to_buckets_that_do_not_live(switch: Switch) -> None:
    """Liveness is for those types that choose."""
    switch.add_group("group_id=1,type=all,bucket=watch_port:3,output:2")
    switch.add_flow("actions=group:1")
    switch.set_port(3, config=DOWN, mask=DOWN)
    assert list(switch.send(1, TCP)) == [2]


# ---- a bucket is an action set ----


def test_a_bucket_is_carried_out_in_the_order_of_a_set(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=all,"
        "bucket=output:2,set_field:4103->vlan_vid,push_vlan:0x8100,push_mpls:0x8847"
    )
    switch.add_flow("actions=group:1")
    inner = labelled(TCP, entry(0, 9))
    want = inner[:12] + bytes.fromhex("81000007") + inner[12:]
    assert switch.send(1, TCP) == {2: [want]}


def test_a_bucket_has_one_action_of_each_type(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,output:3,mod_nw_ttl:4,mod_nw_ttl:5")
    switch.add_flow("ip,actions=group:1")
    assert switch.send(1, TCP) == {3: [with_ttl(TCP, 5)]}


def test_a_bucket_may_have_a_set_field_for_each_field(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=all,bucket=mod_dl_src:02:00:00:00:00:0a,mod_dl_dst:02:00:00:00:00:0b,2"
    )
    switch.add_flow("actions=group:1")
    want = bytes.fromhex("02000000000b 02000000000a") + TCP[12:]
    assert switch.send(1, TCP) == {2: [want]}


def test_a_bucket_writes_what_its_pop_brought_to_light(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=all,bucket=set_field:10.0.0.9->ip_dst,pop_mpls:0x0800,output:2,"
        "bucket=output:3"
    )
    switch.add_flow("mpls,actions=group:1")
    packet = labelled(TCP, entry(5))
    want = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.9,tp_src=1000,tp_dst=80,nw_ttl=9")
    assert switch.send(1, packet) == {2: [want], 3: [packet]}


def test_two_packets_with_one_label_are_told_apart_in_a_bucket(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=pop_mpls:0x0800,dec_ttl,output:2")
    switch.add_flow("mpls,actions=group:1,output:3")
    for _ in range(2):
        for inner, out in ((TCP, [with_ttl(TCP, 8)]), (with_ttl(TCP, 1), None)):
            packet = labelled(inner, entry(5))
            want = {3: [packet]} | ({2: out} if out else {})
            assert switch.send(1, packet) == want


def test_a_bucket_unwraps_a_backbone_frame(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=pop_pbb,output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    packet = in_backbone(TAGGED, 7)
    assert switch.send(1, packet) == {2: [TAGGED], 3: [packet]}


def test_a_ttl_that_ends_ends_only_that_copy(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=dec_ttl,output:2,bucket=output:3")
    switch.add_flow("ip,actions=group:1,output:4")
    packet = with_ttl(TCP, 1)
    assert switch.send(1, packet) == {3: [packet], 4: [packet]}
    assert switch.drops(1) == {"ttl": 1}
    assert [told.reason for told in switch.packet_ins()] == [INVALID_TTL]


def test_a_field_that_the_packet_lacks_is_not_written(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=set_field:10.0.0.9->ip_dst,output:2")
    switch.add_flow("actions=group:1")
    arp = frame("arp")
    assert switch.send(1, arp) == {2: [arp]}


# ---- a group in an action set ----


def test_a_group_in_the_action_set_comes_last(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=write_actions(group:1),goto_table:1")
    switch.add_flow("table=1,actions=output:4,write_actions(push_vlan:0x8100)")
    assert switch.send(1, TCP) == {2: [TAGGED], 3: [TAGGED], 4: [TCP]}


def test_an_output_in_the_set_is_ignored_where_there_is_a_group(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_flow("actions=write_actions(output:3,group:1)")
    assert switch.send(1, TCP) == {2: [TCP]}


def test_an_output_is_ignored_even_where_the_group_drops(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all")
    switch.add_flow("actions=write_actions(group:1),goto_table:1")
    switch.add_flow("table=1,actions=write_actions(output:3)")
    assert switch.send(1, TCP) == {}
    assert switch.drops(1) == {"group": 1}


def test_a_bucket_with_a_group_ignores_its_output(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=output:3,group:1")
    switch.add_flow("actions=group:2")
    assert switch.send(1, TCP) == {2: [TCP]}


def test_the_latest_group_in_the_set_holds(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=output:3")
    switch.add_flow("actions=write_actions(group:1),goto_table:1")
    switch.add_flow("table=1,actions=write_actions(group:2)")
    assert switch.send(1, TCP) == {3: [TCP]}
    assert (counted(switch, 1), counted(switch, 2)) == ((0, [0]), (1, [1]))


def test_a_cleared_set_has_no_group(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_flow("actions=write_actions(group:1),goto_table:1")
    switch.add_flow("table=1,actions=clear_actions,write_actions(output:3)")
    assert switch.send(1, TCP) == {3: [TCP]}


# ---- select ----


def flow(number: int) -> bytes:
    return frame(f"udp,nw_src=10.0.{number >> 8}.{number & 255},nw_dst=10.0.0.2,tp_src={number}")


def test_select_takes_one_bucket_and_stays_with_it(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    chosen = [list(switch.send(1, flow(number))) for number in range(64)]
    assert all(len(ports) == 1 for ports in chosen)
    assert [list(switch.send(1, flow(number))) for number in range(64)] == chosen
    assert {ports[0] for ports in chosen} == {2, 3, 4}
    packets, buckets = counted(switch, 1)
    assert packets == sum(buckets) == 128


def test_select_chooses_alike_with_and_without_a_cache(make_switch: MakeSwitch) -> None:
    chosen = []
    for switch in (make_switch(), make_switch(cache=False)):
        switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3")
        switch.add_flow("actions=group:1")
        chosen.append([list(switch.send(1, flow(number))) for number in range(64)])
    assert chosen[0] == chosen[1]


def test_all_packets_of_a_connection_go_one_way(switch: Switch) -> None:
    """They differ in what is no field: payload, TTL, TCP's flags."""
    switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    for port in range(20):
        connection = f"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src={port},tp_dst=80"
        kinds = ("", ",tcp_flags=+ack", ",payload=00ff00ff,nw_ttl=3")
        assert len({tuple(switch.send(1, connection + kind)) for kind in kinds}) == 1


def test_select_shares_by_weight(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=weight:1,output:2,bucket=weight:3,output:3")
    switch.add_flow("actions=group:1")
    for number in range(2000):
        switch.send(1, flow(number))
    _, (light, heavy) = counted(switch, 1)
    assert 350 < light < 650, "a quarter of 2000 flows, some more or less"
    assert light + heavy == 2000


def test_a_bucket_without_weight_is_never_chosen(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=weight:0,output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    for number in range(64):
        assert list(switch.send(1, flow(number))) == [3]


def shares(switch: Switch) -> list[int]:
    """Where each of many flows goes that a select group shares out among ports 2 and 3."""
    switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    return [port for number in range(256) for port in switch.send(1, flow(number))]


def test_nobody_can_tell_which_flows_share_a_bucket(make_switch: MakeSwitch) -> None:
    """HARDENING S13: who chose flows that one switch sends to one bucket overloads no other."""
    first, same, other = (shares(make_switch(seed=seed)) for seed in (1, 1, 2))
    assert first == same
    overload = [there for here, there in zip(first, other, strict=True) if here == 2]
    assert 0.3 < overload.count(2) / len(overload) < 0.7


def test_where_no_bucket_weighs_anything_all_are_alike(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=weight:0,output:2,bucket=weight:0,output:3")
    switch.add_flow("actions=group:1")
    assert {port for number in range(64) for port in switch.send(1, flow(number))} == {2, 3}


@pytest.mark.parametrize("kind", ["all", "indirect", "ff"])
def test_only_buckets_of_select_groups_have_a_weight(switch: Switch, kind: str) -> None:
    """Section 6.5: a group with what is undefined for its type is OFPGMFC_INVALID_GROUP."""
    group = f"group_id=1,type={kind},bucket=weight:1,watch_port:2,output:2"
    assert refused(switch, parse_group(group)) is Error.GROUP_MOD_FAILED_INVALID_GROUP
    assert switch.dump_groups() == []
    switch.add_group(group.replace("weight:1", "weight:0"))
    with pytest.raises(OpenFlowRefusal):
        switch.mod_group(group)
    switch.mod_group("group_id=1,type=select,bucket=weight:1,output:2")


def test_a_bucket_that_does_not_live_is_never_chosen(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=select,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"
    )
    switch.add_flow("actions=group:1")
    before = {number: list(switch.send(1, flow(number))) for number in range(64)}
    switch.set_port(2, config=DOWN, mask=DOWN)
    assert all(list(switch.send(1, flow(number))) == [3] for number in range(64))
    switch.set_port(2, config=0, mask=DOWN)
    assert {number: list(switch.send(1, flow(number))) for number in range(64)} == before


def test_select_without_a_living_bucket_drops(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=watch_port:2,output:2,bucket=weight:0,output:3")
    switch.add_flow("actions=group:1")
    switch.set_port(2, state=LINK_DOWN)
    assert switch.send(1, TCP) == {}
    assert switch.drops(1) == {"group": 1}
    assert counted(switch, 1) == (1, [0, 0])


# ---- indirect ----


def test_indirect_has_its_one_bucket_carried_out(switch: Switch) -> None:
    switch.add_group("group_id=1,type=indirect,bucket=push_vlan:0x8100,output:2")
    switch.add_flow("actions=group:1,output:3")
    assert switch.send(1, TCP) == {2: [TAGGED], 3: [TCP]}


def test_one_change_moves_all_the_rules_that_go_through_it(switch: Switch) -> None:
    switch.add_group("group_id=1,type=indirect,bucket=output:2")
    switch.add_flow("tcp,actions=group:1")
    switch.add_flow("udp,actions=group:1")
    assert [list(switch.send(1, packet)) for packet in ("tcp", "udp")] == [[2], [2]]
    switch.mod_group("group_id=1,type=indirect,bucket=output:3")
    assert [list(switch.send(1, packet)) for packet in ("tcp", "udp")] == [[3], [3]]


@pytest.mark.parametrize("buckets", [0, 2])
def test_indirect_has_exactly_one_bucket(switch: Switch, buckets: int) -> None:
    group = GroupDesc(GroupType.INDIRECT, 1, (Bucket((Output(2),)),) * buckets)
    assert refused(switch, group) is Error.GROUP_MOD_FAILED_INVALID_GROUP


# ---- fast failover and liveness ----


def test_failover_takes_the_first_bucket_that_lives(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3,"
        "bucket=output:4"
    )
    switch.add_flow("actions=group:1")
    ways = []
    for down in ((), (2,), (2, 3), (3,), ()):
        for port in (2, 3):
            switch.set_port(port, config=DOWN if port in down else 0, mask=DOWN)
        ways.append(list(switch.send(1, TCP)))
    assert ways == [[2], [3], [4], [2], [2]]
    assert counted(switch, 1) == (5, [3, 1, 1])


@pytest.mark.parametrize("change", [{"config": DOWN, "mask": DOWN}, {"state": LINK_DOWN}])
def test_a_port_is_down_by_configuration_or_by_its_link(
    switch: Switch, change: dict[str, int]
) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:2,output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    assert list(switch.send(1, TCP)) == [3]
    switch.set_port(2, **change)
    assert list(switch.send(1, TCP)) == [4]


def test_a_port_that_only_does_not_forward_is_up(switch: Switch) -> None:
    no_recv, no_fwd, no_packet_in = 4, 32, 64
    switch.add_group("group_id=1,type=ff,bucket=watch_port:2,output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    switch.set_port(2, config=no_recv | no_fwd | no_packet_in, mask=0xFF)
    assert list(switch.send(1, TCP)) == [3]


def test_a_port_that_is_not_there_is_not_up(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:4,output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    switch.remove_port(4)
    assert list(switch.send(1, TCP)) == [3]
    switch.add_port(4)
    assert list(switch.send(1, TCP)) == [2]


def test_failover_without_a_living_bucket_drops(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:2,output:2")
    switch.add_flow("actions=group:1,output:3")
    switch.set_port(2, config=DOWN, mask=DOWN)
    assert switch.send(1, TCP) == {3: [TCP]}
    assert counted(switch, 1) == (1, [0])


def test_a_bucket_lives_while_its_port_or_its_group_does(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:3,output:3")
    switch.add_group(
        "group_id=2,type=ff,bucket=watch_port:2,watch_group:1,output:2,bucket=output:4"
    )
    switch.add_flow("actions=group:2")
    ways = []
    for down in ((), (2,), (3,), (2, 3)):
        for port in (2, 3):
            switch.set_port(port, state=LINK_DOWN if port in down else 0)
        ways.append(list(switch.send(1, TCP)))
    assert ways[0] == ways[2] == [2]
    assert ways[3] == [4]
    assert ways[1] == [], "the bucket lives by its group, the port it sends to is down"


def test_liveness_goes_through_a_chain_of_groups(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:3,output:3")
    for number in range(2, 9):
        switch.add_group(f"group_id={number},type=all,bucket=watch_group:{number - 1},output:3")
    switch.add_group("group_id=9,type=ff,bucket=watch_group:8,group:1,bucket=output:4")
    switch.add_flow("actions=group:9")
    assert list(switch.send(1, TCP)) == [3]
    switch.set_port(3, state=LINK_DOWN)
    assert list(switch.send(1, TCP)) == [4]


def test_a_watched_group_that_is_deleted_lives_no_more(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:3")
    switch.add_group("group_id=2,type=ff,bucket=watch_group:1,output:2,bucket=output:4")
    switch.add_flow("actions=group:2")
    assert list(switch.send(1, TCP)) == [2]
    switch.del_groups("group_id=1")
    assert list(switch.send(1, TCP)) == [4]


def test_a_group_without_buckets_does_not_live(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all")
    switch.add_group("group_id=2,type=ff,bucket=watch_group:1,output:2,bucket=output:4")
    switch.add_flow("actions=group:2")
    assert list(switch.send(1, TCP)) == [4]
    switch.mod_group("group_id=1,type=all,bucket=drop")
    assert list(switch.send(1, TCP)) == [2]


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


# ---- what is made, told, changed, deleted ----


def test_groups_are_told_as_they_were_made(switch: Switch) -> None:
    texts = (
        "group_id=1,type=all,bucket=mod_dl_dst:02:00:00:00:00:01,output:2,bucket=drop",
        "group_id=2,type=select,bucket=weight:7,watch_port:3,output:3,bucket=group:1",
        f"group_id={GROUP_MAX},type=ff,bucket=watch_group:2,watch_port:1,output:3",
        "group_id=0,type=indirect,bucket=push_mpls:0x8847,set_field:5->mpls_label,output:2",
    )
    for text in texts:
        switch.add_group(text)
    made = sorted((parse_group(text) for text in texts), key=lambda group: group.group)
    assert switch.dump_groups() == made


def test_a_long_list_of_groups_is_told_whole(switch: Switch) -> None:
    """More than one message holds (65,535 bytes)."""
    bucket = Bucket(tuple(Output(port) for port in (2, 3, 4)))
    made = [GroupDesc(GroupType.ALL, number, (bucket,) * 4) for number in range(500)]
    for group in made:
        switch.add_group(group)
    assert switch.dump_groups() == made
    assert sorted(switch.group_stats()) == list(range(500))


def test_groups_count_packets_bytes_references_and_time(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=push_vlan:0x8100,output:2,bucket=output:3")
    switch.add_flow("tcp,actions=group:1")
    switch.add_flow("udp,actions=write_actions(group:1)")
    switch.advance(2)
    for _ in range(3):
        switch.send(1, TCP)
    stats = switch.group_stats()[1]
    assert (stats.packets, stats.bytes, stats.references) == (3, 3 * len(TCP), 2)
    assert [(b.packets, b.bytes) for b in stats.buckets] == [(3, 3 * len(TCP))] * 2
    assert stats.duration_sec == 2


def test_a_group_that_is_changed_goes_on_counting_and_its_buckets_begin_anew(
    switch: Switch,
) -> None:
    """6.5: the group's own counters continue, those of its buckets are cleared."""
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    switch.send(1, TCP)
    switch.mod_group("group_id=1,type=all,bucket=output:4")
    assert counted(switch, 1) == (1, [0])
    assert switch.send(1, TCP) == {4: [TCP]}
    assert counted(switch, 1) == (2, [1])


def test_a_group_may_get_another_type(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    assert sorted(switch.send(1, TCP)) == [2, 3]
    switch.mod_group("group_id=1,type=ff,bucket=output:2,bucket=output:3")
    assert sorted(switch.send(1, TCP)) == [2]


def test_a_group_is_added_once(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    again = refused(switch, "group_id=1,type=all,bucket=output:3")
    assert again is Error.GROUP_MOD_FAILED_GROUP_EXISTS
    assert switch.dump_groups() == [parse_group("group_id=1,type=all,bucket=output:2")]


def test_only_a_group_that_is_there_is_changed(switch: Switch) -> None:
    error = refused(switch, "group_id=1,type=all,bucket=output:3", command=GroupCommand.MODIFY)
    assert error is Error.GROUP_MOD_FAILED_UNKNOWN_GROUP


@pytest.mark.parametrize("number", [GROUP_MAX + 1, ALL_GROUPS, ANY_GROUP])
def test_a_reserved_number_is_no_group(switch: Switch, number: int) -> None:
    group = GroupDesc(GroupType.ALL, number, (Bucket((Output(2),)),))
    assert refused(switch, group) is Error.GROUP_MOD_FAILED_INVALID_GROUP


def test_a_bucket_can_not_lead_to_a_group_that_is_not_there(switch: Switch) -> None:
    missing = refused(switch, "group_id=1,type=all,bucket=output:2,bucket=group:7")
    assert missing is Error.BAD_ACTION_BAD_OUT_GROUP
    assert switch.dump_groups() == []


def test_a_bucket_can_not_send_to_no_port(switch: Switch) -> None:
    group = GroupDesc(GroupType.ALL, 1, (Bucket((Output(0),)),))
    assert refused(switch, group) is Error.BAD_ACTION_BAD_OUT_PORT


def test_a_bucket_can_not_send_to_the_tables(switch: Switch) -> None:
    """TABLE is for packet-outs only (4.5)."""
    error = refused(switch, "group_id=1,type=all,bucket=output:TABLE")
    assert error is Error.BAD_ACTION_BAD_OUT_PORT


def test_an_unknown_command_and_type_are_refused(switch: Switch) -> None:
    whole = bytearray(group_mod(GroupDesc(GroupType.ALL, 1)))
    whole[9] = 3
    assert refused(switch, bytes(whole)) is Error.GROUP_MOD_FAILED_BAD_COMMAND
    whole[9], whole[10] = 0, 4
    assert refused(switch, bytes(whole)) is Error.GROUP_MOD_FAILED_BAD_TYPE


@pytest.mark.parametrize("size", [0, 8, 15, 17, 0xFFFF])
def test_a_bucket_that_lies_about_its_size_is_refused(switch: Switch, size: int) -> None:
    """S1"""
    whole = bytearray(group_mod(GroupDesc(GroupType.ALL, 1, (Bucket(),))))
    whole[16:18] = size.to_bytes(2)
    assert refused(switch, bytes(whole)) is Error.GROUP_MOD_FAILED_BAD_BUCKET


# ---- rules and groups ----


@pytest.mark.parametrize("actions", ["group:7", "write_actions(group:7)", "output:2,group:7"])
@pytest.mark.parametrize("command", [Command.ADD, Command.MODIFY])
def test_a_rule_can_not_lead_to_a_group_that_is_not_there(
    switch: Switch, actions: str, command: Command
) -> None:
    switch.add_flow("actions=output:2")
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_flow(parse_rule(f"actions={actions}"), command)
    error = Error((caught.value.type, caught.value.code))
    assert error is Error.BAD_ACTION_BAD_OUT_GROUP
    assert switch.send(1, TCP) == {2: [TCP]}


@pytest.mark.parametrize("number", [ALL_GROUPS, ANY_GROUP])
def test_a_rule_leads_to_one_group(switch: Switch, number: int) -> None:
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_flow(Rule(instructions=(ApplyActions((Group(number),)),)))
    assert (caught.value.type, caught.value.code) == Error.BAD_ACTION_BAD_OUT_GROUP.value


def test_with_a_group_go_the_rules_that_lead_to_it(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=output:3")
    switch.add_flow("cookie=0x1,send_flow_rem,tcp,actions=group:1")
    switch.add_flow("table=7,cookie=0x2,send_flow_rem,udp,actions=write_actions(group:1)")
    switch.add_flow("cookie=0x3,send_flow_rem,udp,actions=group:2")
    switch.add_flow("cookie=0x4,icmp,actions=output:2,group:1")
    switch.send(1, TCP)
    switch.del_groups("group_id=1")
    assert [group.group for group in switch.dump_groups()] == [2]
    assert [told.rule.cookie for told in switch.dump_flows()] == [3]
    assert switch.send(1, TCP) == {}
    switch.advance(0.1)
    told = sorted(map(read_flow_removed, switch.flow_removed()))
    assert [(one.cookie, one.reason) for one in told] == [(1, GROUP_DELETED), (2, GROUP_DELETED)]
    assert [one.packets for one in told] == [1, 0]


def test_all_groups_are_deleted_at_once(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1")
    switch.add_flow("tcp,actions=group:2")
    switch.add_flow("udp,actions=output:2")
    switch.del_groups()
    assert switch.dump_groups() == []
    assert [str(told.rule.match.exact("ip_proto")) for told in switch.dump_flows()] == ["17"]


def test_deleting_what_is_not_there_is_no_error(switch: Switch) -> None:
    switch.add_group("group_id=2,type=all,bucket=output:2")
    switch.del_groups("group_id=1")
    assert len(switch.dump_groups()) == 1
    for _ in range(2):
        switch.del_groups()
        assert switch.dump_groups() == []


def test_a_group_that_another_leads_to_stays(switch: Switch) -> None:
    """6.5: OFPGMFC_CHAINED_GROUP; its rules stay with it."""
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1")
    switch.add_flow("actions=group:1")
    error = refused(switch, "group_id=1", command=GroupCommand.DELETE)
    assert error is Error.GROUP_MOD_FAILED_CHAINED_GROUP
    assert switch.send(1, TCP) == {2: [TCP]}
    switch.del_groups("group_id=2")
    switch.del_groups("group_id=1")
    assert switch.dump_groups() == []


def test_rules_are_deleted_by_the_group_they_lead_to(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=output:2")
    switch.add_flow("tcp,actions=group:1")
    switch.add_flow("udp,actions=write_actions(group:1)")
    switch.add_flow("icmp,actions=group:2")
    switch.delete_flows("out_group=1")
    assert [told.rule.match.exact("ip_proto") for told in switch.dump_flows()] == [1]


def test_a_number_may_be_used_again(switch: Switch) -> None:
    for port in (2, 3, 4):
        switch.add_group(f"group_id=1,type=all,bucket=output:{port}")
        switch.add_flow("actions=group:1")
        assert switch.send(1, TCP) == {port: [TCP]}
        assert counted(switch, 1) == (1, [1])
        switch.del_groups("group_id=1")
        assert switch.send(1, TCP) == {}


# ---- packet-outs ----


def test_a_packet_out_may_go_to_a_group(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=push_vlan:0x8100,output:2,bucket=output:3")
    switch.openflow(packet_out((Group(1), Output(4)), TCP) + message(BARRIER))
    assert switch.received() == {2: [TAGGED], 3: [TCP], 4: [TCP]}
    assert counted(switch, 1) == (1, [1, 1])


def test_a_packet_out_to_a_group_that_is_not_there_is_refused(switch: Switch) -> None:
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.openflow(packet_out((Group(1),), TCP))
    assert (caught.value.type, caught.value.code) == Error.BAD_ACTION_BAD_OUT_GROUP.value
    assert switch.received() == {}


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
