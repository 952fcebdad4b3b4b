"""What actions do to a frame, the slow way: write the bytes, then sum everything again.

A checksum that was wrong before stays wrong by as much: the difference between the sums over
the whole packet before and after goes into the field (RFC 1624), as it must for fragments, whose
checksum covers bytes that are elsewhere.
"""

from __future__ import annotations

from tests.oracle.layout import (
    FRAGMENT,
    IPV4,
    IPV6,
    MPLS,
    MPLS_ENTRY,
    NO_TYPE,
    PBB,
    ROUTING,
    WALKED,
    WHOLE,
    Layout,
    be16,
    ipv4,
    ipv6,
    layout,
)
from tests.oracle.values import SCTP, UDP, values

UDPLITE = 136
CHECKSUM_AT = {1: 2, 6: 16, UDP: 6, 33: 6, 58: 2, UDPLITE: 6}
PLAIN = {
    "eth_dst": ("frame", 0, 6), "eth_src": ("frame", 6, 6),
    "ipv4_src": ("l3", 12, 4), "ipv4_dst": ("l3", 16, 4),
    "ipv6_src": ("l3", 8, 16), "ipv6_dst": ("l3", 24, 16),
    "arp_op": ("l3", 6, 2), "arp_sha": ("l3", 8, 6), "arp_spa": ("l3", 14, 4),
    "arp_tha": ("l3", 18, 6), "arp_tpa": ("l3", 24, 4),
    "icmpv4_type": ("l4", 0, 1), "icmpv4_code": ("l4", 1, 1),
    "icmpv6_type": ("l4", 0, 1), "icmpv6_code": ("l4", 1, 1),
    "nd_target": ("nd_target", 0, 16), "nd_sll": ("nd_sll", 0, 6), "nd_tll": ("nd_tll", 0, 6),
    **{f"{name}_{end}": ("l4", at, 2)
       for name in ("tcp", "udp", "sctp") for end, at in (("src", 0), ("dst", 2))},
}  # fmt: skip
"""Fields that are whole bytes: which header of the layout they count from, offset, size."""
BITS = {
    ("ip_dscp", IPV4): (1, 1, 2, 6),
    ("ip_ecn", IPV4): (1, 1, 0, 2),
    ("ip_proto", IPV4): (9, 1, 0, 8),
    ("ip_dscp", IPV6): (0, 4, 22, 6),
    ("ip_ecn", IPV6): (0, 4, 20, 2),
    ("ipv6_label", IPV6): (0, 4, 0, 20),
    ("mpls_label", MPLS): (0, 4, 12, 20),
    ("mpls_tc", MPLS): (0, 4, 9, 3),
    ("mpls_bos", MPLS): (0, 4, 8, 1),
    ("pbb_isid", PBB): (0, 4, 0, 24),
}
"""Fields within words of the network header: offset, size, shift, bits."""


def set_field(frame: bytes, name: str, value: int) -> bytes:
    """The frame with the field changed; as it was if it has no such field."""
    at = layout(frame)
    if name not in values(frame, 0) or (name.startswith("sctp") and at.frag != WHOLE):
        return frame
    if name == "eth_type":
        return put(frame, type_at(frame), 2, value) if type_at(frame) else frame
    if name == "vlan_vid":
        return put(frame, 14, 2, be16(frame, 14) & 0xF000 | value & 0xFFF)
    if name == "vlan_pcp":
        return put(frame, 14, 2, be16(frame, 14) & 0x1FFF | value << 13)
    if name == "ip_proto" and at.kind == IPV6:
        return summed(frame, put(frame, proto_named_at(frame, at), 1, value), at, value)
    if name in PLAIN:
        base, offset, size = PLAIN[name]
        changed = put(frame, (0 if base == "frame" else getattr(at, base)) + offset, size, value)
    else:
        offset, size, shift, bits = BITS[name, at.kind]
        ones = (1 << bits) - 1
        word = int.from_bytes(frame[at.l3 + offset : at.l3 + offset + size], "big")
        word = word & ~(ones << shift) | value << shift
        changed = put(frame, at.l3 + offset, size, word)
    if name in ("eth_dst", "eth_src"):
        return changed
    return summed(frame, changed, at, value if name == "ip_proto" else at.ip_proto)


def put(frame: bytes, at: int, size: int, value: int) -> bytes:
    return frame[:at] + value.to_bytes(size, "big") + frame[at + size :]


def proto_named_at(frame: bytes, at: Layout) -> int:
    """Where an IPv6 packet names the header at which the walk through its extensions ended."""
    named, here, kind = at.l3 + 6, at.l3 + 40, frame[at.l3 + 6]
    for _ in range(16):
        if kind not in WALKED or here + 8 > at.l3_end:
            break
        size = 8 if kind == FRAGMENT else 8 + frame[here + 1] * (4 if kind == 51 else 8)
        later = kind == FRAGMENT and be16(frame, here + 2) & 0xFFF8
        if here + size > at.l3_end or later:
            break
        named, kind, here = here, frame[here], here + size
    return named


# ---- checksums ----


def ones_sum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(be16(data, i) for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def followed(field: int, before: bytes, after: bytes) -> int:
    """RFC 1624, equation 3."""
    return 0xFFFF & ~ones_sum(
        b"".join(
            word.to_bytes(2, "big")
            for word in (0xFFFF & ~field, 0xFFFF & ~ones_sum(before), ones_sum(after))
        )
    )


def summed(before: bytes, after: bytes, at: Layout, proto: int) -> bytes:
    """'after' with the checksums moved by what changed; 'proto' is the protocol's number now."""
    after = header_summed(before, after, at)
    if not at.l4:
        return after
    if at.ip_proto == SCTP:
        return sctp(before, after, at)
    offset = CHECKSUM_AT.get(at.ip_proto)
    wrong_kind = (at.ip_proto == 1 and at.kind != IPV4) or (at.ip_proto == 58 and at.kind != IPV6)
    if offset is None or wrong_kind or at.l4 + offset + 2 > at.l3_end:
        return after
    field = at.l4 + offset
    if at.ip_proto in (UDP, UDPLITE) and be16(before, field) == 0:
        return after
    final = not routed(before, at)
    covered = pseudo(before, at, at.ip_proto, final) + before[at.l4 : at.l3_end]
    covers = pseudo(after, at, proto, final) + after[at.l4 : at.l3_end]
    if covered == covers:
        return after
    after = move(after, field, covered, covers)
    if at.ip_proto in (UDP, UDPLITE) and be16(after, field) == 0:
        after = put(after, field, 2, 0xFFFF)
    return after


def move(frame: bytes, field: int, before: bytes, after: bytes) -> bytes:
    if before == after:
        return frame
    return put(frame, field, 2, followed(be16(frame, field), before, after))


def pseudo(frame: bytes, at: Layout, proto: int, final: bool) -> bytes:
    """What is summed of the header; 'final': the destination will stay what it is."""
    if at.kind == IPV4:
        return b"" if at.ip_proto == 1 else frame[at.l3 + 12 : at.l3 + 20] + bytes([0, proto])
    destination = frame[at.l3 + 24 : at.l3 + 40] if final else b""
    return frame[at.l3 + 8 : at.l3 + 24] + destination + bytes([0, proto])


def routed(frame: bytes, at: Layout) -> bool:
    """Will a routing header still replace the destination (RFC 8200, 8.1)?"""
    here, kind = at.l3 + 40, frame[at.l3 + 6]
    for _ in range(16):
        if kind not in WALKED or here + 8 > at.l3_end:
            break
        size = 8 if kind == FRAGMENT else 8 + frame[here + 1] * (4 if kind == 51 else 8)
        if here + size > at.l3_end:
            break
        if kind == ROUTING and frame[here + 3]:
            return True
        kind, here = frame[here], here + size
    return False


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp(before: bytes, after: bytes, at: Layout) -> bytes:
    if before[at.l4 : at.l4 + 4] == after[at.l4 : at.l4 + 4]:
        return after
    difference = crc32c(before[at.l4 : at.l3_end]) ^ crc32c(after[at.l4 : at.l3_end])
    old = int.from_bytes(after[at.l4 + 8 : at.l4 + 12], "little")
    return after[: at.l4 + 8] + (old ^ difference).to_bytes(4, "little") + after[at.l4 + 12 :]


# ---- tags ----


def push_vlan(frame: bytes, tpid: int) -> bytes:
    """A new outermost tag, a copy of the outermost one if there is one (table 6)."""
    tci = frame[14:16] if layout(frame).n_vlans else bytes(2)
    return frame[:12] + tpid.to_bytes(2, "big") + tci + frame[12:]


def pop_vlan(frame: bytes) -> bytes:
    return frame[:12] + frame[16:] if layout(frame).n_vlans else frame


def behind_tags(frame: bytes) -> int:
    """Where Ethernet header and VLAN tags end; the two bytes before it say what follows."""
    return 14 + 4 * layout(frame).n_vlans


def has_length(frame: bytes) -> bool:
    """An LLC frame has its length where others have a type: no other header fits before it."""
    return be16(frame, behind_tags(frame) - 2) < 0x600


def type_at(frame: bytes) -> int:
    """Where the type behind all tags is, in a SNAP header if need be; 0: there is none."""
    at = behind_tags(frame) - 2
    if not has_length(frame):
        return at
    return at + 8 if layout(frame).eth_type != NO_TYPE else 0


def push_mpls(frame: bytes, ethertype: int) -> bytes:
    """A new outermost entry behind Ethernet header and tags (5.12).

    Label, traffic class and TTL are those of the entry that was outermost; without one the TTL
    is the IP header's, the rest is 0, and the new entry is the bottom of the stack (table 6).
    """
    at = layout(frame)
    if len(frame) < 14 or has_length(frame):
        return frame
    if at.kind == MPLS:
        entry = int.from_bytes(frame[at.l3 : at.l3 + 4], "big") & ~0x100
    else:
        ttl = ttl_at(frame)
        entry = 0x100 | (frame[ttl] if ttl else 0)
    here = behind_tags(frame)
    new = ethertype.to_bytes(2, "big") + entry.to_bytes(4, "big")
    return frame[: here - 2] + new + frame[here:]


def pop_mpls(frame: bytes, ethertype: int) -> bytes:
    """Without the outermost entry; what was behind it is an 'ethertype' now.

    An LLC frame with an entry behind its SNAP header gets shorter, and its length says so.
    """
    at = layout(frame)
    if at.kind != MPLS:
        return frame
    head = frame[: at.l3 - 2]
    if has_length(frame):
        length = behind_tags(frame) - 2
        head = put(head, length, 2, be16(head, length) - MPLS_ENTRY)
    return head + ethertype.to_bytes(2, "big") + frame[at.l3 + MPLS_ENTRY :]


def push_pbb(frame: bytes, ethertype: int) -> bytes:
    """The whole frame behind a new Ethernet header with its addresses, and a new I-TAG.

    The I-SID is that of an I-TAG that was there, the priority the outermost VLAN tag's (table 6).
    """
    found = values(frame, 0)
    if len(frame) < 14:
        return frame
    tci = found.get("vlan_pcp", 0) << 29 | found.get("pbb_isid", 0)
    return frame[:12] + ethertype.to_bytes(2, "big") + tci.to_bytes(4, "big") + frame


def pop_pbb(frame: bytes) -> bytes:
    """The customer's addresses and what is behind them; backbone tags stay in between (7.2.5)."""
    at = layout(frame)
    if at.kind != PBB:
        return frame
    customer = frame[at.l3 + 4 :]
    return customer[:12] + frame[12 : 12 + 4 * at.n_vlans] + customer[12:]


# ---- TTLs ----


def ttl_at(frame: bytes) -> int:
    """Where TTL or hop limit lies, 0: the frame is not IP, or the IP is out of sight."""
    at = layout(frame)
    return {IPV4: at.l3 + 8, IPV6: at.l3 + 7}.get(at.kind, 0)


def mpls_ttl_at(frame: bytes) -> int:
    """Where the outermost entry's TTL lies, 0: there is none."""
    at = layout(frame)
    return at.l3 + 3 if at.kind == MPLS else 0


def behind_mpls(frame: bytes) -> Layout:
    """The IP header behind the one and only entry of a label stack; kind NONE if there is none.

    No type says what it is, so its version does.
    """
    at, inner = layout(frame), Layout()
    here = at.l3 + MPLS_ENTRY
    if values(frame, 0).get("mpls_bos") and here < at.l3_end:
        parse = {4: ipv4, 6: ipv6}.get(frame[here] >> 4)
        if parse:
            parse(inner, frame, here, at.l3_end)
    return inner


def inner_ttl_at(frame: bytes) -> int:
    """Where the next-to-outermost TTL of a label stack lies, 0: there are not two headers."""
    at, inner = layout(frame), behind_mpls(frame)
    if inner.kind:
        return inner.l3 + (8 if inner.kind == IPV4 else 7)
    second = at.l3 + MPLS_ENTRY
    stacked = at.kind == MPLS and not values(frame, 0)["mpls_bos"]
    return second + 3 if stacked and second + MPLS_ENTRY <= at.l3_end else 0


def copy_ttl_out(frame: bytes) -> bytes:
    inner = inner_ttl_at(frame)
    return put(frame, mpls_ttl_at(frame), 1, frame[inner]) if inner else frame


def copy_ttl_in(frame: bytes) -> bytes:
    inner = inner_ttl_at(frame)
    if not inner:
        return frame
    changed = put(frame, inner, 1, frame[mpls_ttl_at(frame)])
    return header_summed(frame, changed, behind_mpls(frame))


def header_summed(before: bytes, after: bytes, at: Layout) -> bytes:
    """'after' with the header checksum of IPv4 moved by what changed in the header."""
    if at.kind != IPV4:
        return after
    end = at.l3 + 4 * (before[at.l3] & 15)
    return move(after, at.l3 + 10, before[at.l3 : end], after[at.l3 : end])


def set_ttl(frame: bytes, ttl: int) -> bytes:
    at = ttl_at(frame)
    return header_summed(frame, put(frame, at, 1, ttl), layout(frame)) if at else frame


def dec_ttl(frame: bytes) -> bytes | None:
    """None: the TTL ran out."""
    at = ttl_at(frame)
    if not at:
        return frame
    return set_ttl(frame, frame[at] - 1) if frame[at] > 1 else None


def set_mpls_ttl(frame: bytes, ttl: int) -> bytes:
    at = mpls_ttl_at(frame)
    return put(frame, at, 1, ttl) if at else frame


def dec_mpls_ttl(frame: bytes) -> bytes | None:
    """None: the TTL ran out."""
    at = mpls_ttl_at(frame)
    if not at:
        return frame
    return set_mpls_ttl(frame, frame[at] - 1) if frame[at] > 1 else None
