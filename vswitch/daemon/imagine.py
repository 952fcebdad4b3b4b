"""An imagined packet: a frame that fits a match, for `trace`.

    "tcp,nw_dst=10.0.0.2,tp_dst=80"  ->  an Ethernet frame with IPv4 and TCP headers

Fields that the match leaves open get quiet defaults: TTL 64, zero addresses and ports.  Checksums
are right, so that the switch treats the frame like one from a wire.  Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from datapath.oxm import Match

VLAN_PRESENT = 0x1000
IPV4, ARP, VLAN, IPV6 = 0x0800, 0x0806, 0x8100, 0x86DD
MPLS, MPLS_MULTICAST, PBB = 0x8847, 0x8848, 0x88E7
ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132
ND_SOLICIT, ND_ADVERT = 135, 136
_SYN = 0x02

SHORTEST = 60
"""Bytes of the shortest frame on a wire, its checksum left out."""


class Fields:
    """A match's values by field name, with 0 for what it leaves open."""

    def __init__(self, match: Match) -> None:
        self._values = {term.field.name: term.value for term in match}

    def __call__(self, name: str, default: int = 0) -> int:
        value: int = self._values.get(name, default)
        return value

    def raw(self, name: str, size: int) -> bytes:
        """A value as 'size' bytes, the highest first."""
        return self(name).to_bytes(size)


def frame_of(match: Match) -> bytes:
    """An Ethernet frame that the match describes, at least 60 bytes long."""
    f = Fields(match)
    ethertype = f("eth_type")
    layer3 = _NETWORK[ethertype](f) if ethertype in _NETWORK else b""
    tag = b""
    if f("vlan_vid") & VLAN_PRESENT:
        tci = f("vlan_pcp") << 13 | f("vlan_vid") & 0xFFF
        tag = struct.pack("!HH", VLAN, tci)
    addresses = f.raw("eth_dst", 6) + f.raw("eth_src", 6)
    frame = addresses + tag + struct.pack("!H", ethertype) + layer3
    return frame.ljust(SHORTEST, b"\0")


def _arp(f: Fields) -> bytes:
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, f("arp_op", 1))
    sender = f.raw("arp_sha", 6) + f.raw("arp_spa", 4)
    return head + sender + f.raw("arp_tha", 6) + f.raw("arp_tpa", 4)


def _mpls(f: Fields) -> bytes:
    entry = f("mpls_label") << 12 | f("mpls_tc") << 9 | f("mpls_bos", 1) << 8 | 64
    return entry.to_bytes(4)


def _pbb(f: Fields) -> bytes:
    return f.raw("pbb_isid", 4) + f.raw("eth_dst", 6) + f.raw("eth_src", 6)


def _ipv4(f: Fields) -> bytes:
    source, destination = f.raw("ipv4_src", 4), f.raw("ipv4_dst", 4)
    number = f("ip_proto")
    pseudo = source + destination + struct.pack("!BB", 0, number)
    payload = _transport(f, number, pseudo, 2)
    tos = f("ip_dscp") << 2 | f("ip_ecn")
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), 0, 0, 64, number, 0)
    total = checksum(head + source + destination)
    return head[:10] + struct.pack("!H", total) + source + destination + payload


def _ipv6(f: Fields) -> bytes:
    source, destination = f.raw("ipv6_src", 16), f.raw("ipv6_dst", 16)
    number = f("ip_proto")
    pseudo = source + destination + struct.pack("!HBB", 0, 0, number)
    payload = _transport(f, number, pseudo, 4)
    tos = f("ip_dscp") << 2 | f("ip_ecn")
    first = 6 << 28 | tos << 20 | f("ipv6_label")
    return struct.pack("!IHBB", first, len(payload), number, 64) + source + destination + payload


def _transport(f: Fields, number: int, pseudo: bytes, size_bytes: int) -> bytes:
    """The header above IP; 'size_bytes' of length complete the pseudo-header."""
    if number not in _TRANSPORT:
        return b""
    build, at, covers_pseudo = _TRANSPORT[number]
    header = build(f)
    if at < 0:
        return header
    whole = (pseudo + len(header).to_bytes(size_bytes) if covers_pseudo else b"") + header
    return header[:at] + struct.pack("!H", checksum(whole)) + header[at + 2 :]


def _tcp(f: Fields) -> bytes:
    ports = struct.pack("!HH", f("tcp_src"), f("tcp_dst"))
    return ports + struct.pack("!IIHHHH", 0, 0, 5 << 12 | _SYN, 65535, 0, 0)


def _udp(f: Fields) -> bytes:
    return struct.pack("!HHHH", f("udp_src"), f("udp_dst"), 8, 0)


def _sctp(f: Fields) -> bytes:
    return struct.pack("!HHII", f("sctp_src"), f("sctp_dst"), 0, 0)


def _icmp(f: Fields) -> bytes:
    return struct.pack("!BBHHH", f("icmpv4_type", 8), f("icmpv4_code"), 0, 0, 0)


def _icmpv6(f: Fields) -> bytes:
    kind = f("icmpv6_type", 128)
    head = struct.pack("!BBHI", kind, f("icmpv6_code"), 0, 0)
    if kind == ND_SOLICIT:
        return head + f.raw("nd_target", 16) + b"\1\1" + f.raw("nd_sll", 6)
    if kind == ND_ADVERT:
        return head + f.raw("nd_target", 16) + b"\2\1" + f.raw("nd_tll", 6)
    return head


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


_NETWORK: dict[int, Callable[[Fields], bytes]] = {
    IPV4: _ipv4, ARP: _arp, IPV6: _ipv6, MPLS: _mpls, MPLS_MULTICAST: _mpls, PBB: _pbb,
}  # fmt: skip

_TRANSPORT: dict[int, tuple[Callable[[Fields], bytes], int, bool]] = {
    ICMP: (_icmp, 2, False),
    TCP: (_tcp, 16, True),
    UDP: (_udp, 6, True),
    ICMPV6: (_icmpv6, 2, True),
    SCTP: (_sctp, -1, False),
}
"""Protocol -> its header, where the checksum stands in it (-1: not made), and whether that
covers the pseudo-header."""
