"""MPLS: labels pushed, popped, matched and written (OpenFlow 1.3.5, 5.12, 7.2.3.7, 7.2.5)."""

from __future__ import annotations

import pytest

from datapath.action import Output, PopMpls, PushMpls, SetField
from datapath.fields import BY_NAME
from datapath.instruction import ApplyActions
from datapath.packet_text import parse_packet
from datapath.rule import Rule
from datapath.switch import OpenFlowRefusal, Switch
from tests.packet.headers import MPLS_MULTICAST, entry, frame, in_backbone, labelled

TCP = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80,nw_ttl=9")
TCP6 = frame("tcp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,tp_dst=80,nw_ttl=7")
ARP = frame("arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.2")
TAGGED = frame("tcp,dl_vlan=5,dl_vlan_pcp=3,nw_dst=10.0.0.2,tp_dst=80,nw_ttl=9")


# ---- push ----


@pytest.mark.parametrize(("inner", "ttl"), [(TCP, 9), (TCP6, 7), (ARP, 0)])
def test_a_first_label_is_zero_at_the_bottom_with_the_ttl_of_ip(
    switch: Switch, inner: bytes, ttl: int
) -> None:
    switch.add_flow("actions=push_mpls:0x8847,output:2")
    assert switch.send(1, inner) == {2: [labelled(inner, entry(0, ttl))]}


def test_a_second_label_copies_the_first_and_is_not_the_bottom(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,output:2")
    first = entry(77, ttl=33, tc=5)
    want = labelled(TCP, entry(77, ttl=33, tc=5, bottom=False), first)
    assert switch.send(1, labelled(TCP, first)) == {2: [want]}


def test_labels_go_behind_the_tags(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,output:2")
    assert switch.send(1, TAGGED) == {2: [labelled(TAGGED, entry(0, 9), tags=1)]}


def test_tags_go_before_the_labels(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,push_vlan:0x8100,output:2")
    pushed = labelled(TCP, entry(0, 9))
    want = pushed[:12] + bytes.fromhex("81000000") + pushed[12:]
    assert switch.send(1, TCP) == {2: [want]}


def test_a_label_may_be_multicast(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8848,output:2")
    assert switch.send(1, TCP) == {2: [labelled(TCP, entry(0, 9), kind=MPLS_MULTICAST)]}


def test_the_type_that_was_pushed_last_holds(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,push_mpls:0x8848,output:2")
    want = labelled(TCP, entry(0, 9, bottom=False), entry(0, 9), kind=MPLS_MULTICAST)
    assert switch.send(1, TCP) == {2: [want]}


def test_many_labels_fit(switch: Switch) -> None:
    switch.add_flow("actions=" + "push_mpls:0x8847," * 6 + "output:2")
    stack = [entry(0, 9, bottom=False)] * 5 + [entry(0, 9)]
    assert switch.send(1, TCP) == {2: [labelled(TCP, *stack)]}


def test_a_copy_that_left_earlier_keeps_its_bytes(switch: Switch) -> None:
    switch.add_flow("actions=output:2,push_mpls:0x8847,output:3,pop_mpls:0x0800,output:4")
    out = switch.send(1, TCP)
    assert out[2] == out[4] == [TCP]
    assert out[3] == [labelled(TCP, entry(0, 9))]


def test_a_pushed_label_is_written_and_matched(switch: Switch) -> None:
    switch.add_flow(
        "ip,actions=push_mpls:0x8847,set_field:1234->mpls_label,set_field:3->mpls_tc,goto_table:1"
    )
    switch.add_flow("table=1,mpls,mpls_label=1234,mpls_tc=3,mpls_bos=1,actions=output:2")
    assert switch.send(1, TCP) == {2: [labelled(TCP, entry(1234, 9, tc=3))]}


def test_what_is_behind_a_pushed_label_is_out_of_sight(switch: Switch) -> None:
    switch.add_flow("priority=9,actions=push_mpls:0x8847,goto_table:1")
    switch.add_flow("table=1,priority=9,tcp,tp_dst=80,actions=output:2")
    switch.add_flow("table=1,priority=8,mpls,actions=output:3")
    assert list(switch.send(1, TCP)) == [3]


# ---- pop ----


@pytest.mark.parametrize(("inner", "kind"), [(TCP, "0x0800"), (TCP6, "0x86dd"), (ARP, "0x0806")])
def test_the_last_label_comes_off(switch: Switch, inner: bytes, kind: str) -> None:
    switch.add_flow(f"actions=pop_mpls:{kind},output:2")
    assert switch.send(1, labelled(inner, entry(5))) == {2: [inner]}


def test_labels_come_off_from_the_outside(switch: Switch) -> None:
    switch.add_flow("actions=pop_mpls:0x8847,output:2,pop_mpls:0x0800,output:3")
    inner, outer = entry(6), entry(5, bottom=False)
    out = switch.send(1, labelled(TCP, outer, inner))
    assert out == {2: [labelled(TCP, inner)], 3: [TCP]}


def test_labels_come_off_behind_the_tags(switch: Switch) -> None:
    switch.add_flow("actions=pop_mpls:0x0800,output:2")
    assert switch.send(1, labelled(TAGGED, entry(5), tags=1)) == {2: [TAGGED]}


@pytest.mark.parametrize("plain", [TCP, ARP, TAGGED])
def test_popping_where_there_is_no_label_does_nothing(switch: Switch, plain: bytes) -> None:
    switch.add_flow("actions=pop_mpls:0x86dd,output:2")
    assert switch.send(1, plain) == {2: [plain]}


def test_later_tables_see_what_came_to_light(switch: Switch) -> None:
    switch.add_flow("mpls,mpls_label=5,actions=pop_mpls:0x0800,goto_table:1")
    switch.add_flow("table=1,priority=9,tcp,nw_dst=10.0.0.2,tp_dst=80,actions=output:2")
    switch.add_flow("table=1,priority=1,actions=output:3")
    assert switch.send(1, labelled(TCP, entry(5))) == {2: [TCP]}
    other = frame("tcp,nw_dst=10.0.0.2,tp_dst=81")
    assert switch.send(1, labelled(other, entry(5))) == {3: [other]}


def test_two_packets_with_one_label_are_told_apart_behind_it(switch: Switch) -> None:
    """An answer from the cache that was made for the first must not hold for the second."""
    switch.add_flow("mpls,actions=pop_mpls:0x0800,goto_table:1")
    switch.add_flow("table=1,tcp,tp_dst=80,actions=output:2")
    switch.add_flow("table=1,tcp,tp_dst=81,actions=output:3")
    for _ in range(3):
        for port, want in ((80, 2), (81, 3), (82, None)):
            inner = frame(f"tcp,tp_dst={port}")
            out = switch.send(1, labelled(inner, entry(5)))
            assert out == ({want: [inner]} if want else {})


def test_the_actions_behind_a_pop_write_what_came_to_light(switch: Switch) -> None:
    switch.add_flow("mpls,actions=pop_mpls:0x0800,set_field:10.0.0.9->ip_dst,dec_ttl,output:2")
    want = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.9,tp_src=1000,tp_dst=80,nw_ttl=8")
    assert switch.send(1, labelled(TCP, entry(5))) == {2: [want]}


def test_an_action_set_pops_before_it_writes(switch: Switch) -> None:
    rule = "mpls,actions=write_actions(pop_mpls:0x0800,set_field:10.0.0.9->ip_dst,output:2)"
    switch.add_flow(rule)
    want = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.9,tp_src=1000,tp_dst=80,nw_ttl=9")
    assert switch.send(1, labelled(TCP, entry(5))) == {2: [want]}


def test_an_action_set_pops_before_it_pushes(switch: Switch) -> None:
    """Whatever the order in which they were written (5.10)."""
    switch.add_flow("actions=write_actions(output:2,push_mpls:0x8847,pop_mpls:0x0800)")
    assert switch.send(1, labelled(TCP, entry(5))) == {2: [labelled(TCP, entry(0, 9))]}


def test_an_action_set_has_one_push_of_labels(switch: Switch) -> None:
    switch.add_flow("actions=write_actions(push_mpls:0x8848),goto_table:1")
    switch.add_flow("table=1,actions=write_actions(push_mpls:0x8847,output:2)")
    assert switch.send(1, TCP) == {2: [labelled(TCP, entry(0, 9))]}


def test_a_pop_may_lie_about_what_is_behind(switch: Switch) -> None:
    """The bytes are IPv4; as IPv6 they are no header, so there is no field to see or to write."""
    switch.add_flow("mpls,actions=pop_mpls:0x86dd,set_field:fe80::9->ipv6_dst,goto_table:1")
    switch.add_flow("table=1,priority=9,tcp6,actions=output:3")
    switch.add_flow("table=1,priority=8,ipv6,actions=output:2")
    want = TCP[:12] + bytes.fromhex("86dd") + TCP[14:]
    assert switch.send(1, labelled(TCP, entry(5))) == {2: [want]}


def test_labels_may_carry_a_frame_in_a_backbone(switch: Switch) -> None:
    """The I-TAG comes to light behind the label, and the customer's frame behind the I-TAG."""
    carried = in_backbone(TCP, 7)
    switch.add_flow("mpls,actions=pop_mpls:0x88e7,goto_table:1")
    switch.add_flow("table=1,dl_type=0x88e7,pbb_isid=7,actions=pop_pbb,goto_table:2")
    switch.add_flow("table=2,tcp,tp_dst=80,actions=output:2")
    assert switch.send(1, labelled(carried, entry(5))) == {2: [TCP]}


# ---- match and set-field ----


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        ("mpls", True),
        ("mplsm", False),
        ("mpls,mpls_label=5", True),
        ("mpls,mpls_label=6", False),
        ("mpls,mpls_tc=3", True),
        ("mpls,mpls_tc=4", False),
        ("mpls,mpls_bos=0", True),
        ("mpls,mpls_bos=1", False),
        ("ip", False),
        ("tcp,tp_dst=80", False),
    ],
)
def test_only_the_outermost_entry_is_matched(switch: Switch, match: str, hits: bool) -> None:
    switch.add_flow(f"{match},actions=output:2")
    packet = labelled(TCP, entry(5, tc=3, bottom=False), entry(6, tc=4))
    for _ in range(2):
        assert switch.send(1, packet) == ({2: [packet]} if hits else {})


@pytest.mark.parametrize(
    ("written", "want"),
    [
        ("set_field:1048575->mpls_label", entry(0xFFFFF, 33, 5)),
        ("set_field:7->mpls_tc", entry(77, 33, 7)),
        ("set_field:0->mpls_bos", entry(77, 33, 5, bottom=False)),
    ],
)
def test_a_field_is_written_and_its_neighbours_stay(
    switch: Switch, written: str, want: bytes
) -> None:
    switch.add_flow(f"mpls,actions={written},output:2")
    assert switch.send(1, labelled(TCP, entry(77, 33, 5))) == {2: [labelled(TCP, want)]}


def test_only_the_outermost_entry_is_written(switch: Switch) -> None:
    switch.add_flow("mpls,actions=set_field:9->mpls_label,output:2")
    inner = entry(6)
    packet = labelled(TCP, entry(5, bottom=False), inner)
    want = labelled(TCP, entry(9, bottom=False), inner)
    assert switch.send(1, packet) == {2: [want]}


def test_ethernet_and_tags_are_seen_before_a_label(switch: Switch) -> None:
    switch.add_flow("mpls,dl_vlan=5,dl_vlan_pcp=3,dl_dst=00:00:00:00:00:00,actions=output:2")
    packet = labelled(TAGGED, entry(5), tags=1)
    assert switch.send(1, packet) == {2: [packet]}


# ---- odd frames (HARDENING S9, S10) ----


@pytest.mark.parametrize("left", range(4))
def test_s10_an_entry_that_is_cut_short_is_no_entry(switch: Switch, left: int) -> None:
    switch.add_flow(
        "mpls,actions=set_field:9->mpls_label,set_mpls_ttl:3,dec_mpls_ttl,pop_mpls:0x0800,output:2"
    )
    cut = labelled(TCP, entry(5))[: 14 + left]
    assert switch.send(1, cut) == {2: [cut]}


def test_a_push_before_an_entry_that_is_cut_short_begins_anew(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,output:2")
    cut = labelled(TCP, entry(5))[:17]
    want = cut[:14] + entry(0, 0) + cut[14:]
    assert switch.send(1, cut) == {2: [want]}


@pytest.mark.parametrize("depth", [1, 8, 64, 300])
def test_s9_a_deep_stack_does_no_harm(switch: Switch, depth: int) -> None:
    switch.add_flow("mpls,mpls_label=0,actions=pop_mpls:0x8847,output:2")
    stack = [entry(n, bottom=False) for n in range(depth)] + [entry(999)]
    assert switch.send(1, labelled(TCP, *stack)) == {2: [labelled(TCP, *stack[1:])]}


def test_a_stack_without_a_bottom_comes_off_to_its_end(switch: Switch) -> None:
    switch.add_flow("mpls,actions=" + "pop_mpls:0x8847," * 4 + "output:2")
    head = bytes(12) + bytes.fromhex("8847")
    endless = head + entry(1, bottom=False) * 3
    assert switch.send(1, endless) == {2: [head]}


def test_a_label_behind_more_tags_than_are_looked_at_is_too_deep(switch: Switch) -> None:
    switch.add_flow("actions=output:3,push_mpls:0x8847,output:2")
    packet = TCP[:12] + bytes.fromhex("81000007") * 9 + TCP[12:]
    assert list(switch.send(1, packet)) == [3]
    assert switch.drops(1) == {"too-deep": 1}


# ---- what is refused ----


@pytest.mark.parametrize(
    ("actions", "error"),
    [
        ((PushMpls(0x0800), Output(2)), (2, 5)),
        ((PushMpls(0x8100), Output(2)), (2, 5)),
        ((SetField(BY_NAME["mpls_label"], 1), Output(2)), (2, 10)),
        ((PushMpls(0x8847), SetField(BY_NAME["ipv4_dst"], 1)), (2, 10)),
        ((PushMpls(0x8847), PopMpls(0x0800), SetField(BY_NAME["mpls_tc"], 1)), (2, 10)),
        ((PushMpls(0x8847), SetField(BY_NAME["mpls_label"], 1 << 20)), (2, 15)),
    ],
)
def test_a_push_that_makes_no_sense_is_refused(
    switch: Switch, actions: tuple[object, ...], error: tuple[int, int]
) -> None:
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(Rule(instructions=(ApplyActions(actions),)))  # type: ignore[arg-type]
    assert (refused.value.type, refused.value.code) == error


def test_a_packet_is_told_to_the_controller_with_its_label(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,CONTROLLER:65535")
    switch.send(1, TCP)
    assert [told.data for told in switch.packet_ins()] == [labelled(TCP, entry(0, 9))]


def test_a_rule_counts_the_packet_as_it_came(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,output:2,goto_table:1")
    switch.add_flow("table=1,mpls,actions=pop_mpls:0x0800,goto_table:2")
    switch.add_flow("table=2,ip,actions=output:3")
    switch.send(1, parse_packet(TCP.hex(), 1).frame)
    assert [flow.bytes for flow in switch.dump_flows()] == [len(TCP)] * 3
