"""A field that a packet does not have meets no rule on it, not on zero either (1.3.5, 7.2.3.8).

In each case the bare rule on what the packet is still takes it; a packet with the field set to zero
shows that the rule on zero is not dead.
"""

from __future__ import annotations

import struct

import pytest

from datapath.rule import parse_rule
from datapath.switch import Switch
from tests.packet.headers import frame
from tests.packet.messages import aggregate

MACS = bytes.fromhex("020000000002020000000001")


def ipv4(proto: int, payload: bytes, fragment: int = 0) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, fragment, 64, proto, 0)
    return MACS + b"\x08\0" + head + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + payload


def ipv6(proto: int, payload: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload), proto, 64)
    return MACS + b"\x86\xdd" + head + bytes(32) + payload


TCP = bytes(12) + b"\x50" + bytes(7)
LATER = 0x2000 | 100
SOLICIT, ADVERT = bytes([135]) + bytes(23), bytes([136]) + bytes(23)
SOURCE, TARGET = bytes([1, 1]) + bytes(6), bytes([2, 1]) + bytes(6)
ARP = MACS + bytes.fromhex("08060001080006040000") + bytes(20)
LABEL = MACS + b"\x88\x47" + bytes(4)
I_TAG = MACS + b"\x88\xe7" + bytes(18)


def fragment(proto: int, payload: bytes) -> tuple[bytes, bytes]:
    """A later fragment, and a whole packet."""
    return ipv4(proto, payload, LATER), ipv4(proto, payload)


def cut(whole: bytes, to: int = -1) -> tuple[bytes, bytes]:
    return whole[:to], whole


# what the packet is; what is asked of it, all of it zero; one that lacks it, one that has it
CASES = [
    ("tcp", "tp_src=0", *fragment(6, TCP)),
    ("tcp", "tp_src=0/0xff00", *fragment(6, TCP)),
    ("udp", "tp_dst=0", *fragment(17, bytes(8))),
    ("sctp", "tp_dst=0", *fragment(132, bytes(12))),
    ("icmp", "icmp_type=0", *fragment(1, bytes(8))),
    ("icmp", "icmp_code=0", *fragment(1, bytes(8))),
    ("tcp", "tp_dst=0", ipv4(6, TCP[:19]), ipv4(6, TCP)),
    ("tcp", "tp_dst=0", ipv4(6, bytes(20)), ipv4(6, TCP)),  # a data offset that can't be
    ("udp", "tp_src=0", ipv4(17, bytes(7)), ipv4(17, bytes(8))),
    ("udp6", "tp_src=0", ipv6(17, bytes(7)), ipv6(17, bytes(8))),
    ("icmp6", "icmp_type=0", ipv6(58, bytes(3)), ipv6(58, bytes(4))),
    ("icmp6", "icmp_type=0,icmp_code=0", ipv6(58, b""), ipv6(58, bytes(4))),
    ("icmp6,icmp_type=135", "nd_target=::", ipv6(58, SOLICIT[:23]), ipv6(58, SOLICIT)),
    ("icmp6,icmp_type=135", "nd_target=::/8", ipv6(58, SOLICIT[:23]), ipv6(58, SOLICIT)),
    ("icmp6,icmp_type=135", "nd_sll=0:0:0:0:0:0", ipv6(58, SOLICIT), ipv6(58, SOLICIT + SOURCE)),
    ("icmp6,icmp_type=136", "nd_tll=0:0:0:0:0:0", ipv6(58, ADVERT), ipv6(58, ADVERT + TARGET)),
    ("ip", "nw_src=0.0.0.0/4", MACS + b"\x08\0" + bytes(30), ipv4(6, TCP)),
    ("ip", "ip_dscp=0", *cut(ipv4(6, TCP))),
    ("ip", "nw_ecn=0", *cut(ipv4(6, TCP), 16)),
    ("ip", "nw_proto=0", *cut(ipv4(0, b""))),
    ("ipv6", "ipv6_dst=::", *cut(ipv6(59, b""))),
    ("ipv6", "ipv6_label=0", *cut(ipv6(17, bytes(8)))),
    ("ipv6", "ipv6_exthdr=0/0x40", *cut(ipv6(17, bytes(8)), 14)),
    ("arp", "arp_op=0", *cut(ARP)),
    ("arp", "arp_spa=0.0.0.0", ARP[:14] + bytes(28), ARP),  # not for Ethernet and IPv4
    ("arp", "arp_sha=0:0:0:0:0:0", *cut(ARP, 22)),
    ("mpls", "mpls_label=0", *cut(LABEL)),
    ("mpls", "mpls_bos=0", *cut(LABEL)),
    ("dl_type=0x88e7", "pbb_isid=0", *cut(I_TAG)),
]
IDS = [f"{bare},{zero}" for bare, zero, _, _ in CASES]
Case = tuple[str, str, bytes, bytes]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_s10_zero_is_not_absence(switch: Switch, case: Case) -> None:
    bare, zero, without, having = case
    switch.add_flow(f"priority=1,{bare},actions=output:2")
    switch.add_flow(f"priority=2,{bare},{zero},actions=output:3")
    for _ in range(2):  # the second by the cache
        assert list(switch.send(1, without)) == [2]
        assert list(switch.send(1, having)) == [3]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_cache_tells_them_apart_without_the_bare_rule(switch: Switch, case: Case) -> None:
    bare, zero, without, having = case
    switch.add_flow(f"{bare},{zero},actions=output:3")
    for _ in range(2):
        assert list(switch.send(1, having)) == [3]
        assert list(switch.send(1, without)) == []


def test_behind_a_header_that_is_cut_there_are_no_ports(switch: Switch) -> None:
    switch.add_flow("udp6,tp_dst=0,actions=output:2")
    assert list(switch.send(1, ipv6(0, b"\x11\1" + bytes(6)))) == []
    assert list(switch.send(1, ipv6(0, b"\x11\0" + bytes(14)))) == [2]


def test_a_mask_of_no_bits_asks_for_nothing(switch: Switch) -> None:
    switch.add_flow("tcp,tp_dst=0/0,actions=output:2")
    assert list(switch.send(1, ipv4(6, TCP, LATER))) == [2]


def test_a_fragment_s_address_is_there_though_its_ports_are_not(switch: Switch) -> None:
    switch.add_flow("tcp,nw_dst=10.0.0.2,actions=output:2")
    assert list(switch.send(1, ipv4(6, TCP, LATER))) == [2]


def test_what_is_set_is_not_there_for_the_next_table_where_it_was_not(switch: Switch) -> None:
    switch.add_flow("tcp,actions=set_field:0->tcp_dst,goto_table:1")
    switch.add_flow("table=1,tcp,tp_dst=0,actions=output:2")
    switch.add_flow("table=1,priority=0,actions=output:3")
    assert list(switch.send(1, ipv4(6, TCP, LATER))) == [3]
    assert list(switch.send(1, "tcp,tp_dst=80")) == [2]


def test_a_label_that_is_pushed_is_there_and_hides_what_was(switch: Switch) -> None:
    switch.add_flow("udp,actions=push_mpls:0x8847,goto_table:1")
    switch.add_flow("table=1,mpls,mpls_label=0,mpls_tc=0,actions=pop_mpls:0x0800,goto_table:2")
    switch.add_flow("table=2,udp,tp_dst=0,actions=output:2")
    switch.add_flow("table=2,priority=0,actions=output:3")
    assert list(switch.send(1, ipv4(17, bytes(8)))) == [2]
    assert list(switch.send(1, ipv4(17, bytes(8), LATER))) == [3]


def test_a_tag_s_priority_needs_a_tag(switch: Switch) -> None:
    switch.add_flow("vlan_tci=0x1000/0xf000,actions=output:2")
    assert switch.send(1, frame("ip")) == {}
    assert list(switch.send(1, frame("ip,dl_vlan=0,dl_vlan_pcp=0"))) == [2]


def test_rules_are_dumped_deleted_and_replaced_by_what_they_say(switch: Switch) -> None:
    """What a match asks for beside its fields shows nowhere."""
    for port in (2, 3):
        rule = parse_rule(f"priority=5,udp,nw_src=10.0.0.0/8,tp_dst=0,actions=output:{port}")
        switch.add_flow(rule)
        assert [flow.rule for flow in switch.dump_flows()] == [rule]
    switch.delete_flows("udp,tp_src=0")
    assert aggregate(switch).flows == 1
    switch.delete_flows("ip,nw_src=10.0.0.0/7")
    assert aggregate(switch).flows == 0


def test_a_table_miss_entry_takes_what_has_nothing(switch: Switch) -> None:
    switch.add_flow("priority=0,actions=CONTROLLER:65535")
    switch.send(1, MACS + b"\x08\0" + bytes(3))
    assert [packet.reason for packet in switch.packet_ins()] == [0]
