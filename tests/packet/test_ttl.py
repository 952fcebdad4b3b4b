"""TTLs of labels, and copies between headers (OpenFlow 1.3.5, 5.12)."""

from __future__ import annotations

import pytest

from datapath.switch import Switch
from tests.packet.headers import entry, frame, in_backbone, labelled, with_ttl

INVALID_TTL = 2
TCP = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80,nw_ttl=9")
TCP6 = frame("tcp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,tp_dst=80,nw_ttl=9")
ARP = frame("arp,arp_spa=10.0.0.1")


def test_the_ttl_of_a_label_is_decremented(switch: Switch) -> None:
    switch.add_flow("mpls,actions=dec_mpls_ttl,output:2")
    assert switch.send(1, labelled(TCP, entry(5, ttl=2))) == {2: [labelled(TCP, entry(5, ttl=1))]}


def test_only_the_outermost_ttl_is_decremented(switch: Switch) -> None:
    switch.add_flow("mpls,actions=dec_mpls_ttl,output:2")
    inner = entry(6, ttl=50)
    want = labelled(TCP, entry(5, ttl=63, bottom=False), inner)
    assert switch.send(1, labelled(TCP, entry(5, ttl=64, bottom=False), inner)) == {2: [want]}


def test_the_ttl_of_a_label_is_set_and_its_neighbours_stay(switch: Switch) -> None:
    switch.add_flow("mpls,actions=set_mpls_ttl:255,output:2")
    want = labelled(TCP, entry(5, ttl=255, tc=7))
    assert switch.send(1, labelled(TCP, entry(5, ttl=0, tc=7))) == {2: [want]}


@pytest.mark.parametrize("ttl", [0, 1])
def test_a_label_whose_ttl_ends_is_dropped_and_told(switch: Switch, ttl: int) -> None:
    switch.add_flow("table=0,mpls,actions=goto_table:3")
    switch.add_flow("table=3,cookie=0x77,mpls,actions=output:4,dec_mpls_ttl,output:2,goto_table:4")
    switch.add_flow("table=4,actions=output:3")
    packet = labelled(TCP, entry(5, ttl=ttl))
    for times in (1, 2):
        assert switch.send(1, packet) == {4: [packet]}
        (told,) = switch.packet_ins()
        assert (told.in_port, told.reason, told.table, told.cookie) == (1, INVALID_TTL, 3, 0x77)
        assert told.data == packet
        assert switch.drops(1) == {"ttl": times}
    assert [flow.packets for flow in switch.dump_flows()] == [2, 2, 0]


def test_a_ttl_that_ends_in_the_action_set_is_told_too(switch: Switch) -> None:
    switch.add_flow("mpls,actions=write_actions(dec_mpls_ttl,output:2)")
    assert switch.send(1, labelled(TCP, entry(5, ttl=1))) == {}
    assert [told.reason for told in switch.packet_ins()] == [INVALID_TTL]


@pytest.mark.parametrize("packet", [TCP, ARP, in_backbone(labelled(TCP, entry(5)), 1)])
def test_packets_without_a_label_have_no_such_ttl(switch: Switch, packet: bytes) -> None:
    switch.add_flow("actions=dec_mpls_ttl,set_mpls_ttl:3,copy_ttl_in,copy_ttl_out,output:2")
    assert switch.send(1, packet) == {2: [packet]}


@pytest.mark.parametrize("actions", ["dec_ttl", "mod_nw_ttl:3"])
def test_the_ttl_of_ip_is_out_of_sight_behind_a_label(switch: Switch, actions: str) -> None:
    switch.add_flow(f"actions={actions},output:2")
    packet = labelled(with_ttl(TCP, 1), entry(5))
    assert switch.send(1, packet) == {2: [packet]}


# ---- copies ----


@pytest.mark.parametrize("inner", [TCP, TCP6])
def test_a_ttl_is_copied_out_of_ip(switch: Switch, inner: bytes) -> None:
    switch.add_flow("mpls,actions=copy_ttl_out,output:2")
    assert switch.send(1, labelled(inner, entry(5, 64))) == {2: [labelled(inner, entry(5, 9))]}


@pytest.mark.parametrize("inner", [TCP, TCP6])
def test_a_ttl_is_copied_into_ip_with_its_checksum(switch: Switch, inner: bytes) -> None:
    switch.add_flow("mpls,actions=copy_ttl_in,output:2")
    label = entry(5, 201)
    assert switch.send(1, labelled(inner, label)) == {2: [labelled(with_ttl(inner, 201), label)]}


@pytest.mark.parametrize(("action", "outer", "inner"), [("out", 7, 7), ("in", 64, 64)])
def test_a_ttl_is_copied_between_labels(
    switch: Switch, action: str, outer: int, inner: int
) -> None:
    switch.add_flow(f"mpls,actions=copy_ttl_{action},output:2")
    third = entry(9, 99)
    before = (entry(5, 64, bottom=False), entry(6, 7, bottom=False), third)
    after = (entry(5, outer, bottom=False), entry(6, inner, bottom=False), third)
    assert switch.send(1, labelled(TCP, *before)) == {2: [labelled(TCP, *after)]}


@pytest.mark.parametrize("action", ["copy_ttl_out", "copy_ttl_in"])
@pytest.mark.parametrize(
    "packet",
    [
        labelled(ARP, entry(5, 33)),
        labelled(TCP, entry(5, 33))[:20],
        labelled(TCP, entry(5, 33))[:18],
        bytes(12) + bytes.fromhex("8847") + entry(5, bottom=False) + b"\0\0\0",
    ],
    ids=["no IP behind it", "IP cut short", "nothing behind it", "second label cut short"],
)
def test_nothing_is_copied_where_there_are_not_two_headers(
    switch: Switch, action: str, packet: bytes
) -> None:
    switch.add_flow(f"mpls,actions={action},output:2")
    assert switch.send(1, packet) == {2: [packet]}


def test_a_tunnel_counts_its_hops_to_the_packet_inside(switch: Switch) -> None:
    """The uniform model of RFC 3443: the label's TTL is the packet's on the way in and out."""
    switch.add_flow("in_port=1,ip,actions=dec_ttl,push_mpls:0x8847,output:2")
    switch.add_flow("in_port=3,mpls,actions=dec_mpls_ttl,copy_ttl_in,pop_mpls:0x0800,output:4")
    (inside,) = switch.send(1, TCP)[2]
    assert inside == labelled(with_ttl(TCP, 8), entry(0, 8))
    assert switch.send(3, inside) == {4: [with_ttl(TCP, 7)]}


# ---- their order in an action set ----


def test_an_action_set_copies_inwards_before_it_pops(switch: Switch) -> None:
    switch.add_flow("mpls,actions=write_actions(output:2,pop_mpls:0x0800,copy_ttl_in)")
    assert switch.send(1, labelled(TCP, entry(5, 201))) == {2: [with_ttl(TCP, 201)]}


def test_an_action_set_pushes_copies_outwards_then_decrements(switch: Switch) -> None:
    """The new entry copies 64, gets the inner 64 again, and is counted down."""
    switch.add_flow(
        "mpls,actions=write_actions(dec_mpls_ttl,copy_ttl_out,push_mpls:0x8847,output:2)"
    )
    want = labelled(TCP, entry(5, 63, bottom=False), entry(5, 64))
    assert switch.send(1, labelled(TCP, entry(5, 64))) == {2: [want]}


def test_an_action_set_copies_outwards_before_it_decrements(switch: Switch) -> None:
    switch.add_flow("mpls,actions=write_actions(dec_mpls_ttl,copy_ttl_out,output:2)")
    assert switch.send(1, labelled(TCP, entry(5, 64))) == {2: [labelled(TCP, entry(5, 8))]}


def test_an_action_set_decrements_before_it_sets(switch: Switch) -> None:
    switch.add_flow("mpls,actions=write_actions(set_mpls_ttl:50,dec_mpls_ttl,output:2)")
    assert switch.send(1, labelled(TCP, entry(5, 64))) == {2: [labelled(TCP, entry(5, 50))]}
