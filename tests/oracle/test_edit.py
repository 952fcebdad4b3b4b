"""Edits in C leave frames that scapy, which computes every checksum anew, would have built."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.all import (
    IP,
    TCP,
    UDP,
    Dot1Q,
    Ether,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    Packet,
    Raw,
)
from scapy.layers.inet import ICMP
from scapy.layers.sctp import SCTP

from tests.oracle import cprogram

# enum edit_field, in its order: the bytes of a value, and scapy's name for what it sets.
FIELDS: list[tuple[str, int, str]] = [
    ("eth_dst", 6, "Ether.dst"),
    ("eth_src", 6, "Ether.src"),
    ("vlan_vid", 2, "Dot1Q.vlan"),
    ("vlan_pcp", 1, "Dot1Q.prio"),
    ("ip_dscp", 1, ""),
    ("ip_ecn", 1, ""),
    ("ip_proto", 1, ""),
    ("ipv4_src", 4, "IP.src"),
    ("ipv4_dst", 4, "IP.dst"),
    ("tcp_src", 2, "TCP.sport"),
    ("tcp_dst", 2, "TCP.dport"),
    ("udp_src", 2, "UDP.sport"),
    ("udp_dst", 2, "UDP.dport"),
    ("sctp_src", 2, "SCTP.sport"),
    ("sctp_dst", 2, "SCTP.dport"),
    ("icmpv4_type", 1, "ICMP.type"),
    ("icmpv4_code", 1, "ICMP.code"),
    ("arp_op", 2, ""),
    ("arp_spa", 4, ""),
    ("arp_tpa", 4, ""),
    ("arp_sha", 6, ""),
    ("arp_tha", 6, ""),
    ("ipv6_src", 16, "IPv6.src"),
    ("ipv6_dst", 16, "IPv6.dst"),
    ("ipv6_flabel", 4, "IPv6.fl"),
    ("icmpv6_type", 1, ""),
    ("icmpv6_code", 1, "icmpv6.code"),
    ("nd_target", 16, "icmpv6.tgt"),
    ("nd_sll", 6, "ICMPv6NDOptSrcLLAddr.lladdr"),
    ("nd_tll", 6, "ICMPv6NDOptDstLLAddr.lladdr"),
]
DEC_TTL = len(FIELDS) + 3


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cprogram.build("edit_dump", tmp_path_factory.mktemp("edit"))


def address(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(1, 255)) for _ in range(4))


def address6(rng: random.Random) -> str:
    return ":".join(f"{rng.randrange(1, 65536):x}" for _ in range(8))


def chain(rng: random.Random) -> list[Packet]:
    """Extension headers, a routing header with and without segments left among them."""
    choices: list[Callable[[], Packet]] = [
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrFragment,
        lambda: IPv6ExtHdrRouting(addresses=[address6(rng), address6(rng)], segleft=2),
        lambda: IPv6ExtHdrRouting(addresses=[address6(rng)], segleft=0),
    ]
    return [rng.choice(choices)() for _ in range(rng.choice((0, 0, 1, 2)))]


def neighbour(rng: random.Random) -> Packet:
    if rng.random() < 0.5:
        return ICMPv6ND_NS(tgt=address6(rng)) / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01")
    return ICMPv6ND_NA(tgt=address6(rng)) / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:01")


def build(rng: random.Random) -> Packet:
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    for _ in range(rng.choice((0, 1, 2))):
        frame /= Dot1Q(vlan=rng.randrange(4096), prio=rng.randrange(8))
    payload = Raw(rng.randbytes(rng.randrange(100)))
    ports = {"sport": rng.randrange(65536), "dport": rng.randrange(65536)}
    transport: Packet = rng.choice((TCP, UDP, SCTP))(**ports) / payload
    if rng.random() < 0.5:
        if rng.random() < 0.3:
            transport = ICMP(type=8, code=0) / payload
        return frame / IP(src=address(rng), dst=address(rng), tos=rng.getrandbits(8)) / transport
    frame /= IPv6(src=address6(rng), dst=address6(rng), fl=rng.getrandbits(20))
    for header in chain(rng):
        frame /= header
    return frame / (neighbour(rng) if rng.random() < 0.3 else transport)


def rebuilt(frame: bytes) -> bytes:
    """The frame with all its checksums computed by scapy."""
    packet: Packet = Ether(frame)
    layer = packet
    while layer:
        for name in ("chksum", "cksum"):
            if name in layer.fields:
                del layer.fields[name]
        layer = layer.payload
    return bytes(packet)


def is_layer(layer: Packet, name: str) -> bool:
    names = ("ICMPv6ND_NS", "ICMPv6ND_NA") if name == "icmpv6" else (name,)
    return type(layer).__name__ in names


def set_by_scapy(frame: bytes, target: str, value: bytes) -> bool:
    """Whether scapy finds 'value' in the field 'target' ("Layer.field") of the edited frame."""
    layer: Packet = Ether(frame)
    name, field = target.rsplit(".", 1)
    while layer and not is_layer(layer, name):
        layer = layer.payload
    if not layer:
        return False
    found = layer.getfieldval(field)
    if isinstance(found, int):
        bits = {"vlan": 12, "prio": 3, "fl": 20}.get(field, 16)
        return bool(found == int.from_bytes(value, "big") % (1 << bits))
    return bytes(layer.get_field(field).addfield(layer, b"", found)) == value


def results(out: bytes) -> list[tuple[bytes, bool]]:
    found, at = [], 0
    while at < len(out):
        (size,) = struct.unpack_from("!I", out, at)
        found.append((out[at + 4 : at + 4 + size], bool(out[at + 4 + size])))
        at += size + 5
    return found


def edits(rng: random.Random) -> tuple[int, bytes]:
    what = rng.choice([i for i, field in enumerate(FIELDS) if field[2]] + [4, 5, *[DEC_TTL] * 2])
    size = FIELDS[what][1] if what < len(FIELDS) else 1
    return what, rng.randbytes(size)


def test_every_edit_leaves_the_checksums_that_scapy_computes(program: Path) -> None:
    rng = random.Random(11)
    cases = [(*edits(rng), rebuilt(bytes(build(rng)))) for _ in range(4000)]
    records = (bytes([what]) + value.ljust(16, b"\0") + frame for what, value, frame in cases)
    done = 0
    for case, (after, told) in zip(cases, results(cprogram.run(program, records)), strict=True):
        what, value, before = case
        assert after == rebuilt(after), (FIELDS[what][0] if what < 30 else what, before.hex())
        if not told:
            assert after == before
        elif what < len(FIELDS) and FIELDS[what][2]:
            assert set_by_scapy(after, FIELDS[what][2], value), (FIELDS[what][0], after.hex())
            done += 1
    assert done > 1000
