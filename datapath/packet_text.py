"""Packets in words, as `ovs-ofctl`'s trace takes them, made into real frames.

"in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80" is a match that leaves
one value for each field; the frame has it in the right place, with lengths and
checksums that a receiver accepts, padded to Ethernet's 60 bytes.  What the text
leaves open is zero, but the TTL is 64 (255 for neighbour discovery), TCP's flags
are SYN, a label is the bottom of its stack, and a packet without a protocol has
the local experimental EtherType 0x88b5, as has what an I-TAG (dl_type=0x88e7)
carries.  Beyond the match fields one may write nw_ttl=N, mpls_ttl=N, tcp_flags=N
or +syn+ack, and payload=HEX.  ipv6_exthdr puts the headers that its bits name
between IPv6 and the transport header.  A frame in hexadecimal is taken as it is.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from datapath.match_text import match_of_words
from datapath.oxm import VLAN_PRESENT, Match
from datapath.problems import SyntaxProblem
from datapath.syntax import parse_number, split_words

SMALLEST_FRAME = 60
"""Ethernet's shortest frame, without the checksum at its end."""

_EXPERIMENTAL = 0x88B5
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:]*)+")
_TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")
_NOT_IN_A_FRAME = ("metadata", "in_phy_port", "tunnel_id")


@dataclass(frozen=True, slots=True)
class TextPacket:
    """A packet that text described: where it comes in, and its bytes."""

    in_port: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class _Extra:
    """What a packet has beyond match fields; None is the protocol's default."""

    ttl: int | None = None
    tcp_flags: int = 2
    payload: bytes = b""
    mpls_ttl: int = 64


def parse_packet(text: str, in_port: int | None = None) -> TextPacket:
    """The packet that 'text' describes, in words or in hexadecimal.

    'in_port' is where it comes in when the text doesn't say.  SyntaxProblem names
    the word that is wrong.
    """
    if _HEX.fullmatch(text.strip()):
        return TextPacket(_need_port(in_port, text), _frame_of_hex(text))
    match, extra = _read(text)
    if match.exact("in_port") is not None:
        in_port = match.exact("in_port")
    return TextPacket(_need_port(in_port, text), build_frame(match, extra))


def _need_port(in_port: int | None, text: str) -> int:
    if in_port is None:
        raise SyntaxProblem(text, "it doesn't say where the packet comes in", "add in_port=1")
    return in_port


def _frame_of_hex(text: str) -> bytes:
    frame = bytes.fromhex(re.sub(r"[\s:]", "", text))
    if len(frame) < 14:
        raise SyntaxProblem(text, f"{len(frame)} bytes are no frame", "give at least 14 bytes")
    return frame


def _read(text: str) -> tuple[Match, _Extra]:
    """The match and the extra words in 'text'."""
    extra = {"nw_ttl": "", "mpls_ttl": "", "tcp_flags": "", "payload": ""}
    rest = []
    for word in split_words(text):
        key, equals, value = word.partition("=")
        if equals and key in extra:
            extra[key] = value
        else:
            rest.append(word)
    match = match_of_words(rest)
    _check_packet(match)
    ttl, mpls_ttl = (_read_ttl(name, extra[name]) for name in ("nw_ttl", "mpls_ttl"))
    flags, payload = _read_tcp_flags(extra["tcp_flags"]), _read_payload(extra["payload"])
    return match, _Extra(ttl, flags, payload, 64 if mpls_ttl is None else mpls_ttl)


def _read_ttl(name: str, text: str) -> int | None:
    return parse_number(text, 8, f"{name}={text}") if text else None


def _check_packet(match: Match) -> None:
    for term in match:
        name = term.field.name
        if name in _NOT_IN_A_FRAME:
            raise SyntaxProblem(name, "no packet comes in with it", "leave it out")
        if term.mask is not None and name != "vlan_vid":
            raise SyntaxProblem(name, "a packet has one value, not a mask", "write the value alone")


def _read_tcp_flags(text: str) -> int:
    if not text:
        return 1 << _TCP_FLAGS.index("syn")
    if not text.startswith("+"):
        return parse_number(text, 9, f"tcp_flags={text}")
    flags = 0
    for name in text[1:].split("+"):
        if name not in _TCP_FLAGS:
            raise SyntaxProblem(
                f"tcp_flags={text}", f"{name!r} is no flag", f"flags are {', '.join(_TCP_FLAGS)}"
            )
        flags |= 1 << _TCP_FLAGS.index(name)
    return flags


def _read_payload(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise SyntaxProblem(
            f"payload={text}", "it is not hexadecimal", "write bytes as in payload=00ff"
        ) from None


def build_frame(match: Match, extra: _Extra = _Extra()) -> bytes:
    """The frame that has the values in 'match'; see the module for the rest."""
    values = _Values(match)
    ethertype = values.number("eth_type", _EXPERIMENTAL)
    body = _NETWORKS.get(ethertype, _no_header)(values, extra)
    vlan = values.number("vlan_vid")
    tag = b""
    if vlan & VLAN_PRESENT:
        tag = struct.pack("!HH", 0x8100, values.number("vlan_pcp") << 13 | vlan & 0xFFF)
    head = values.data("eth_dst") + values.data("eth_src") + tag + ethertype.to_bytes(2)
    return (head + body).ljust(SMALLEST_FRAME, b"\0")


class _Values:
    """A match's values by field name, zero where it has none."""

    def __init__(self, match: Match) -> None:
        self._numbers = {term.field.name: term.value for term in match}

    def number(self, name: str, default: int = 0) -> int:
        return self._numbers.get(name, default)

    def data(self, name: str) -> bytes:
        return self.number(name).to_bytes(_SIZES[name])


_SIZES = {"eth_dst": 6, "eth_src": 6, "arp_sha": 6, "arp_tha": 6, "nd_sll": 6, "nd_tll": 6}
_SIZES |= {"ipv4_src": 4, "ipv4_dst": 4, "arp_spa": 4, "arp_tpa": 4}
_SIZES |= {"ipv6_src": 16, "ipv6_dst": 16, "nd_target": 16}


def _no_header(values: _Values, extra: _Extra) -> bytes:
    return extra.payload


def _mpls(values: _Values, extra: _Extra) -> bytes:
    """One label stack entry (RFC 3032, 2.1); the payload may begin with more of them."""
    entry = values.number("mpls_label") << 12 | values.number("mpls_tc") << 9
    entry |= values.number("mpls_bos", 1) << 8 | extra.mpls_ttl
    return entry.to_bytes(4) + extra.payload


def _pbb(values: _Values, extra: _Extra) -> bytes:
    """An I-TAG's TCI, and a customer's frame with the addresses of the frame around it."""
    customer = values.data("eth_dst") + values.data("eth_src") + _EXPERIMENTAL.to_bytes(2)
    return values.number("pbb_isid").to_bytes(4) + customer + extra.payload


def _arp(values: _Values, extra: _Extra) -> bytes:
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, values.number("arp_op", 1))
    pairs = ("arp_sha", "arp_spa", "arp_tha", "arp_tpa")
    return head + b"".join(values.data(name) for name in pairs)


def _ipv4(values: _Values, extra: _Extra) -> bytes:
    addresses = values.data("ipv4_src") + values.data("ipv4_dst")
    protocol = values.number("ip_proto")
    body = _transport(values, extra, addresses)
    tos = values.number("ip_dscp") << 2 | values.number("ip_ecn")
    ttl = 64 if extra.ttl is None else extra.ttl
    head = struct.pack("!BBHIBBH", 0x45, tos, 20 + len(body), 0, ttl, protocol, 0) + addresses
    return _filled(head, 10, checksum(head)) + body


def _ipv6(values: _Values, extra: _Extra) -> bytes:
    addresses = values.data("ipv6_src") + values.data("ipv6_dst")
    protocol, chain = _extensions(values)
    body = chain + _transport(values, extra, addresses)
    traffic = values.number("ip_dscp") << 2 | values.number("ip_ecn")
    word = 6 << 28 | traffic << 20 | values.number("ipv6_label")
    ttl = (255 if _neighbour(values) else 64) if extra.ttl is None else extra.ttl
    return struct.pack("!IHBB", word, len(body), protocol, ttl) + addresses + body


_NO_NEXT, _ESP, _UNKNOWN = 59, 50, 253
_LAST = {_NO_NEXT: 1, _ESP: 2}
_CHAIN = (
    (0x40, 0, bytes.fromhex("0000010400000000")),
    (0x08, 60, bytes.fromhex("0000010400000000")),
    (0x20, 43, bytes(8)),
    (0x10, 44, bytes(8)),
    (0x04, 51, bytes.fromhex("0002") + bytes(14)),
)
"""Bits of ipv6_exthdr, the header's number, and one that asks for nothing, its first byte for the
number of the next; in the order that RFC 8200, 4.1 recommends."""


def _extensions(values: _Values) -> tuple[int, bytes]:
    """What IPv6 names as the next header, and the extension headers that begin there."""
    bits = values.number("ipv6_exthdr", -1)
    if bits == -1:
        return values.number("ip_proto", _NO_NEXT), b""
    without = {1: _NO_NEXT, 2: _ESP}.get(bits & 3, _UNKNOWN)
    number = values.number("ip_proto", without)
    if bits & 0x180 or bits & 3 != _LAST.get(number, 0):
        raise SyntaxProblem(
            f"ipv6_exthdr={bits:#x}",
            f"headers in their order, before protocol {number}, are never those",
            "set 1 with protocol 59, 2 with 50, 0x180 never; or give the frame in hexadecimal",
        )
    chain = b""
    for bit, header, body in reversed(_CHAIN):
        if bits & bit:
            chain, number = bytes([number]) + body[1:] + chain, header
    return number, chain


def _transport(values: _Values, extra: _Extra, addresses: bytes) -> bytes:
    build = _TRANSPORTS.get(values.number("ip_proto"))
    return build(values, extra, addresses) if build else extra.payload


def _tcp(values: _Values, extra: _Extra, addresses: bytes) -> bytes:
    ports = (values.number("tcp_src"), values.number("tcp_dst"))
    flags = 5 << 12 | extra.tcp_flags
    segment = struct.pack("!HHIIHHHH", *ports, 0, 0, flags, 0xFFFF, 0, 0) + extra.payload
    return _filled(segment, 16, checksum(_pseudo(addresses, 6, segment) + segment))


def _udp(values: _Values, extra: _Extra, addresses: bytes) -> bytes:
    ports = (values.number("udp_src"), values.number("udp_dst"))
    datagram = struct.pack("!HHHH", *ports, 8 + len(extra.payload), 0) + extra.payload
    total = checksum(_pseudo(addresses, 17, datagram) + datagram)
    return _filled(datagram, 6, total or 0xFFFF)


def _sctp(values: _Values, extra: _Extra, addresses: bytes) -> bytes:
    ports = (values.number("sctp_src"), values.number("sctp_dst"))
    packet = struct.pack("!HHII", *ports, 0, 0) + extra.payload
    return packet[:8] + crc32c(packet).to_bytes(4, "little") + packet[12:]


def _icmp(values: _Values, extra: _Extra, addresses: bytes) -> bytes:
    kind = (values.number("icmpv4_type"), values.number("icmpv4_code"))
    message = struct.pack("!BBHI", *kind, 0, 0) + extra.payload
    return _filled(message, 2, checksum(message))


def _icmp6(values: _Values, extra: _Extra, addresses: bytes) -> bytes:
    kind = (values.number("icmpv6_type"), values.number("icmpv6_code"))
    message = struct.pack("!BBHI", *kind, 0, 0) + _discovery(values) + extra.payload
    return _filled(message, 2, checksum(_pseudo(addresses, 58, message) + message))


def _neighbour(values: _Values) -> bool:
    return values.number("ip_proto") == 58 and values.number("icmpv6_type") in (135, 136)


def _discovery(values: _Values) -> bytes:
    """A neighbour message's target and its option with a link-layer address."""
    if not _neighbour(values):
        return b""
    option, name = (1, "nd_sll") if values.number("icmpv6_type") == 135 else (2, "nd_tll")
    tail = bytes([option, 1]) + values.data(name) if values.number(name) else b""
    return values.data("nd_target") + tail


_NETWORKS: dict[int, Callable[[_Values, _Extra], bytes]] = {
    0x0800: _ipv4,
    0x0806: _arp,
    0x8035: _arp,
    0x86DD: _ipv6,
    0x8847: _mpls,
    0x8848: _mpls,
    0x88E7: _pbb,
}
_TRANSPORTS: dict[int, Callable[[_Values, _Extra, bytes], bytes]] = {
    1: _icmp,
    6: _tcp,
    17: _udp,
    58: _icmp6,
    132: _sctp,
}


def _pseudo(addresses: bytes, protocol: int, segment: bytes) -> bytes:
    """The pseudo-header that a transport checksum covers, of IPv4 and IPv6 alike."""
    return addresses + struct.pack("!II", len(segment), protocol)


def _filled(data: bytes, at: int, number: int) -> bytes:
    return data[:at] + number.to_bytes(2) + data[at + 2 :]


def checksum(data: bytes) -> int:
    """The Internet checksum of 'data' (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def crc32c(data: bytes) -> int:
    """SCTP's checksum (RFC 4960, appendix B), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
