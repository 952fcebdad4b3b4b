"""What rules may look at in a frame, by field name: the reference for key_extract() in C.

Built on the layout of tests/oracle/layout.py.  A field that the frame does not have is not in the
result, and no rule on it matches (the fragment without ports has no port 0 either).
"""

from __future__ import annotations

from tests.oracle.layout import ARP, ICMPV6, IPV4, IPV6, MPLS, PBB, TCP, Layout, be16, layout

UDP, SCTP, ICMP = 17, 132, 1
VLAN_PRESENT = 0x1000
NEIGHBOUR = {135: "nd_sll", 136: "nd_tll"}


def number(frame: bytes, at: int, size: int) -> int:
    return int.from_bytes(frame[at : at + size], "big")


def values(frame: bytes, in_port: int) -> dict[str, int]:
    """Every field of fields.def that the frame has, metadata and tunnel_id left out."""
    found, at = {}, layout(frame)
    found["in_port"] = found["in_phy_port"] = in_port
    found["eth_dst"], found["eth_src"] = number(frame, 0, 6), number(frame, 6, 6)
    found["eth_type"] = at.eth_type
    if at.n_vlans:
        tci = be16(frame, 14)
        found["vlan_vid"], found["vlan_pcp"] = tci & 0xFFF | VLAN_PRESENT, tci >> 13
    if at.kind == IPV4:
        ipv4(found, frame, at)
    elif at.kind == IPV6:
        ipv6(found, frame, at)
    elif at.kind == ARP:
        arp(found, frame, at.l3)
    elif at.kind == MPLS:
        mpls(found, number(frame, at.l3, 4))
    elif at.kind == PBB:
        found["pbb_isid"] = number(frame, at.l3 + 1, 3)
    return found


def mpls(found: dict[str, int], entry: int) -> None:
    """RFC 3032: label 20 bits, traffic class 3, bottom of stack 1, TTL 8."""
    found["mpls_label"], found["mpls_tc"] = entry >> 12, entry >> 9 & 7
    found["mpls_bos"] = entry >> 8 & 1


def arp(found: dict[str, int], frame: bytes, at: int) -> None:
    offsets = {"arp_op": (6, 2), "arp_sha": (8, 6), "arp_spa": (14, 4), "arp_tha": (18, 6)}
    for name, (offset, size) in (offsets | {"arp_tpa": (24, 4)}).items():
        found[name] = number(frame, at + offset, size)


def ipv4(found: dict[str, int], frame: bytes, at: Layout) -> None:
    found["ip_dscp"], found["ip_ecn"] = frame[at.l3 + 1] >> 2, frame[at.l3 + 1] & 3
    found["ipv4_src"], found["ipv4_dst"] = (
        number(frame, at.l3 + 12, 4),
        number(frame, at.l3 + 16, 4),
    )
    transport(found, frame, at)


def ipv6(found: dict[str, int], frame: bytes, at: Layout) -> None:
    first = number(frame, at.l3, 4)
    found["ip_dscp"], found["ip_ecn"] = first >> 22 & 63, first >> 20 & 3
    found["ipv6_label"], found["ipv6_exthdr"] = first & 0xFFFFF, at.exthdrs
    found["ipv6_src"], found["ipv6_dst"] = (
        number(frame, at.l3 + 8, 16),
        number(frame, at.l3 + 24, 16),
    )
    transport(found, frame, at)


def transport(found: dict[str, int], frame: bytes, at: Layout) -> None:
    found["ip_proto"] = at.ip_proto
    ports = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}.get(at.ip_proto)
    if not at.l4:
        return
    if ports:
        found[f"{ports}_src"] = be16(frame, at.l4)
        found[f"{ports}_dst"] = be16(frame, at.l4 + 2)
    elif at.ip_proto == ICMP and at.kind == IPV4:
        found["icmpv4_type"], found["icmpv4_code"] = frame[at.l4], frame[at.l4 + 1]
    elif at.ip_proto == ICMPV6 and at.kind == IPV6:
        icmpv6(found, frame, at)


def icmpv6(found: dict[str, int], frame: bytes, at: Layout) -> None:
    found["icmpv6_type"], found["icmpv6_code"] = frame[at.l4], frame[at.l4 + 1]
    for name, offset, size in (
        ("nd_target", at.nd_target, 16),
        ("nd_sll", at.nd_sll, 6),
        ("nd_tll", at.nd_tll, 6),
    ):
        if offset:
            found[name] = number(frame, offset, size)
