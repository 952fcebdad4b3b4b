"""Frames to try parsers on: every kind of header, stacked, cut short, and damaged.

Plain bytes, built from a seeded random.Random, so each run sees the same frames.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

MACS = bytes.fromhex("020000000002020000000001")
EXTENSIONS = (0, 43, 44, 51, 60)


def tags(rng: random.Random, depth: int) -> bytes:
    """'depth' tags, TPID first; the type of what follows is for the caller to add."""
    pairs = ((rng.choice((0x8100, 0x88A8)), rng.getrandbits(16)) for _ in range(depth))
    return b"".join(struct.pack("!HH", *pair) for pair in pairs)


def ethernet(rng: random.Random, eth_type: int, payload: bytes, depth: int = 0) -> bytes:
    return MACS + tags(rng, depth) + struct.pack("!H", eth_type) + payload


def transport(rng: random.Random, proto: int) -> bytes:
    if proto == 6:
        words = rng.choice((5, 5, 6, 8, 15))
        rest = words * 4 - 13 + rng.randrange(20)
        return rng.randbytes(12) + bytes([words << 4]) + rng.randbytes(rest)
    if proto == 58:
        return neighbour(rng)
    return rng.randbytes(rng.choice((8, 12, 16, 40)))


def neighbour(rng: random.Random) -> bytes:
    options = b"".join(
        bytes([rng.choice((1, 2, 1, 2, 3, 5)), size]) + rng.randbytes(max(0, 8 * size - 2))
        for size in (rng.choice((1, 1, 1, 1, 2, 0)) for _ in range(rng.choice((0, 1, 1, 2, 18))))
    )
    return bytes([rng.choice((135, 136, 136, 135, 128, 134)), 0]) + rng.randbytes(22) + options


def ipv4(rng: random.Random, proto: int, payload: bytes, fragment: int = 0) -> bytes:
    words = rng.choice((5, 5, 5, 6, 15))
    total = 4 * words + len(payload)
    tos = rng.getrandbits(8)
    head = struct.pack("!BBHHHBBH", 0x40 | words, tos, total, 7, fragment, 64, proto, 0)
    return head + rng.randbytes(8 + 4 * (words - 5)) + payload


def extension(rng: random.Random, kind: int, following: int) -> bytes:
    if kind == 44:
        offset = rng.choice((0, 0, 1, 1, 0x10, 0x11))
        return struct.pack("!BBHI", following, 0, offset, rng.getrandbits(32))
    size = rng.choice((0, 0, 1, 4))
    return bytes([following, size]) + rng.randbytes(6 + size * (4 if kind == 51 else 8))


def ipv6(rng: random.Random, proto: int, payload: bytes, chain: list[int]) -> bytes:
    for kind in reversed(chain):
        payload = extension(rng, kind, proto) + payload
        proto = kind
    head = struct.pack("!IHBB", 0x60000000 | rng.getrandbits(28), len(payload), proto, 64)
    return head + rng.randbytes(32) + payload


def arp(rng: random.Random) -> bytes:
    return bytes.fromhex("0001080006040001") + rng.randbytes(20)


def labels(rng: random.Random, depth: int) -> bytes:
    """A stack of 'depth' entries, the bottom marked; now and then one says so too early."""
    entries = [rng.getrandbits(32) & ~0x100 for _ in range(depth)]
    if depth and rng.random() < 0.1:
        entries[rng.randrange(depth)] |= 0x100
    if depth:
        entries[-1] |= 0x100
    return struct.pack(f"!{depth}I", *entries)


def labelled(rng: random.Random, depth: int) -> bytes:
    """'depth' labels over IPv4, IPv6, or what is neither."""
    packet = rng.choice(
        (
            ipv4(rng, 17, transport(rng, 17)),
            ipv6(rng, 6, transport(rng, 6), []),
            rng.randbytes(rng.randrange(40)),
        )
    )
    return labels(rng, depth) + packet


def snap(rng: random.Random, eth_type: int, payload: bytes, padding: bytes, depth: int) -> bytes:
    """An 802.3 frame with LLC and SNAP, its length mostly right."""
    inner = bytes.fromhex("aaaa03000000") + struct.pack("!H", eth_type) + payload
    length = rng.choice((len(inner), len(inner), len(inner) + 1, 3))
    return ethernet(rng, length, inner + padding, depth)


def service(rng: random.Random, customer: bytes) -> bytes:
    """A frame in another (IEEE 802.1Q, 9.5): an I-TAG behind addresses of its own, even B-TAGs."""
    tci = rng.getrandbits(32).to_bytes(4)
    return ethernet(rng, 0x88E7, tci + customer, rng.choice((0, 0, 1, 2)))


def frame(rng: random.Random) -> bytes:
    """One whole frame of a random kind, sometimes padded."""
    depth = rng.choice((0, 0, 0, 1, 2, 7, 8, 9))
    proto = rng.choice((1, 6, 6, 17, 17, 33, 47, 50, 58, 58, 58, 59, 132, 136))
    kind = rng.randrange(11)
    padding = rng.randbytes(rng.choice((0, 0, 4, 30)))
    if kind <= 2:
        fragment = rng.choice((0, 0, 0x4000, 0x2000, 0x2001, 1))
        packet = ipv4(rng, proto, transport(rng, proto), fragment)
        return ethernet(rng, 0x0800, packet + padding, depth)
    if kind <= 5:
        chain = [rng.choice(EXTENSIONS) for _ in range(rng.choice((0, 0, 1, 2, 3, 5)))]
        packet = ipv6(rng, proto, transport(rng, proto), chain)
        return ethernet(rng, 0x86DD, packet + padding, depth)
    if kind == 6:
        return ethernet(rng, 0x0806, arp(rng) + padding, depth)
    if kind == 7:
        return snap(rng, 0x0800, ipv4(rng, 17, transport(rng, 17)), padding, depth)
    if kind == 8:
        return service(rng, frame(rng))
    eth_type, packet = rng.choice((0x8847, 0x8848)), labelled(rng, rng.choice((1, 1, 2, 3)))
    if rng.random() < 0.2:
        return snap(rng, eth_type, packet, padding, depth)
    return ethernet(rng, eth_type, packet + padding, depth)


def stacks(rng: random.Random) -> Iterator[bytes]:
    """0 to 64 deep stacks of tags, labels, I-TAGs, and extension headers of one kind and mixed."""
    customer = ethernet(rng, 0x0800, ipv4(rng, 17, transport(rng, 17)))
    for depth in range(65):
        yield ethernet(rng, 0x0800, ipv4(rng, 17, transport(rng, 17)), depth)
        yield ethernet(rng, 0x8847, labelled(rng, depth))
        yield customer
        customer = service(rng, customer)
        for kinds in (*((kind,) for kind in EXTENSIONS), EXTENSIONS):
            chain = [rng.choice(kinds) for _ in range(depth)]
            yield ethernet(rng, 0x86DD, ipv6(rng, 6, transport(rng, 6), chain))


def damaged(rng: random.Random, whole: bytes) -> bytes:
    """'whole' with a few bytes of its first hundred changed, often to an edge value."""
    broken = bytearray(whole)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(12, min(len(broken), 100))
        flipped = broken[at] ^ 1 << rng.randrange(8)
        broken[at] = rng.choice((0, 1, 0xFF, 0x81, flipped, rng.getrandbits(8)))
    return bytes(broken)
