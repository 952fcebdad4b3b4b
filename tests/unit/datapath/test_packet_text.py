"""Packets in words become frames that other people's parsers take for whole."""

import pytest
from hypothesis import given, settings
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Dot1AH, Dot1Q, Ether
from scapy.packet import Packet

from datapath.match_text import format_match
from datapath.oxm import Match
from datapath.packet_text import SMALLEST_FRAME, TextPacket, checksum, crc32c, parse_packet
from datapath.ports import Reserved
from datapath.problems import SyntaxProblem
from tests.kit.rules import packets
from tests.oracle.values import values

CHECKED = ("chksum", "cksum", "len", "plen")


def dissect(text: str) -> Packet:
    """The frame as scapy sees it, after its checksums and lengths were found right."""
    frame = parse_packet(text, in_port=1).frame
    rebuilt = Ether(frame)
    for layer in rebuilt.layers():
        for name in CHECKED:
            if name in rebuilt[layer].fields:
                del rebuilt[layer].fields[name]
    assert bytes(rebuilt) == frame
    return Ether(frame)


def test_a_tcp_packet_is_the_first_of_a_connection() -> None:
    packet = dissect("tcp,dl_src=00:00:00:00:00:01,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80")
    assert (packet[Ether].src, packet[IP].src, packet[IP].dst) == (
        "00:00:00:00:00:01",
        "10.0.0.1",
        "10.0.0.2",
    )
    assert (packet[TCP].dport, str(packet[TCP].flags), packet[IP].ttl) == (80, "S", 64)


def test_a_tag_and_a_payload_have_their_places() -> None:
    packet = dissect("udp,dl_vlan=5,dl_vlan_pcp=3,tp_src=1,payload=00ff,nw_ttl=1")
    assert (packet[Dot1Q].vlan, packet[Dot1Q].prio) == (5, 3)
    assert (packet[UDP].sport, packet[UDP].len, packet[IP].ttl) == (1, 10, 1)
    assert bytes(packet[UDP].payload)[:2] == b"\x00\xff"


def test_a_priority_alone_makes_a_tag() -> None:
    assert dissect("dl_vlan_pcp=3")[Dot1Q].vlan == 0


def test_neighbour_discovery_carries_its_option_and_full_hop_limit() -> None:
    packet = dissect("icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=00:00:00:00:00:01")
    assert packet[IPv6].hlim == 255
    assert packet[ICMPv6ND_NS].tgt == "fe80::1"
    assert packet[ICMPv6ND_NS].payload.lladdr == "00:00:00:00:00:01"


def test_arp_icmp_and_flags_are_understood() -> None:
    assert dissect("arp,arp_op=2,arp_spa=1.2.3.4")[ARP].psrc == "1.2.3.4"
    assert dissect("icmp,icmp_type=8,nw_tos=32,nw_ecn=1")[ICMP].type == 8
    assert str(dissect("tcp6,tcp_flags=+syn+ack")[TCP].flags) == "SA"
    assert str(dissect("tcp,tcp_flags=1")[TCP].flags) == "F"


def test_a_label_is_the_bottom_of_its_stack_unless_the_text_says_more() -> None:
    label = dissect("mpls,mpls_label=70000,mpls_tc=5,mpls_ttl=9,payload=45")[MPLS]
    assert (label.label, label.cos, label.s, label.ttl) == (70000, 5, 1, 9)
    stack = dissect("mpls,mpls_label=5,mpls_bos=0,payload=00006140")
    assert (stack[MPLS].s, stack[MPLS].ttl, stack[MPLS].payload.label) == (0, 64, 6)


def test_a_service_carries_a_frame_with_the_same_addresses() -> None:
    words = "dl_type=0x88e7,pbb_isid=0x123456,dl_src=00:00:00:00:00:01,dl_vlan=5,payload=00ff"
    packet = dissect(words)
    assert (packet[Dot1Q].vlan, packet[Dot1AH].isid) == (5, 0x123456)
    customer = packet[Dot1AH].payload
    assert (customer.src, customer.type) == (packet.src, 0x88B5)
    assert bytes(customer.payload)[:2] == b"\0\xff"


@pytest.mark.parametrize("bits", [*range(0, 0x80, 4), 0x7D, 0x7E])
def test_extension_headers_are_those_that_the_bits_name(bits: int) -> None:
    frame = parse_packet(f"ipv6,ipv6_exthdr={bits:#x}", in_port=1).frame
    assert values(frame, 1)["ipv6_exthdr"] == bits
    assert values(frame, 1)["ip_proto"] == {0: 253, 1: 59, 2: 50}[bits & 3]
    udp = parse_packet(f"udp6,tp_dst=53,ipv6_exthdr={bits & 0x7C:#x}", in_port=1).frame
    assert (values(udp, 1)["ipv6_exthdr"], values(udp, 1)["udp_dst"]) == (bits & 0x7C, 53)


def test_text_says_where_a_packet_comes_in() -> None:
    assert parse_packet("in_port=LOCAL,arp").in_port == Reserved.LOCAL
    assert parse_packet("arp", in_port=7).in_port == 7
    assert parse_packet("in_port=2,arp", in_port=7).in_port == 2


def test_hexadecimal_is_taken_as_it_is() -> None:
    frame = bytes(range(14))
    assert parse_packet(frame.hex(), in_port=1) == TextPacket(1, frame)
    assert parse_packet(frame.hex(":") + " 0f", in_port=1).frame == frame + b"\x0f"


REFUSED = {
    "tcp": "add in_port=1",
    "00" * 14: "add in_port=1",
    "in_port=1,tcp,nw_src=1.0.0.0/8": "not a mask",
    "in_port=1,metadata=5": "no packet comes in with it",
    "in_port=1,tcp,tcp_flags=+foo": "'foo' is no flag",
    "in_port=1,tcp,payload=0": "not hexadecimal",
    "in_port=1,ip,nw_ttl=256": "out of range",
    "in_port=1,tp_dst=80": "add one of",
    "in_port=1,tun_id=5": "no packet comes in with it",
    "in_port=1,udp6,ipv6_exthdr=1": "before protocol 17",
    "in_port=1,ipv6,nw_proto=59,ipv6_exthdr=0x40": "before protocol 59",
    "in_port=1,ipv6,ipv6_exthdr=0xc0": "give the frame in hexadecimal",
    "in_port=1,ipv6,ipv6_exthdr=3": "never those",
    "in_port=1,mpls,mpls_ttl=256": "out of range",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_nonsense_is_refused_with_a_way_out(text: str, reason: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_packet(text)
    assert reason in str(caught.value)


def test_too_little_hexadecimal_is_no_frame() -> None:
    with pytest.raises(SyntaxProblem, match="at least 14 bytes"):
        parse_packet("0011", in_port=1)


@settings(deadline=None)
@given(packets())
def test_every_frame_is_whole_to_scapy(match: Match) -> None:
    text = format_match(match)
    dissect(text)
    assert len(parse_packet(text).frame) >= SMALLEST_FRAME


def test_known_checksums() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2
    assert crc32c(b"123456789") == 0xE3069283
