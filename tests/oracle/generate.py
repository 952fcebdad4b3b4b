"""Random rules for random packets: matches made from the packets' own values, so that they hit.

Everything comes from a seeded random.Random: a failing seed fails again.
"""

from __future__ import annotations

import random

from datapath.action import Action, DecNwTtl, Output, PopVlan, PushVlan, SetField, SetNwTtl
from datapath.fields import BY_NAME, FIELDS, Field, Needs
from datapath.instruction import (
    ApplyActions,
    ClearActions,
    GotoTable,
    Instruction,
    WriteActions,
    WriteMetadata,
)
from datapath.oxm import VLAN_PRESENT, Match, Term, sorted_match, term
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.rule import ALL_TABLES, Command, Flags, Rule
from tests.oracle import corpus
from tests.oracle.values import values

TABLES = 5
PORTS = 6
TEXTS = (
    "tcp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,tp_src={p},tp_dst=80",
    "udp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,tp_src={p},tp_dst=53,payload=0102030405",
    "icmp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,icmp_type=8,nw_ttl=1",
    "tcp6,ipv6_src=fe80::{a},ipv6_dst=fe80::1:{b},tp_src={p},tp_dst=443,ipv6_label=0x12345",
    "udp6,ipv6_src=fe80::{a},ipv6_dst=fe80::1:{b},tp_dst={p},nw_ttl=2",
    "icmp6,ipv6_src=fe80::{a},ipv6_dst=ff02::1,icmp_type=135,nd_target=fe80::{b},"
    "nd_sll=02:00:00:00:00:{a}",
    "icmp6,ipv6_src=fe80::{a},icmp_type=136,nd_target=fe80::{b},nd_tll=02:00:00:00:00:{b}",
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
    text = (rng.choice(TEXTS) + rng.choice(TAGS)).format(**fill)
    macs = (
        f",dl_src=02:00:00:00:00:0{rng.randrange(1, 4)},dl_dst=02:00:00:00:00:0{rng.randrange(4)}"
    )
    frame = parse_packet(text + macs, 1).frame
    if rng.random() < 0.1:
        frame = frame[:12] + bytes.fromhex("81002007") * rng.randrange(1, 10) + frame[12:]
    return frame[: rng.randrange(14, len(frame))] if rng.random() < 0.1 else frame


def match(rng: random.Random, frame: bytes, in_port: int) -> Match:
    """Terms that the frame meets, most of the time, with their prerequisites."""
    found = values(frame, in_port)
    found |= {"metadata": rng.getrandbits(4), "tunnel_id": rng.getrandbits(2)}
    wanted = rng.sample(sorted(found), min(len(found), rng.choice((0, 1, 1, 2, 3, 5))))
    terms: dict[str, Term] = {}
    for name in wanted:
        _require(terms, BY_NAME[name], found)
        terms.setdefault(name, _term(rng, BY_NAME[name], found[name]))
    if "vlan_vid" not in found and rng.random() < 0.1:
        terms["vlan_vid"] = term("vlan_vid", 0)
    return sorted_match(terms.values())


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
    return rng.choice((rng.getrandbits(field.bits), rng.randrange(min(4, 1 << field.bits)), 0))


def action(rng: random.Random, given: Match) -> Action:
    kind = rng.randrange(12)
    if kind <= 3:
        return Output(rng.randrange(1, PORTS + 2))
    if kind == 4:
        return Output(rng.choice((Reserved.IN_PORT, Reserved.FLOOD, Reserved.ALL)))
    if kind == 5:
        return Output(Reserved.CONTROLLER, 0xFFFF)
    if kind == 6:
        return PushVlan(rng.choice((0x8100, 0x88A8)))
    if kind == 7:
        return PopVlan()
    if kind == 8:
        return rng.choice((DecNwTtl(), SetNwTtl(rng.randrange(4))))
    field = rng.choice([field for field in FIELDS if field.settable and given.meets(field.needs)])
    return SetField(field, value_for(rng, field))


def actions(rng: random.Random, given: Match) -> tuple[tuple[Action, ...], Match]:
    """What a rule may do to a packet of which 'given' is known, and what is known then."""
    made = []
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5, 12))):
        made.append(action(rng, given))
        if isinstance(made[-1], SetField):
            field, value = made[-1].field, made[-1].value
            kept = [term for term in given if term.field != field]
            given = sorted_match([*kept, Term(field, value)])
    return tuple(made), given


def instructions(rng: random.Random, given: Match, table: int) -> tuple[Instruction, ...]:
    made: list[Instruction] = []
    if rng.random() < 0.7:
        applied, given = actions(rng, given)
        made.append(ApplyActions(applied))
    if rng.random() < 0.15:
        made.append(ClearActions())
    if rng.random() < 0.5:
        made.append(WriteActions(actions(rng, given)[0]))
    if rng.random() < 0.3:
        mask = rng.choice((0xF, 0x3, 0xFFFF_FFFF_FFFF_FFFF))
        made.append(WriteMetadata(rng.getrandbits(4) & mask, mask))
    if table < TABLES - 1 and rng.random() < 0.6:
        made.append(GotoTable(rng.randrange(table + 1, TABLES)))
    return tuple(made)


def rule(rng: random.Random, frames: list[bytes]) -> Rule:
    table = rng.choice((0, 0, *range(TABLES)))
    miss = rng.random() < 0.1
    given = Match() if miss else match(rng, rng.choice(frames), rng.randrange(1, PORTS + 1))
    flags = rng.choice((Flags.NONE, Flags.NONE, Flags.RESET_COUNTS))
    return Rule(
        given, instructions(rng, given, table), table, 0 if miss else rng.randrange(1, 65536),
        cookie=rng.getrandbits(4), flags=flags,
    )  # fmt: skip


def change(rng: random.Random, frames: list[bytes], there: list[Rule]) -> tuple[Command, Rule]:
    """A flow-mod, mostly about rules that are there."""
    command = rng.choice((Command.ADD, Command.ADD, *Command))
    made = rule(rng, frames)
    if not there or (command is Command.ADD and rng.random() < 0.7):
        return Command.ADD, made
    old = rng.choice(there)
    given = old.match
    if command in (Command.MODIFY, Command.DELETE):
        given = Match(
            tuple(t for t in given if t.field.needs is Needs.NOTHING and rng.random() < 0.7)
        )
    table = old.table
    if command in (Command.DELETE, Command.DELETE_STRICT) and rng.random() < 0.2:
        table = ALL_TABLES
    narrowed = {}
    if command is not Command.ADD and rng.random() < 0.5:
        narrowed = {"cookie": old.cookie, "cookie_mask": rng.choice((3, 0xFFFF_FFFF_FFFF_FFFF))}
    if rng.random() < 0.3:
        narrowed["out_port"] = rng.randrange(1, PORTS)
    built = Rule(
        given, instructions(rng, given, min(table, TABLES)), table, old.priority, flags=made.flags,
        **narrowed,
    )  # fmt: skip
    return command, built
