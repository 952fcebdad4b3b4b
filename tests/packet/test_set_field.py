"""Every settable field set by a rule: the frame is what scapy would have built."""

from __future__ import annotations

import pytest
from scapy.all import (
    ARP,
    Dot1AH,
    Dot1Q,
    Ether,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    Packet,
    Raw,
)
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.sctp import SCTP

from datapath.action import SetField
from datapath.fields import BY_NAME, FIELDS
from datapath.instruction import ApplyActions
from datapath.rule import Rule, parse_rule
from datapath.switch import OpenFlowRefusal, Switch

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
FOUR = {"src": "10.0.0.1", "dst": "10.0.0.2"}
SIX = {"src": "fe80::1", "dst": "fe80::2"}
DATA = b"what is carried"


def frame(*layers: Packet) -> Packet:
    whole = Ether(**MACS)
    for layer in layers:
        whole = whole / layer
    return whole


# field: match, value in ovs-ofctl's words, the packet before, the packet after
CASES: dict[str, tuple[str, str, Packet, Packet]] = {
    "eth_dst": (
        "",
        "02:aa:00:00:00:09",
        frame(IP(**FOUR)),
        Ether(src=MACS["src"], dst="02:aa:00:00:00:09") / IP(**FOUR),
    ),
    "eth_src": (
        "",
        "02:aa:00:00:00:09",
        frame(IP(**FOUR)),
        Ether(dst=MACS["dst"], src="02:aa:00:00:00:09") / IP(**FOUR),
    ),
    "vlan_vid": (
        "dl_vlan=5",
        "4105",
        frame(Dot1Q(vlan=5, prio=3), IP(**FOUR)),
        frame(Dot1Q(vlan=9, prio=3), IP(**FOUR)),
    ),
    "vlan_pcp": (
        "dl_vlan=5",
        "6",
        frame(Dot1Q(vlan=5, prio=3), IP(**FOUR)),
        frame(Dot1Q(vlan=5, prio=6), IP(**FOUR)),
    ),
    "ip_dscp": (
        "ip",
        "46",
        frame(IP(tos=1, **FOUR), UDP()),
        frame(IP(tos=46 << 2 | 1, **FOUR), UDP()),
    ),
    "ip_ecn": ("ipv6", "3", frame(IPv6(tc=0x88, **SIX), UDP()), frame(IPv6(tc=0x8B, **SIX), UDP())),
    "ip_proto": (
        "ip",
        "253",
        frame(IP(proto=252, **FOUR), DATA),
        frame(IP(proto=253, **FOUR), DATA),
    ),
    "ipv4_src": (
        "tcp",
        "192.168.7.1",
        frame(IP(**FOUR), TCP(), DATA),
        frame(IP(src="192.168.7.1", dst=FOUR["dst"]), TCP(), DATA),
    ),
    "ipv4_dst": (
        "udp",
        "192.168.7.1",
        frame(IP(**FOUR), UDP(), DATA),
        frame(IP(dst="192.168.7.1", src=FOUR["src"]), UDP(), DATA),
    ),
    "tcp_src": (
        "tcp",
        "99",
        frame(IP(**FOUR), TCP(), DATA),
        frame(IP(**FOUR), TCP(sport=99), DATA),
    ),
    "tcp_dst": (
        "tcp6",
        "99",
        frame(IPv6(**SIX), TCP(), DATA),
        frame(IPv6(**SIX), TCP(dport=99), DATA),
    ),
    "udp_src": (
        "udp6",
        "99",
        frame(IPv6(**SIX), UDP(), DATA),
        frame(IPv6(**SIX), UDP(sport=99), DATA),
    ),
    "udp_dst": (
        "udp",
        "99",
        frame(IP(**FOUR), UDP(), DATA),
        frame(IP(**FOUR), UDP(dport=99), DATA),
    ),
    "sctp_src": (
        "sctp",
        "99",
        frame(IP(**FOUR), SCTP(), DATA),
        frame(IP(**FOUR), SCTP(sport=99), DATA),
    ),
    "sctp_dst": (
        "sctp6",
        "99",
        frame(IPv6(**SIX), SCTP(), DATA),
        frame(IPv6(**SIX), SCTP(dport=99), DATA),
    ),
    "icmpv4_type": (
        "icmp",
        "0",
        frame(IP(**FOUR), ICMP(type=8), DATA),
        frame(IP(**FOUR), ICMP(type=0), DATA),
    ),
    "icmpv4_code": (
        "icmp",
        "9",
        frame(IP(**FOUR), ICMP(), DATA),
        frame(IP(**FOUR), ICMP(code=9), DATA),
    ),
    "arp_op": ("arp", "2", frame(ARP(op=1)), frame(ARP(op=2))),
    "arp_spa": ("arp", "10.9.9.9", frame(ARP(psrc="1.1.1.1")), frame(ARP(psrc="10.9.9.9"))),
    "arp_tpa": (
        "arp",
        "10.9.9.9",
        frame(ARP(psrc="1.1.1.1")),
        frame(ARP(psrc="1.1.1.1", pdst="10.9.9.9")),
    ),
    "arp_sha": ("arp", MACS["dst"], frame(ARP(hwsrc=MACS["src"])), frame(ARP(hwsrc=MACS["dst"]))),
    "arp_tha": (
        "arp",
        MACS["dst"],
        frame(ARP(hwsrc=MACS["src"])),
        frame(ARP(hwsrc=MACS["src"], hwdst=MACS["dst"])),
    ),
    "ipv6_src": (
        "tcp6",
        "fe80::77",
        frame(IPv6(**SIX), TCP(), DATA),
        frame(IPv6(src="fe80::77", dst=SIX["dst"]), TCP(), DATA),
    ),
    "ipv6_dst": (
        "icmp6",
        "fe80::77",
        frame(IPv6(**SIX), ICMPv6EchoRequest(data=DATA)),
        frame(IPv6(dst="fe80::77", src=SIX["src"]), ICMPv6EchoRequest(data=DATA)),
    ),
    "ipv6_label": (
        "ipv6",
        "0xabcde",
        frame(IPv6(tc=7, **SIX), UDP()),
        frame(IPv6(tc=7, fl=0xABCDE, **SIX), UDP()),
    ),
    "icmpv6_type": (
        "icmp6",
        "129",
        frame(IPv6(**SIX), ICMPv6EchoRequest(data=DATA)),
        frame(IPv6(**SIX), ICMPv6EchoRequest(type=129, data=DATA)),
    ),
    "icmpv6_code": (
        "icmp6",
        "3",
        frame(IPv6(**SIX), ICMPv6EchoRequest(data=DATA)),
        frame(IPv6(**SIX), ICMPv6EchoRequest(code=3, data=DATA)),
    ),
    "nd_target": (
        "icmp6,icmp_type=135",
        "fe80::99",
        frame(IPv6(**SIX), ICMPv6ND_NS(tgt="fe80::3")),
        frame(IPv6(**SIX), ICMPv6ND_NS(tgt="fe80::99")),
    ),
    "nd_sll": (
        "icmp6,icmp_type=135",
        MACS["dst"],
        frame(IPv6(**SIX), ICMPv6ND_NS(tgt="fe80::3"), ICMPv6NDOptSrcLLAddr(lladdr=MACS["src"])),
        frame(IPv6(**SIX), ICMPv6ND_NS(tgt="fe80::3"), ICMPv6NDOptSrcLLAddr(lladdr=MACS["dst"])),
    ),
    "nd_tll": (
        "icmp6,icmp_type=136",
        MACS["dst"],
        frame(IPv6(**SIX), ICMPv6ND_NA(tgt="fe80::3"), ICMPv6NDOptDstLLAddr(lladdr=MACS["src"])),
        frame(IPv6(**SIX), ICMPv6ND_NA(tgt="fe80::3"), ICMPv6NDOptDstLLAddr(lladdr=MACS["dst"])),
    ),
    "eth_type": (
        "ip",
        "0x88b5",
        frame(IP(**FOUR)),
        Ether(type=0x88B5, **MACS) / Raw(bytes(IP(**FOUR))),
    ),
    "mpls_label": (
        "mpls",
        "70000",
        frame(MPLS(label=5, cos=3, s=0, ttl=9), MPLS(label=6), IP(**FOUR)),
        frame(MPLS(label=70000, cos=3, s=0, ttl=9), MPLS(label=6), IP(**FOUR)),
    ),
    "mpls_tc": (
        "mplsm",
        "6",
        Ether(type=0x8848, **MACS) / MPLS(label=5, cos=1, ttl=9) / IP(**FOUR),
        Ether(type=0x8848, **MACS) / MPLS(label=5, cos=6, ttl=9) / IP(**FOUR),
    ),
    "mpls_bos": (
        "mpls",
        "0",
        frame(MPLS(label=5, s=1, ttl=9), IP(**FOUR)),
        Ether(type=0x8847, **MACS) / MPLS(label=5, s=0, ttl=9) / Raw(bytes(IP(**FOUR))),
    ),
    "pbb_isid": (
        "dl_type=0x88e7",
        "0x123456",
        frame(Dot1AH(prio=5, isid=7), Ether(**MACS), IP(**FOUR)),
        frame(Dot1AH(prio=5, isid=0x123456), Ether(**MACS), IP(**FOUR)),
    ),
    "tunnel_id": ("", "0x5", frame(IP(**FOUR)), frame(IP(**FOUR))),
}


def test_every_settable_field_has_a_case() -> None:
    assert set(CASES) == {field.name for field in FIELDS if field.settable}


@pytest.mark.parametrize("name", CASES)
def test_a_field_is_set_and_checksums_follow(switch: Switch, name: str) -> None:
    match, value, before, after = CASES[name]
    switch.add_flow(f"{match}{',' if match else ''}actions=set_field:{value}->{name},output:2")
    for _ in range(2):  # by the tables, by the cache
        assert switch.send(1, bytes(before)) == {2: [bytes(after)]}


def test_a_rule_that_cannot_rely_on_a_header_is_refused(switch: Switch) -> None:
    """OFPBAC_MATCH_INCONSISTENT: set-field without the field's prerequisite in the match."""
    action = SetField(BY_NAME["tcp_dst"], 1)
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(Rule(instructions=(ApplyActions((action,)),)))
    assert (refused.value.type, refused.value.code) == (2, 10)


@pytest.mark.parametrize(
    "name", [field.name for field in FIELDS if field.settable and field.bits % 8]
)
def test_a_value_that_does_not_fit_is_refused(switch: Switch, name: str) -> None:
    """OFPBAC_BAD_SET_ARGUMENT (7.2.5); of a VLAN id also one without its bit (7.2.3.7)."""
    field = BY_NAME[name]
    most = (1 << field.bits) - 1
    wrong = [1 << field.bits] + ([0, 5, 0xFFF] if name == "vlan_vid" else [])
    match = parse_rule(f"{CASES[name][0]},actions=drop").match
    switch.add_flow(Rule(match, (ApplyActions((SetField(field, most),)),)))
    for value in wrong:
        with pytest.raises(OpenFlowRefusal) as refused:
            switch.add_flow(Rule(match, (ApplyActions((SetField(field, value),)),)))
        assert (refused.value.type, refused.value.code) == (2, 15)
