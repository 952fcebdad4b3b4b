"""Random rules for random packets: matches made from the packets' own values, so that they hit.

Everything comes from a seeded random.Random: a failing seed fails again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from datapath.action import (
    Action,
    CopyTtlIn,
    CopyTtlOut,
    DecMplsTtl,
    DecNwTtl,
    Group,
    Output,
    PopMpls,
    PopPbb,
    PopVlan,
    PushMpls,
    PushPbb,
    PushVlan,
    SetField,
    SetMplsTtl,
    SetNwTtl,
    SetQueue,
)
from datapath.fields import BY_NAME, FIELDS, Field, Needs
from datapath.group import ALL_GROUPS, ANY_GROUP, Bucket, GroupCommand, GroupDesc, GroupType
from datapath.instruction import (
    ApplyActions,
    ClearActions,
    GotoTable,
    Instruction,
    Meter,
    WriteActions,
    WriteMetadata,
)
from datapath.meter import ALL_METERS, DropBand, MeterCommand, MeterConfig, MeterFlags
from datapath.oxm import VLAN_PRESENT, Match, Term, sorted_match, term
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.rule import ALL_TABLES, Flags, FlowCommand, Rule
from tests.oracle import corpus
from tests.oracle.values import values

TABLES = (0, 1, 2, 7, 254)
PORTS = 6
GROUPS, METERS = range(1, 7), range(1, 4)
TEXTS = (
    "tcp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,tp_src={p},tp_dst=80,nw_ttl={t}",
    "udp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,tp_src={p},tp_dst=53,payload=0102030405,nw_ttl={t}",
    "icmp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,icmp_type=8,nw_ttl=1",
    "tcp6,ipv6_src=fe80::{a},ipv6_dst=fe80::1:{b},tp_src={p},tp_dst=443,nw_ttl={t},ipv6_label=0x12345",
    "udp6,ipv6_src=fe80::{a},ipv6_dst=fe80::1:{b},tp_dst={p},nw_ttl=2",
    "icmp6,ipv6_src=fe80::{a},ipv6_dst=ff02::1,icmp_type=135,nd_target=fe80::{b},"
    "nd_sll=02:00:00:00:00:{a}",
    "icmp6,ipv6_src=fe80::{a},icmp_type=136,nd_target=fe80::{b},nd_tll=02:00:00:00:00:{b}",
    "icmp6,ipv6_src=fe80::{a},icmp_type=135,nd_target=fe80::{b}",
    "icmp6,ipv6_src=fe80::{a},icmp_type=136,nd_target=::",
    "arp,arp_op=1,arp_spa=10.0.{a}.1,arp_tpa=10.0.{b}.2,arp_sha=02:00:00:00:00:{a}",
    "sctp,nw_src=10.0.{a}.1,tp_src={p},tp_dst=9,payload=aabbccdd",
    "dl_type=0x88cc,payload=00",
    "mpls,mpls_label=1{a},mpls_tc={b}",
    "mplsm,mpls_label=1{a},mpls_bos=0,payload=0001ff40",
    "dl_type=0x88e7,pbb_isid=0x10{a}",
    "udp6,ipv6_src=fe80::{a},ipv6_exthdr=0x{a}8,tp_dst={p}",
)
TAGS = ("", "", ",dl_vlan={a}", ",dl_vlan={a},dl_vlan_pcp={b}")


def packet(rng: random.Random) -> bytes:
    """A frame: one that hosts would send, or one of the corpus, or one cut short."""
    if rng.random() < 0.3:
        return corpus.frame(rng)
    fill = {"a": rng.randrange(1, 4), "b": rng.randrange(1, 4), "p": rng.choice((80, 81, 1000))}
    fill["t"] = rng.choice((0, 1, 2, 64))
    text = (rng.choice(TEXTS) + rng.choice(TAGS)).format(**fill)
    macs = (
        f",dl_src=02:00:00:00:00:0{rng.randrange(1, 4)},dl_dst=02:00:00:00:00:0{rng.randrange(4)}"
    )
    frame = parse_packet(text + macs, 1).frame
    if rng.random() < 0.25:
        frame = labelled(rng, frame)
    if rng.random() < 0.1:
        frame = in_backbone(rng, frame)
    if rng.random() < 0.1:
        frame = frame[:12] + bytes.fromhex("81002007") * rng.randrange(1, 10) + frame[12:]
    return frame[: rng.randrange(14, len(frame))] if rng.random() < 0.1 else frame


def labelled(rng: random.Random, frame: bytes) -> bytes:
    """The frame with one to three label stack entries behind its tags, mostly a proper stack."""
    at = 14
    while frame[at - 2 : at] in (b"\x81\0", b"\x88\xa8"):
        at += 4
    depth = rng.choice((1, 1, 2, 3))
    stack = b""
    for level in range(depth):
        bottom = level == depth - 1 or rng.random() < 0.1
        label, tc, ttl = rng.randrange(16, 20), rng.randrange(8), rng.choice((0, 1, 2, 64))
        stack += (label << 12 | tc << 9 | bottom << 8 | ttl).to_bytes(4)
    kind = rng.choice((b"\x88\x47", b"\x88\x48"))
    return frame[: at - 2] + kind + stack + frame[at:]


def in_backbone(rng: random.Random, frame: bytes) -> bytes:
    """The frame in a provider's backbone: other addresses, perhaps a B-TAG, an I-TAG."""
    tag = b"\x88\xa8" + rng.randrange(1, 4).to_bytes(2) if rng.random() < 0.5 else b""
    tci = rng.randrange(8) << 29 | rng.randrange(1, 4)
    return bytes.fromhex("0a000000000b0a000000000c") + tag + b"\x88\xe7" + tci.to_bytes(4) + frame


WIDE, NARROW = (0, 1, 1, 2, 3, 5), (0, 0, 0, 1)
"""How many fields a match is about, besides what those need."""


def match(rng: random.Random, frame: bytes, in_port: int, sizes: tuple[int, ...] = WIDE) -> Match:
    """Terms that the frame meets, most of the time, with their prerequisites."""
    found = values(frame, in_port)
    found |= {"metadata": rng.getrandbits(4), "tunnel_id": rng.getrandbits(2)}
    wanted = rng.sample(sorted(found), min(len(found), rng.choice(sizes)))
    lacking = absent(found)
    if lacking and rng.random() < 0.2:
        wanted.append(rng.choice(lacking))
        found[wanted[-1]] = 0
    terms: dict[str, Term] = {}
    for name in wanted:
        _require(terms, BY_NAME[name], found)
        terms.setdefault(name, _term(rng, BY_NAME[name], found[name]))
    if "vlan_vid" not in found and rng.random() < 0.1:
        terms["vlan_vid"] = term("vlan_vid", 0)
    return sorted_match(terms.values())


def absent(found: dict[str, int]) -> list[str]:
    """Fields that a frame lacks though it is what they need: a fragment's ports, say."""
    told = ("in_port", "vlan_vid", "eth_type", "ip_proto", "icmpv6_type")
    what = sorted_match(term(name, found[name]) for name in told if name in found)
    known = {*found, "vlan_vid"}
    return [f.name for f in FIELDS if f.name not in known and what.meets(f.needs)]


def _require(terms: dict[str, Term], field: Field, found: dict[str, int]) -> None:
    """Adds what must be matched exactly before 'field' may be."""
    needs = field.needs
    if needs is Needs.VLAN:
        terms["vlan_vid"] = term("vlan_vid", VLAN_PRESENT, VLAN_PRESENT)
    if needs is Needs.IN_PORT:
        terms["in_port"] = term("in_port", found["in_port"])
    if needs in (Needs.NOTHING, Needs.VLAN, Needs.IN_PORT):
        return
    terms["eth_type"] = term("eth_type", found["eth_type"])
    if needs in (Needs.IP, Needs.IPV4, Needs.IPV6, Needs.ARP, Needs.MPLS, Needs.PBB):
        return
    terms["ip_proto"] = term("ip_proto", found["ip_proto"])
    if needs in (Needs.ND, Needs.NS, Needs.NA):
        terms["icmpv6_type"] = term("icmpv6_type", found["icmpv6_type"])


def _term(rng: random.Random, field: Field, value: int) -> Term:
    if rng.random() < 0.15:
        value ^= 1 << rng.randrange(field.bits)
    if field.name == "vlan_vid":
        value |= VLAN_PRESENT
    if not field.maskable or rng.random() < 0.5:
        return Term(field, value)
    mask = rng.choice((field.ones, rng.getrandbits(field.bits), field.ones << 4 & field.ones))
    if field.name == "vlan_vid":
        mask |= VLAN_PRESENT
    return Term(field, value & mask, mask)


def value_for(rng: random.Random, field: Field) -> int:
    if field.name == "vlan_vid":
        return VLAN_PRESENT | rng.randrange(4)
    if field.name == "eth_type":
        return rng.choice((0x0800, 0x86DD, 0x0806, 0x8847, 0x88E7, 0x8100, 0x88B5))
    return rng.choice((rng.getrandbits(field.bits), rng.randrange(min(4, 1 << field.bits)), 0))


@dataclass
class There:
    """What a switch has, for changes to be about it."""

    rules: list[Rule] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    meters: list[int] = field(default_factory=list)


NOTHING = There()
FIXED: tuple[Action, ...] = (
    PopVlan(),
    PopMpls(0x0800),
    PopMpls(0x86DD),
    PopMpls(0x8847),
    PopPbb(),
    PushMpls(0x8847),
    PushMpls(0x8848),
    PushPbb(0x88E7),
    CopyTtlIn(),
    CopyTtlOut(),
    DecMplsTtl(),
    DecNwTtl(),
)


def action(rng: random.Random, given: Match, there: There) -> Action:
    kind = rng.randrange(18)
    if kind <= 3:
        return Output(rng.randrange(1, PORTS + 2))
    if kind == 4:
        return Output(rng.choice((Reserved.IN_PORT, Reserved.FLOOD, Reserved.ALL)))
    if kind == 5:
        return Output(Reserved.CONTROLLER, 0xFFFF)
    if kind == 6:
        return PushVlan(rng.choice((0x8100, 0x88A8)))
    if kind <= 9:
        return rng.choice(FIXED)
    if kind == 10:
        return rng.choice((SetNwTtl, SetMplsTtl))(rng.randrange(4))
    if kind == 11:
        return SetQueue(rng.randrange(3))
    if kind in (12, 13) and there.groups:
        return Group(rng.choice(there.groups) if rng.random() < 0.98 else 99)
    written = rng.choice([one for one in FIELDS if one.settable and given.meets(one.needs)])
    return SetField(written, value_for(rng, written))


OUTER = {"in_port", "in_phy_port", "metadata", "tunnel_id"}
ETHERNET = OUTER | {"eth_dst", "eth_src", "vlan_vid", "vlan_pcp"}


def known_after(made: Action, given: Match) -> Match:
    """What is known of a packet behind an action."""
    if isinstance(made, SetField) and made.field.name == "eth_type":
        rest = (t for t in given if t.field.name in ETHERNET)
        return sorted_match([*rest, term("eth_type", made.value)])
    if isinstance(made, SetField):
        rest = (term for term in given if term.field != made.field)
        return sorted_match([*rest, Term(made.field, made.value)])
    if isinstance(made, PopVlan):
        return Match(tuple(t for t in given if not t.field.name.startswith("vlan")))
    if isinstance(made, PopPbb):
        return Match(tuple(t for t in given if t.field.name in OUTER))
    if isinstance(made, PushMpls | PopMpls | PushPbb):
        kept = OUTER if isinstance(made, PushPbb) else ETHERNET
        rest = (t for t in given if t.field.name in kept)
        return sorted_match([*rest, term("eth_type", made.ethertype)])
    return given


def actions(
    rng: random.Random, given: Match, there: There, sizes: tuple[int, ...] = (0, 1, 1, 2, 3, 5, 12)
) -> tuple[tuple[Action, ...], Match]:
    """What a rule may do to a packet of which 'given' is known, and what is known then."""
    made = []
    for _ in range(rng.choice(sizes)):
        made.append(action(rng, given, there))
        given = known_after(made[-1], given)
    return tuple(made), given


def instructions(
    rng: random.Random, given: Match, table: int, there: There
) -> tuple[Instruction, ...]:
    made: list[Instruction] = []
    if there.meters and rng.random() < 0.1:
        made.append(Meter(rng.choice(there.meters)))
    if rng.random() < 0.7:
        applied, given = actions(rng, given, there)
        made.append(ApplyActions(applied))
    if rng.random() < 0.15:
        made.append(ClearActions())
    if rng.random() < 0.5:
        made.append(WriteActions(actions(rng, given, there)[0]))
    if rng.random() < 0.3:
        mask = rng.choice((0xF, 0x3, 0xFFFF_FFFF_FFFF_FFFF))
        made.append(WriteMetadata(rng.getrandbits(4) & mask, mask))
    later = [number for number in TABLES if number > table]
    if later and rng.random() < 0.6:
        made.append(GotoTable(rng.choice(later)))
    return tuple(made)


def rule(
    rng: random.Random, frames: list[bytes], there: There = NOTHING, narrow: bool = False
) -> Rule:
    table = rng.choice((0, 0, *TABLES))
    miss = rng.random() < 0.2
    sizes = NARROW if narrow else WIDE
    in_port = rng.randrange(1, PORTS + 1)
    given = Match() if miss else match(rng, rng.choice(frames), in_port, sizes)
    flags = rng.choice((Flags.NONE, Flags.NONE, Flags.RESET_COUNTS))
    return Rule(
        given, instructions(rng, given, table, there), table,
        0 if miss else rng.randrange(1, 65536), cookie=rng.getrandbits(4), flags=flags,
    )  # fmt: skip


def change(
    rng: random.Random, frames: list[bytes], there: There, narrow: bool = False
) -> tuple[FlowCommand, Rule]:
    """A flow-mod, mostly about rules that are there."""
    command = rng.choice((*[FlowCommand.ADD] * 6, *FlowCommand))
    made = rule(rng, frames, there, narrow)
    if not there.rules or (command is FlowCommand.ADD and rng.random() < 0.7):
        return FlowCommand.ADD, made
    old = rng.choice(there.rules)
    given = old.match
    if command in (FlowCommand.MODIFY, FlowCommand.DELETE):
        given = Match(
            tuple(t for t in given if t.field.needs is Needs.NOTHING and rng.random() < 0.9)
        )
    table = old.table
    deletes = command in (FlowCommand.DELETE, FlowCommand.DELETE_STRICT)
    if deletes and rng.random() < 0.2:
        table = ALL_TABLES
    narrowed = {}
    if command is not FlowCommand.ADD and rng.random() < 0.5:
        narrowed = {"cookie": old.cookie, "cookie_mask": rng.choice((3, 0xFFFF_FFFF_FFFF_FFFF))}
    if rng.random() < 0.3:
        narrowed["out_port"] = rng.randrange(1, PORTS)
    if rng.random() < 0.1:
        narrowed["out_group"] = rng.choice(GROUPS)
    done = () if deletes else instructions(rng, given, table, there)
    return command, Rule(given, done, table, old.priority, flags=made.flags, **narrowed)


def group(rng: random.Random, there: There) -> tuple[GroupCommand, GroupDesc]:
    """A group-mod.  What a bucket watches has a smaller number, so that nothing watches itself."""
    number = rng.choice(GROUPS)
    if rng.random() < 0.1:
        which = ALL_GROUPS if rng.random() < 0.1 else number
        return GroupCommand.DELETE, GroupDesc(GroupType.ALL, which)
    others = There(groups=[known for known in there.groups if known != number])
    kind = rng.choice(list(GroupType))
    count = 1 if kind is GroupType.INDIRECT else rng.choice((0, 1, 2, 2, 3, 3))
    buckets = tuple(bucket(rng, kind, number, others) for _ in range(count))
    known = number in there.groups
    likely = GroupCommand.MODIFY if known else GroupCommand.ADD
    command = likely if rng.random() < 0.95 else GroupCommand(1 - likely)
    return command, GroupDesc(kind, number, buckets)


def bucket(rng: random.Random, kind: GroupType, number: int, there: There) -> Bucket:
    watched = [other for other in there.groups if other < number]
    return Bucket(
        actions(rng, Match(), there, sizes=(0, 1, 2, 2, 3, 5))[0],
        weight=rng.choice((0, 1, 1, 2)) if kind is GroupType.SELECT else rng.random() < 0.03,
        watch_port=rng.randrange(1, PORTS + 1) if rng.random() < 0.5 else Reserved.ANY,
        watch_group=rng.choice(watched) if watched and rng.random() < 0.3 else ANY_GROUP,
    )


def meter(rng: random.Random, there: There) -> tuple[MeterCommand, MeterConfig]:
    """A meter-mod.  While the clock stands still a meter passes as many packets as its burst."""
    number = rng.choice(METERS)
    if rng.random() < 0.2:
        which = ALL_METERS if rng.random() < 0.1 else number
        return MeterCommand.DELETE, MeterConfig(MeterFlags.NONE, which)
    band = DropBand(rate=1, burst=rng.choice((1, 3, 10, 1000)))
    likely = MeterCommand.MODIFY if number in there.meters else MeterCommand.ADD
    command = likely if rng.random() < 0.95 else MeterCommand(1 - likely)
    return command, MeterConfig(MeterFlags.PKTPS | MeterFlags.BURST, number, (band,))
