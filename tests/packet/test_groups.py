"""Groups: which buckets get a copy of the packet, and what it costs them (1.3.5, 5.6)."""

from __future__ import annotations

import pytest

from datapath.action import Group, Output
from datapath.group import Bucket, GroupDesc, GroupType
from datapath.problems import Error
from datapath.switch import OpenFlowRefusal, Switch
from tests.packet.grouped import TAG, TAGGED, TCP, counted, refused
from tests.packet.headers import entry, frame, in_backbone, labelled, with_ttl
from tests.packet.messages import BARRIER, message, packet_out

DOWN, LINK_DOWN = 1, 1
INVALID_TTL, ACTION = 2, 1


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
