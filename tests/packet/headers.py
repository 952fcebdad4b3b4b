"""Headers that packet tests put into frames, in plain bytes, and where to find things in them."""

from __future__ import annotations

from datapath.packet_text import checksum, parse_packet

MPLS, MPLS_MULTICAST, PBB, B_TAG = 0x8847, 0x8848, 0x88E7, 0x88A8
BACKBONE = bytes.fromhex("0a000000000b0a000000000a")
"""Destination and source address of a frame in a provider's backbone."""


def frame(text: str) -> bytes:
    """The frame that ovs-ofctl's words describe."""
    return parse_packet(text, 1).frame


def entry(label: int, ttl: int = 64, tc: int = 0, *, bottom: bool = True) -> bytes:
    """One label stack entry (RFC 3032, 2.1)."""
    return (label << 12 | tc << 9 | bottom << 8 | ttl).to_bytes(4)


def labelled(inner: bytes, *entries: bytes, kind: int = MPLS, tags: int = 0) -> bytes:
    """'inner' with label stack entries, outermost first, behind Ethernet header and tags."""
    at = 14 + 4 * tags
    return inner[: at - 2] + kind.to_bytes(2) + b"".join(entries) + inner[at:]


def in_backbone(
    customer: bytes, isid: int, pcp: int = 0, addresses: bytes = BACKBONE, b_tag: int | None = None
) -> bytes:
    """A customer's whole frame behind an I-TAG (IEEE 802.1Q, 9.7), perhaps a B-TAG before it."""
    tag = b"" if b_tag is None else B_TAG.to_bytes(2) + b_tag.to_bytes(2)
    return addresses + tag + PBB.to_bytes(2) + (pcp << 29 | isid).to_bytes(4) + customer


def with_ttl(ip_frame: bytes, ttl: int) -> bytes:
    """An untagged IPv4 or IPv6 frame with another TTL, and the header's checksum for it."""
    if ip_frame[12:14] == b"\x86\xdd":
        return ip_frame[:21] + bytes([ttl]) + ip_frame[22:]
    header = ip_frame[14:22] + bytes([ttl]) + ip_frame[23:24] + bytes(2) + ip_frame[26:34]
    return ip_frame[:14] + header[:10] + checksum(header).to_bytes(2) + ip_frame[26:]
