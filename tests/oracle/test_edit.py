"""Edits in C leave frames that scapy, which computes every checksum anew, would have built; and,
on whatever frame, those that edits.py makes the slow way."""

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
    Dot1AH,
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
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP
from scapy.layers.sctp import SCTP

from tests.oracle import corpus, cprogram
from tests.oracle import edits as slow

# enum edit_field, in its order: the bytes of a value, and scapy's name for what it sets.
FIELDS: list[tuple[str, int, str]] = [
    ("eth_dst", 6, "Ether.dst"),
    ("eth_src", 6, "Ether.src"),
    ("eth_type", 2, ""),
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
    ("mpls_label", 4, "MPLS.label"),
    ("mpls_tc", 1, "MPLS.cos"),
    ("mpls_bos", 1, "MPLS.s"),
    ("pbb_isid", 3, "Dot1AH.isid"),
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
    if rng.random() < 0.1:
        return frame / Dot1AH(isid=rng.getrandbits(24)) / build(rng)
    if rng.random() < 0.1:
        label = MPLS(label=rng.getrandbits(20), s=1, ttl=9)
        return Ether(dst="02:00:00:00:00:02") / label / IP(dst=address(rng)) / UDP() / b"labelled"
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
        bits = {"vlan": 12, "prio": 3, "fl": 20, "label": 20, "cos": 3, "s": 1, "isid": 24}
        return bool(found == int.from_bytes(value, "big") % (1 << bits.get(field, 16)))
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
        assert after == rebuilt(after), (what, before.hex())
        if not told:
            assert after == before
        elif what < len(FIELDS) and FIELDS[what][2]:
            assert set_by_scapy(after, FIELDS[what][2], value), (FIELDS[what][0], after.hex())
            done += 1
    assert done > 1000


TYPES = (0x8847, 0x8848, 0x0800, 0x86DD, 0x88E7, 0x8100, 0x6558)
OTHERS: list[Callable[[bytes, int], bytes | None]] = [
    lambda frame, _: slow.push_vlan(frame, 0x8100),
    lambda frame, _: slow.push_vlan(frame, 0x88A8),
    lambda frame, _: slow.pop_vlan(frame),
    lambda frame, _: slow.dec_ttl(frame),
    lambda frame, value: slow.set_ttl(frame, value >> 8),
    slow.push_mpls,
    slow.pop_mpls,
    lambda frame, value: slow.set_mpls_ttl(frame, value >> 8),
    lambda frame, _: slow.dec_mpls_ttl(frame),
    lambda frame, _: slow.copy_ttl_out(frame),
    lambda frame, _: slow.copy_ttl_in(frame),
    slow.push_pbb,
    lambda frame, _: slow.pop_pbb(frame),
]
"""Edits that are no set-field, in the order of edit() in edit_dump.c, by a value of 16 bits.  None:
refused, and the frame stays."""


def slowly(frame: bytes, what: int, value: bytes) -> bytes:
    if what >= len(FIELDS):
        after = OTHERS[what - len(FIELDS)](frame, int.from_bytes(value[:2]))
        return frame if after is None else after
    name, size, _ = FIELDS[what]
    number = int.from_bytes(value[:size])
    return slow.set_field(frame, {"ipv6_flabel": "ipv6_label"}.get(name, name), number)


def random_value(rng: random.Random, what: int) -> bytes:
    """Of no more bits than the field has; a type for what takes one."""
    if what >= len(FIELDS):
        return rng.choice(TYPES).to_bytes(2)
    name, size, _ = FIELDS[what]
    bits = {"vlan_vid": 12, "vlan_pcp": 3, "ip_dscp": 6, "ip_ecn": 2, "ipv6_flabel": 20}
    bits |= {"mpls_label": 20, "mpls_tc": 3, "mpls_bos": 1}
    return rng.getrandbits(bits.get(name, 8 * size)).to_bytes(size)


def check_against_slow(program: Path, cases: list[tuple[int, bytes, bytes]]) -> int:
    """How many of the cases changed something."""
    records = (bytes([what]) + value.ljust(16, b"\0") + frame for what, value, frame in cases)
    changed = 0
    for case, (after, told) in zip(cases, results(cprogram.run(program, records)), strict=True):
        what, value, before = case
        assert after == slowly(before, what, value), (what, value.hex(), before.hex())
        assert told or after == before
        changed += after != before
    return changed


def random_case(rng: random.Random, frame: bytes) -> tuple[int, bytes, bytes]:
    what = rng.randrange(len(FIELDS) + len(OTHERS))
    return what, random_value(rng, what), frame


def test_every_edit_of_any_frame_is_the_slow_one(program: Path) -> None:
    rng = random.Random(12)
    frames = [corpus.frame(rng) for _ in range(15_000)]
    frames += [corpus.damaged(rng, corpus.frame(rng)) for _ in range(10_000)]
    cases = [random_case(rng, frame) for frame in frames]
    assert check_against_slow(program, cases) > 5_000


def labels_and_tags(rng: random.Random, frame: bytes) -> list[tuple[int, bytes, bytes]]:
    """Every edit of labels and backbone headers."""
    first = len(FIELDS) + 5
    wanted = [*range(len(FIELDS) - 4, len(FIELDS)), *range(first, len(FIELDS) + len(OTHERS))]
    return [(what, random_value(rng, what), frame) for what in wanted]


def test_s9_stacks_up_to_64_deep_are_edited_at_their_top(program: Path) -> None:
    rng = random.Random(13)
    stacks = [frame for frame in corpus.stacks(rng) if len(frame) < 1800]
    cases = [case for frame in stacks for case in labels_and_tags(rng, frame)]
    assert check_against_slow(program, cases) > 1_000


def test_s10_labelled_and_backbone_frames_cut_at_every_byte(program: Path) -> None:
    rng = random.Random(14)
    wholes = [corpus.ethernet(rng, 0x8847, corpus.labelled(rng, deep)) for deep in (1, 1, 1, 2, 3)]
    wholes += [corpus.service(rng, corpus.frame(rng)[:80]), *wholes[:2]]
    cut = [whole[:size] for whole in wholes for size in range(min(len(whole), 120) + 1)]
    cases = [case for frame in cut for case in labels_and_tags(rng, frame)]
    assert check_against_slow(program, cases) > 1_000


def test_pushed_headers_are_those_that_scapy_builds(program: Path) -> None:
    ip = IP(src="10.0.0.1", dst="10.0.0.2", ttl=7) / UDP(sport=1, dport=2) / b"payload"
    macs = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
    plain = Ether(**macs) / ip
    tagged = Ether(**macs) / Dot1Q(vlan=5, prio=3) / ip
    one = Ether(**macs) / MPLS(label=0, s=1, ttl=7) / ip
    entry = MPLS(label=77, cos=5, s=1, ttl=9)
    labelled = Ether(**macs) / entry / ip
    two = Ether(**macs) / MPLS(label=77, cos=5, s=0, ttl=9) / entry / ip
    push, backbone = len(FIELDS) + 5, len(FIELDS) + 11
    cases = [
        (push, 0x8847, plain, one),
        (push, 0x8847, labelled, two),
        (push + 1, 0x0800, labelled, plain),
        (push + 1, 0x8847, two, labelled),
        (backbone, 0x88E7, plain, Ether(**macs) / Dot1AH() / plain),
        (backbone, 0x88E7, tagged, Ether(**macs) / Dot1AH(prio=3) / tagged),
        (backbone + 1, 0, Ether(**macs) / Dot1AH(isid=4) / tagged, tagged),
        (
            backbone + 1, 0, Ether(**macs) / Dot1Q(vlan=9) / Dot1AH(isid=4) / plain,
            Ether(**macs) / Dot1Q(vlan=9) / plain.payload,
        ),
    ]
    records = [
        bytes([what]) + value.to_bytes(2).ljust(16, b"\0") + bytes(before)
        for what, value, before, _ in cases
    ]
    for case, (after, told) in zip(cases, results(cprogram.run(program, records)), strict=True):
        assert told
        assert after == bytes(case[3]), case[2].summary()
