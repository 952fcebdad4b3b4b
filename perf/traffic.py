"""`perf traffic DIR [CASE...]`: rules and frames for the usual cases, the same on every machine.

A case is a rule file (CASE.rules, ovs-ofctl's syntax) and a trace (CASE.pcap). All rules take
frames from port 1 to port 2, so the packets out of port 2 count everything. Frames have 60 bytes
(64 with the check sum of Ethernet), right checksums, and come in a fixed random order: nothing is
kind to a cache. Deterministic: a case's random numbers depend on its name and nothing else.
"""

import argparse
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perf.problem import USAGE, PerfProblem

FRAME = np.dtype(
    [
        ("eth_dst", "S6"), ("eth_src", "S6"), ("eth_type", ">u2"),
        ("version", "u1"), ("tos", "u1"), ("length", ">u2"), ("id", ">u2"), ("fragment", ">u2"),
        ("ttl", "u1"), ("protocol", "u1"), ("checksum", ">u2"), ("src", ">u4"), ("dst", ">u4"),
        ("sport", ">u2"), ("dport", ">u2"), ("seq", ">u4"), ("ack", ">u4"),
        ("flags", ">u2"), ("window", ">u2"), ("tcp_checksum", ">u2"), ("urgent", ">u2"),
        ("payload", "V6"),
    ]
)  # fmt: skip
"""A TCP segment in 60 bytes; a UDP datagram has its length where `seq` starts."""

TCP, UDP = 6, 17
HEADERS_PER_ACL = 20_000

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Headers:
    """n flows: arrays of IPv4 addresses, ports and protocols (6 or 17)."""

    src: Array
    dst: Array
    sport: Array
    dport: Array
    protocol: Array


@dataclass(frozen=True)
class AclRule:
    """A five-tuple rule: prefixes for the addresses, ports exact or any, a protocol or any."""

    src: int
    src_bits: int
    dst: int
    dst_bits: int
    sport: int | None
    dport: int | None
    protocol: int | None


@dataclass(frozen=True)
class Traffic:
    """What `make` returns: lines of rules and frames as an array of bytes, one row each."""

    words: str
    make: Callable[[np.random.Generator], tuple[list[str], Array]]


# ---- frames --------------------------------------------------------------------------


def frames(headers: Headers) -> Array:
    """One 60-byte frame a flow, as rows of bytes."""
    out = np.zeros(len(headers.src), FRAME)
    out["eth_dst"], out["eth_src"] = b"\x02\0\0\0\0\2", b"\x02\0\0\0\0\1"
    out["eth_type"], out["version"], out["length"], out["ttl"] = 0x0800, 0x45, 46, 64
    out["src"], out["dst"], out["protocol"] = headers.src, headers.dst, headers.protocol
    out["sport"], out["dport"] = headers.sport, headers.dport
    udp = headers.protocol == UDP
    out["seq"] = np.where(udp, 26 << 16, 1)  # UDP: length 26, no checksum
    out["flags"] = np.where(udp, 0, 0x5010)  # TCP: 20 bytes of header, ACK
    out["window"] = np.where(udp, 0, 0xFFFF)
    rows = out.view(np.uint8).reshape(-1, FRAME.itemsize)
    out["checksum"] = internet_checksum(rows[:, 14:34])
    pseudo = np.zeros((len(out), 4), np.uint8)
    pseudo[:, 1], pseudo[:, 3] = TCP, 26
    segment = np.concatenate([rows[:, 26:34], pseudo, rows[:, 34:]], axis=1)
    out["tcp_checksum"] = np.where(udp, 0, internet_checksum(segment))
    return rows


def internet_checksum(rows: Array) -> Array:
    """RFC 1071 over each row (an even number of bytes)."""
    total = np.ascontiguousarray(rows).view(">u2").astype(np.uint32).sum(axis=1)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    checksums: Array = ~total & 0xFFFF
    return checksums


def write_pcap(path: Path, rows: Array) -> None:
    """Frames of one size as a pcap file, times counting microseconds."""
    records = np.zeros(len(rows), [("head", "<u4", 4), ("data", "u1", rows.shape[1])])
    records["head"][:, 1] = np.arange(len(rows)) % 1_000_000
    records["head"][:, 2:] = rows.shape[1]
    records["data"] = rows
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    path.write_bytes(header + records.tobytes())


# ---- cases ---------------------------------------------------------------------------


def flows(random: np.random.Generator, count: int) -> Headers:
    """`count` different five-tuples from 10.0.0.0/8 to 172.16.0.0/12, in random order."""
    index = random.permutation(count)
    return Headers(
        src=0x0A000000 + index // 50_000 * 65_536 + index * 40_503 % 65_536,
        dst=0xAC100000 + random.integers(0, 1 << 20, count),
        sport=1024 + index % 50_000,
        dport=random.choice([53, 80, 443, 8080], count),
        protocol=random.choice([TCP, TCP, TCP, UDP], count),
    )


def one_rule(rule: str, count: int) -> Callable[[np.random.Generator], tuple[list[str], Array]]:
    """A case of one rule and `count` flows (at least 256 frames: one flow repeats its own)."""

    def make(random: np.random.Generator) -> tuple[list[str], Array]:
        rows = frames(flows(random, count))
        return [rule], np.repeat(rows, max(1, 256 // count), axis=0)

    return make


def mac_table(random: np.random.Generator) -> tuple[list[str], Array]:
    """1,000 destination addresses, a rule and a frame each."""
    rows = frames(flows(random, 1000))
    macs = [b"\x02\0\0\1" + station.to_bytes(2, "big") for station in range(1000)]
    rows[:, 0:6] = np.frombuffer(b"".join(macs), np.uint8).reshape(-1, 6)
    rules = [f"priority=10,dl_dst={mac.hex(':')},actions=output:2" for mac in macs]
    return rules, random.permutation(rows)


def pipeline(random: np.random.Generator) -> tuple[list[str], Array]:
    """Three tables: by protocol, by destination network with a new address, then a VLAN tag."""
    rules = [
        "table=0,priority=10,in_port=1,ip,actions=goto_table:1",
        *(
            f"table=1,priority=10,ip,nw_dst=172.{16 + net}.0.0/16,"
            f"actions=set_field:02:00:00:03:00:{net:02x}->eth_dst,goto_table:2"
            for net in range(16)
        ),
        "table=1,priority=1,actions=goto_table:2",
        "table=2,priority=10,tcp,actions=push_vlan:0x8100,set_field:4296->vlan_vid,output:2",
        "table=2,priority=1,actions=push_vlan:0x8100,set_field:4297->vlan_vid,output:2",
    ]
    return rules, frames(flows(random, 10_000))


def acl(rules: int, masks: int) -> Callable[[np.random.Generator], tuple[list[str], Array]]:
    """A case of `rules` five-tuple rules in `masks` different shapes, hit evenly."""

    def make(random: np.random.Generator) -> tuple[list[str], Array]:
        acl_rules = list(_acl_rules(random, rules, _shapes(random, masks)))
        chosen = [acl_rules[i] for i in random.integers(0, rules, HEADERS_PER_ACL)]
        lines = [_acl_line(rule, 60_000 - i) for i, rule in enumerate(acl_rules)]
        return [*lines, "priority=1,actions=output:2"], frames(_acl_headers(random, chosen))

    return make


Shape = tuple[int, int, bool, bool, bool]


def _shapes(random: np.random.Generator, count: int) -> list[Shape]:
    """Different (source bits, destination bits, has source port, destination port, protocol)."""
    found: dict[Shape, None] = {}
    while len(found) < count:
        src, dst = (int(bits) for bits in random.choice([0, 8, 16, 20, 24, 28, 32], 2))
        has_sport, has_dport = bool(random.random() < 0.2), bool(random.random() < 0.7)
        has_protocol = has_sport or has_dport or bool(random.random() < 0.5)
        if src + dst >= 24:
            found[(src, dst, has_sport, has_dport, has_protocol)] = None
    return list(found)


def _acl_rules(random: np.random.Generator, count: int, shapes: list[Shape]) -> Iterator[AclRule]:
    """`count` different rules; a few shapes are common and many are rare, as in real lists."""
    weights = 1 / np.arange(1, len(shapes) + 1)
    weights /= weights.sum()
    seen: set[AclRule] = set()
    while len(seen) < count:
        src_bits, dst_bits, has_sport, has_dport, has_protocol = shapes[
            random.choice(len(shapes), p=weights)
        ]
        src, dst = random.integers(0, 1 << 20, 2)
        rule = AclRule(
            src=(0x0A000000 + int(src) * 16) & _prefix(src_bits),
            src_bits=src_bits,
            dst=(0xAC100000 + int(dst)) & _prefix(dst_bits),
            dst_bits=dst_bits,
            sport=int(random.integers(1024, 65_536)) if has_sport else None,
            dport=int(random.integers(1, 10_000)) if has_dport else None,
            protocol=int(random.choice([TCP, UDP])) if has_protocol else None,
        )
        if rule not in seen:
            seen.add(rule)
            yield rule


def _prefix(bits: int) -> int:
    return 0xFFFFFFFF ^ (0xFFFFFFFF >> bits)


def _acl_line(rule: AclRule, priority: int) -> str:
    name = {TCP: "tcp", UDP: "udp", None: "ip"}[rule.protocol]
    words = [f"priority={priority},in_port=1,{name}"]
    words += [f"nw_src={_dotted(rule.src)}/{rule.src_bits}"] if rule.src_bits else []
    words += [f"nw_dst={_dotted(rule.dst)}/{rule.dst_bits}"] if rule.dst_bits else []
    words += [f"tp_src={rule.sport}"] if rule.sport is not None else []
    words += [f"tp_dst={rule.dport}"] if rule.dport is not None else []
    return ",".join([*words, "actions=output:2"])


def _dotted(address: int) -> str:
    return ".".join(str(byte) for byte in address.to_bytes(4, "big"))


def _acl_headers(random: np.random.Generator, rules: list[AclRule]) -> Headers:
    """One header a rule: its own values, and random ones where it does not care."""

    def ports(wanted: list[int | None]) -> Array:
        free = random.integers(1024, 65_536, len(wanted))
        return np.array([int(free[i]) if p is None else p for i, p in enumerate(wanted)])

    def addresses(values: list[tuple[int, int]], network: int) -> Array:
        free = network | random.integers(0, 1 << 20, len(values))
        return np.array(
            [value | (int(free[i]) & ~_prefix(bits)) for i, (value, bits) in enumerate(values)]
        )

    return Headers(
        src=addresses([(rule.src, rule.src_bits) for rule in rules], 0x0A000000),
        dst=addresses([(rule.dst, rule.dst_bits) for rule in rules], 0xAC100000),
        sport=ports([rule.sport for rule in rules]),
        dport=ports([rule.dport for rule in rules]),
        protocol=np.array([rule.protocol or TCP for rule in rules]),
    )


ONE_PORT = "in_port=1,actions=output:2"
ONE_NETWORK = "ip,nw_dst=172.16.0.0/12,actions=output:2"
CASES = {
    "f1": Traffic("one rule, one flow", one_rule(ONE_PORT, 1)),
    "f10k": Traffic("one masked rule, 10,000 flows", one_rule(ONE_NETWORK, 10_000)),
    "f100k": Traffic("one masked rule, 100,000 flows", one_rule(ONE_NETWORK, 100_000)),
    "mac1k": Traffic("1,000 destination addresses", mac_table),
    "pipe3": Traffic("three tables, set-field, push VLAN", pipeline),
    "acl100": Traffic("100 rules with 12 masks", acl(100, 12)),
    "acl1k": Traffic("1,000 rules with 40 masks", acl(1_000, 40)),
    "acl10k": Traffic("10,000 rules with 90 masks", acl(10_000, 90)),
}


def write_case(folder: Path, name: str) -> None:
    """Writes NAME.rules and NAME.pcap into `folder`."""
    rules, rows = CASES[name].make(np.random.default_rng(zlib.crc32(name.encode())))
    (folder / f"{name}.rules").write_text("\n".join(rules) + "\n", encoding="utf-8")
    write_pcap(folder / f"{name}.pcap", rows)


# ---- the command -----------------------------------------------------------------------


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declares the command line."""
    parser = commands.add_parser("traffic", help="write rules and frames of the usual cases")
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Writes the wanted cases, all if none is named."""
    if unknown := [name for name in options.cases if name not in CASES]:
        raise PerfProblem(f"case {unknown[0]}: unknown; one of {', '.join(CASES)}", USAGE)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.cases or CASES:
        write_case(options.folder, name)
        print(f"{options.folder / name}.rules, .pcap: {CASES[name].words}")
