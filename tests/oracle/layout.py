"""Where the headers of a frame lie, found the slow way: the reference for layout_parse() in C.

Written for reading, from the standards, over plain bytes: every test for "is it all there" stands
where it is needed.  A header that is not whole, or contradicts the frame, ends the walk; what
comes after it is 0 in the result.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_VLANS, MAX_EXTHDRS, MAX_ND_OPTIONS = 8, 16, 16
NO_TYPE = 0x05FF
NONE, IPV4, IPV6, ARP, MPLS, PBB = 0, 1, 2, 3, 4, 5
WHOLE, FIRST, LATER = 0, 1, 3
HOP, ROUTING, FRAGMENT, ESP, AH, ICMPV6, NO_NEXT, DEST = 0, 43, 44, 50, 51, 58, 59, 60
TCP = 6
VLAN_TYPES, MPLS_TYPES, PBB_TYPE = (0x8100, 0x88A8), (0x8847, 0x8848), 0x88E7
MPLS_ENTRY, I_TAG = 4, 18
"""Bytes of a label stack entry, and of an I-TAG with the customer's Ethernet header."""
WALKED = (HOP, ROUTING, FRAGMENT, AH, DEST)
BIT = {NO_NEXT: 1, ESP: 2, AH: 4, DEST: 8, FRAGMENT: 16, ROUTING: 32, HOP: 64}
REPEATED, OUT_OF_ORDER = 128, 256
SMALLEST_TRANSPORT = {1: 8, TCP: 20, 17: 8, 33: 12, ICMPV6: 4, 132: 12, 136: 8}


@dataclass
class Layout:
    """Offsets count from the frame's first byte; the names are those of struct layout."""

    l3: int = 0
    l4: int = 0
    eth_type: int = 0
    n_vlans: int = 0
    ip_proto: int = 0
    kind: int = NONE
    frag: int = WHOLE
    exthdrs: int = 0
    nd_target: int = 0
    nd_sll: int = 0
    nd_tll: int = 0
    l3_end: int = 0


def be16(frame: bytes, at: int) -> int:
    return int.from_bytes(frame[at : at + 2], "big")


def layout(frame: bytes) -> Layout:
    """The layout of a frame of any length, empty ones too."""
    found = Layout()
    if len(frame) < 14:
        return found
    at, end = 14, len(frame)
    eth_type = be16(frame, 12)
    while eth_type in VLAN_TYPES and found.n_vlans < MAX_VLANS and at + 4 <= end:
        eth_type = be16(frame, at + 2)
        at += 4
        found.n_vlans += 1
    if eth_type < 0x600:
        found.eth_type = NO_TYPE
        if eth_type > end - at:
            return found
        end = at + eth_type
        snap = frame[at:end]
        if len(snap) >= 8 and snap.startswith(b"\xaa\xaa\x03\0\0\0") and be16(snap, 6) >= 0x600:
            found.eth_type = be16(snap, 6)
            at += 8
    else:
        found.eth_type = eth_type
    if found.eth_type == 0x0800:
        ipv4(found, frame, at, end)
    elif found.eth_type == 0x86DD:
        ipv6(found, frame, at, end)
    elif found.eth_type == 0x0806:
        arp(found, frame, at, end)
    elif found.eth_type in MPLS_TYPES:
        opaque(found, MPLS, MPLS_ENTRY, at, end)
    elif found.eth_type == PBB_TYPE:
        opaque(found, PBB, I_TAG, at, end)
    else:
        found.l3, found.l3_end = at, end
    return found


def opaque(found: Layout, kind: int, size: int, at: int, end: int) -> None:
    """A label stack's outermost entry, or an I-TAG: nothing behind it can be matched."""
    if end - at >= size:
        found.kind, found.l3, found.l3_end = kind, at, end


def arp(found: Layout, frame: bytes, at: int, end: int) -> None:
    """RFC 826, for Ethernet and IPv4 only."""
    if end - at >= 28 and frame[at : at + 6] == bytes.fromhex("000108000604"):
        found.kind, found.l3, found.l3_end = ARP, at, at + 28


def ipv4(found: Layout, frame: bytes, at: int, end: int) -> None:
    """RFC 791."""
    if end - at < 20:
        return
    version, words = frame[at] >> 4, frame[at] & 15
    total = be16(frame, at + 2)
    if version != 4 or words < 5 or total < 4 * words or at + total > end:
        return
    found.kind, found.l3, found.l3_end = IPV4, at, at + total
    fragment = be16(frame, at + 6)
    if fragment & 0x1FFF:
        found.frag = LATER
    elif fragment & 0x2000:
        found.frag = FIRST
    found.ip_proto = frame[at + 9]
    transport(found, frame, at + 4 * words, at + total)


def ipv6(found: Layout, frame: bytes, at: int, end: int) -> None:
    """RFC 8200: the header, then the chain of extension headers."""
    if end - at < 40 or frame[at] >> 4 != 6 or at + 40 + be16(frame, at + 4) > end:
        return
    end = at + 40 + be16(frame, at + 4)
    found.kind, found.l3, found.l3_end = IPV6, at, end
    kind, at = frame[at + 6], at + 40
    chain: list[int] = []
    while kind in WALKED and len(chain) < MAX_EXTHDRS:
        if end - at < 8:
            break
        unit = 4 if kind == AH else 8
        size = 8 if kind == FRAGMENT else 8 + frame[at + 1] * unit
        if end - at < size:
            break
        chain.append(kind)
        if kind == FRAGMENT:
            offset = be16(frame, at + 2)
            if offset & 0xFFF8:
                found.frag = LATER
                break
            if offset & 1:
                found.frag = FIRST
        kind, at = frame[at], at + size
    found.ip_proto = kind
    if kind in (ESP, NO_NEXT):
        chain.append(kind)
    found.exthdrs = exthdr_bits(chain)
    if kind not in WALKED and kind != NO_NEXT:
        transport(found, frame, at, end)


def exthdr_bits(chain: list[int]) -> int:
    """OFPIEH13_* (OpenFlow 1.3.5, 7.2.3.8), by the order that RFC 8200, 4.1 recommends.

    Destination options may come twice: before a routing header, and last.
    """
    order = [HOP, DEST, ROUTING, FRAGMENT, AH, ESP, "last destination", NO_NEXT]
    bits, reached = 0, -1
    for place, kind in enumerate(chain):
        allowed = 2 if kind == DEST else 1
        if chain[: place + 1].count(kind) > allowed:
            bits |= REPEATED
        bits |= BIT[kind]
        rank = order.index(kind)
        if kind == DEST and reached >= rank:
            rank = order.index("last destination")
        if rank < reached:
            bits |= OUT_OF_ORDER
        reached = max(reached, rank)
    return bits


def transport(found: Layout, frame: bytes, at: int, end: int) -> None:
    """The header that found.ip_proto names, at 'at'."""
    if found.frag == LATER or end - at < SMALLEST_TRANSPORT.get(found.ip_proto, 1):
        return
    if found.ip_proto == TCP:
        size = (frame[at + 12] >> 4) * 4
        if size < 20 or (at + size > end and found.frag == WHOLE):
            return
    found.l4 = at
    if found.ip_proto == ICMPV6 and found.kind == IPV6:
        neighbour_discovery(found, frame, at, end)


def neighbour_discovery(found: Layout, frame: bytes, at: int, end: int) -> None:
    """RFC 4861: the target of a solicitation or advertisement, and the link-layer address."""
    if end - at < 24 or frame[at] not in (135, 136):
        return
    found.nd_target = at + 8
    wanted = 1 if frame[at] == 135 else 2
    addresses = []
    option = at + 24
    for _ in range(MAX_ND_OPTIONS):
        if end - option < 8:
            break
        size = frame[option + 1] * 8
        if size == 0 or option + size > end:
            break
        if frame[option] == wanted:
            addresses.append(option + 2 if size == 8 else 0)
        option += size
    if len(addresses) == 1:
        if wanted == 1:
            found.nd_sll = addresses[0]
        else:
            found.nd_tll = addresses[0]
