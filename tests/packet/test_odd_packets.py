"""Packets that are cut short, too long or stacked too deep (HARDENING S9, S10)."""

from __future__ import annotations

import random

import pytest
from scapy.all import Dot1Q, Ether
from scapy.layers.inet import IP, TCP

from datapath.packet_text import parse_packet
from datapath.switch import Switch
from tests.oracle import corpus

WHOLE = bytes(Ether() / Dot1Q(vlan=5) / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(dport=80) / b"abc")


def test_a_frame_matches_only_headers_that_are_whole(switch: Switch) -> None:
    """The same frame cut at each byte: the rule that it meets is the deepest it still has."""
    switch.add_flow("priority=40,tcp,dl_vlan=5,tp_dst=80,actions=output:4")
    switch.add_flow("priority=30,ip,dl_vlan=5,nw_dst=10.0.0.2,actions=output:3")
    switch.add_flow("priority=20,dl_vlan=5,actions=output:2")
    for size in range(14, len(WHOLE) + 1):
        want = [4] if size == len(WHOLE) else [2] if size >= 18 else []
        assert list(switch.send(1, WHOLE[:size])) == want, size


def test_a_cut_transport_header_hides_the_ports(switch: Switch) -> None:
    """IP is whole by its own length; TCP is not."""
    switch.add_flow("priority=40,tcp,tp_dst=80,actions=output:4")
    switch.add_flow("priority=30,tcp,actions=output:3")
    packet = IP(src="10.0.0.1", dst="10.0.0.2", proto=6) / (bytes(TCP(dport=80))[:19])
    assert list(switch.send(1, bytes(Ether() / packet))) == [3]


def test_a_later_fragment_has_no_ports(switch: Switch) -> None:
    switch.add_flow("priority=40,tcp,tp_dst=80,actions=output:4")
    switch.add_flow("priority=30,tcp,actions=set_field:81->tcp_dst,output:3")
    packet = bytes(
        Ether() / IP(src="10.0.0.1", dst="10.0.0.2", frag=5, proto=6) / bytes(TCP(dport=80))
    )
    assert switch.send(1, packet) == {3: [packet]}


@pytest.mark.parametrize("size", [14, 15, 59, 60, 1514, 1920, 1921, 9014, 65000, 65536])
def test_frames_of_all_sizes_pass_unchanged(switch: Switch, size: int) -> None:
    switch.add_flow("actions=output:2")
    frame = random.Random(size).randbytes(12) + b"\x88\xb5" + random.Random(1).randbytes(size - 14)
    assert switch.send(1, frame) == {2: [frame]}


@pytest.mark.parametrize("size", [64000, 65000, 65001, 65500, 65535, 65536])
def test_a_frame_too_long_for_a_packet_in_harms_nothing(switch: Switch, size: int) -> None:
    switch.add_flow("actions=CONTROLLER:65535,output:2")
    assert list(switch.send(1, bytes(size))) == [2]
    assert [len(told.data) for told in switch.packet_ins()] == ([size] if size <= 65000 else [])
    assert switch.stats().packet_ins_lost == (size > 65000)


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 7, 8, 9, 16, 64])
def test_deep_tag_stacks_are_switched(switch: Switch, depth: int) -> None:
    switch.add_flow("actions=output:2")
    switch.add_flow("priority=65535,dl_vlan=7,actions=output:3")
    frame = bytes(12) + bytes.fromhex("81000007") * depth + bytes.fromhex("88b5") + bytes(46)
    assert switch.send(1, frame) == {3 if depth else 2: [frame]}


def test_hostile_frames_are_forwarded_or_dropped_and_nothing_else(switch: Switch) -> None:
    """Everything edits everything; what is wrong would be seen by the sanitizers."""
    switch.add_flows(
        """
        priority=9,tcp,actions=mod_tp_src:1,mod_nw_src:1.2.3.4,push_vlan:0x88a8,output:2,goto_table:1
        priority=9,udp6,actions=mod_tp_src:1,set_field:::1->ipv6_src,pop_vlan,output:2,goto_table:1
        priority=9,icmp6,icmp_type=135,actions=set_field:02:00:00:00:00:01->nd_sll,pop_vlan,output:2
        priority=9,arp,actions=set_field:2->arp_op,set_field:1.2.3.4->arp_tpa,FLOOD
        priority=0,actions=dec_ttl,pop_vlan,output:3,CONTROLLER:65535
        table=1,actions=dec_ttl,output:4
        """
    )
    rng = random.Random(3)
    for _ in range(3000):
        switch.send(rng.randrange(1, 5), corpus.damaged(rng, corpus.frame(rng)))
    switch.packet_ins()
    assert list(switch.send(1, parse_packet("tcp", 1).frame)) == [2, 4]
