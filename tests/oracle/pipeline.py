"""A switch as OpenFlow 1.3.5 describes it, slow and obvious: the reference for the C pipeline.

Tables are lists of rules; a packet is its bytes, and whatever rules look at is parsed out of them
again at each table.  Flow-mods follow section 6.4 word by word.  No cache, no versions, no threads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NoReturn

from datapath.action import Action, DecNwTtl, Output, PopVlan, PushVlan, SetField, SetNwTtl
from datapath.instruction import (
    ApplyActions,
    ClearActions,
    GotoTable,
    Instruction,
    WriteActions,
    WriteMetadata,
)
from datapath.oxm import Match
from datapath.ports import PORT_MAX, Reserved
from datapath.rule import ALL_TABLES, Command, Flags, Rule
from tests.oracle import edits
from tests.oracle.layout import MAX_VLANS, layout
from tests.oracle.values import values

NO_MATCH, APPLY, INVALID_TTL = 0, 1, 2
DOWN, NO_RECV, NO_FWD, NO_PACKET_IN = 1, 4, 32, 64
NEIGHBOUR = {"nd_target", "nd_sll", "nd_tll"}
TRANSPORT = {f"{name}_{end}" for name in ("tcp", "udp", "sctp") for end in ("src", "dst")} | {
    f"icmpv{version}_{part}" for version in (4, 6) for part in ("type", "code")
}
BEHIND = {"ip_proto": TRANSPORT | NEIGHBOUR, "icmpv6_type": NEIGHBOUR}
NO_COOKIE = 0xFFFF_FFFF_FFFF_FFFF


class PacketEnds(Exception):
    """In the middle of its actions; the drop is counted already."""


@dataclass
class Entry:
    """A rule in its table, with what it counted."""

    rule: Rule
    packets: int = 0
    bytes: int = 0

    def is_table_miss(self) -> bool:
        return self.rule.priority == 0 and not key(self.rule.match)


@dataclass
class Result:
    """What became of one packet."""

    outputs: dict[int, list[bytes]] = field(default_factory=dict)
    packet_ins: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)
    drops: Counter[str] = field(default_factory=Counter)
    drops_at: Counter[int] = field(default_factory=Counter)


def key(match: Match) -> frozenset[tuple[str, int, int]]:
    """What makes two matches the same: fields with the bits that count."""
    terms = ((t.field.name, t.value, t.field.ones if t.mask is None else t.mask) for t in match)
    return frozenset(term for term in terms if term[2])


def matches(match: Match, found: dict[str, int]) -> bool:
    return all(found.get(name, 0) & mask == value for name, value, mask in key(match))


def covers(wide: Match, narrow: Match) -> bool:
    """Does every packet of 'narrow' match 'wide'?  As a non-strict flow-mod asks it."""
    have = {name: (value, mask) for name, value, mask in key(narrow)}
    for name, value, mask in key(wide):
        other_value, other_mask = have.get(name, (0, 0))
        if mask & ~other_mask or other_value & mask != value:
            return False
    return True


def outputs_to(rule: Rule, port: int) -> bool:
    return any(isinstance(a, Output) and a.port == port for a in actions_of(rule.instructions))


def actions_of(instructions: tuple[Instruction, ...]) -> list[Action]:
    return [
        action
        for instruction in instructions
        if isinstance(instruction, ApplyActions | WriteActions)
        for action in instruction.actions
    ]


class Model:
    """Tables and ports of one bridge."""

    def __init__(self, ports: list[int]) -> None:
        self.tables: dict[int, list[Entry]] = {}
        self.ports = dict.fromkeys(ports, 0)
        self.lookups: Counter[int] = Counter()
        self.matched: Counter[int] = Counter()

    # ---- flow-mods ----

    def flow_mod(self, command: Command, rule: Rule) -> None:
        if command is Command.ADD:
            self._add(rule)
            return
        for number in self.tables if rule.table == ALL_TABLES else [rule.table]:
            entries = self.tables.get(number, [])
            for entry in [e for e in entries if self._meant(command, rule, e.rule)]:
                if command in (Command.DELETE, Command.DELETE_STRICT):
                    entries.remove(entry)
                else:
                    self._modify(entry, rule)

    def _add(self, rule: Rule) -> None:
        entries = self.tables.setdefault(rule.table, [])
        entry = Entry(replace(rule, cookie_mask=0, out_port=Reserved.ANY))
        for old in [e for e in entries if same(e.rule, rule)]:
            if not rule.flags & Flags.RESET_COUNTS:
                entry.packets, entry.bytes = old.packets, old.bytes
            entries.remove(old)
        entries.append(entry)

    def _modify(self, entry: Entry, rule: Rule) -> None:
        entry.rule = replace(entry.rule, instructions=rule.instructions)
        if rule.flags & Flags.RESET_COUNTS:
            entry.packets = entry.bytes = 0

    def _meant(self, command: Command, wanted: Rule, rule: Rule) -> bool:
        strict = command in (Command.MODIFY_STRICT, Command.DELETE_STRICT)
        if not (same(rule, wanted) if strict else covers(wanted.match, rule.match)):
            return False
        if (rule.cookie ^ wanted.cookie) & wanted.cookie_mask:
            return False
        deletes = command in (Command.DELETE, Command.DELETE_STRICT)
        narrowed = deletes and wanted.out_port != Reserved.ANY
        return not narrowed or outputs_to(rule, wanted.out_port)

    # ---- packets ----

    def receive(self, in_port: int, frame: bytes) -> Result:
        result = Result()
        if self.ports[in_port] & (DOWN | NO_RECV):
            result.drops["port-down"] += 1
            return result
        journey = _Journey(self, in_port, frame, result)
        journey.through_tables()
        return result

    def packet_out(self, in_port: int, actions: tuple[Action, ...], frame: bytes) -> Result:
        result = Result()
        journey = _Journey(self, in_port, frame, result)
        journey.do(actions)
        return result


def same(a: Rule, b: Rule) -> bool:
    return a.priority == b.priority and key(a.match) == key(b.match)


class _Journey:
    """One packet on its way."""

    def __init__(self, model: Model, in_port: int, frame: bytes, result: Result) -> None:
        self.model, self.in_port, self.frame, self.result = model, in_port, frame, result
        self.metadata = self.tunnel_id = 0
        self.set: dict[object, Action] = {}
        self.origin = (0, NO_COOKIE)
        self.miss = self.sent = False
        self.hidden: set[str] = set()

    def through_tables(self) -> None:
        size = len(self.frame)
        table: int | None = 0
        try:
            while table is not None:
                entry = self.look_up(table)
                if entry is None:
                    self.result.drops["table-miss"] += 1
                    return
                entry.packets += 1
                entry.bytes += size
                table = self.enter(table, entry)
            self.do_set()
        except PacketEnds:
            return
        if not self.sent:
            self.result.drops["rule"] += 1

    def look_up(self, table: int) -> Entry | None:
        found = values(self.frame, self.in_port)
        found |= {"metadata": self.metadata, "tunnel_id": self.tunnel_id}
        found = {name: value for name, value in found.items() if name not in self.hidden}
        entries = self.model.tables.get(table, [])
        self.model.lookups[table] += 1
        hits = [entry for entry in entries if matches(entry.rule.match, found)]
        self.model.matched[table] += bool(hits)
        return max(hits, key=lambda entry: entry.rule.priority, default=None)

    def enter(self, table: int, entry: Entry) -> int | None:
        """Carries out a rule's instructions in the standard's order; the next table."""
        self.origin = (table, entry.rule.cookie)
        self.miss = entry.is_table_miss()
        by_kind = {type(i): i for i in entry.rule.instructions}
        following = None
        for kind in (ApplyActions, ClearActions, WriteActions, WriteMetadata, GotoTable):
            instruction = by_kind.get(kind)
            if isinstance(instruction, ApplyActions):
                self.do(instruction.actions)
            elif isinstance(instruction, ClearActions):
                self.set = {}
            elif isinstance(instruction, WriteActions):
                for action in instruction.actions:
                    self.set[_kind_in_set(action)] = action
            elif isinstance(instruction, WriteMetadata):
                mask = instruction.mask
                self.metadata = self.metadata & ~mask | instruction.value & mask
            elif isinstance(instruction, GotoTable):
                following = instruction.table
        return following

    def do_set(self) -> None:
        """Section 5.10; among set-fields the order of fields.def."""
        order = (PopVlan, PushVlan, DecNwTtl, SetNwTtl, SetField, Output)
        ranked = sorted(
            self.set.values(),
            key=lambda a: (
                order.index(type(a)),
                a.field.oxm_field if isinstance(a, SetField) else 0,
            ),
        )
        self.do(tuple(ranked))

    def do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            if isinstance(action, Output):
                self.output(action.port)
            elif isinstance(action, SetField):
                self.set_field(action)
            elif isinstance(action, PushVlan):
                self.push_vlan(action)
            elif isinstance(action, PopVlan):
                self.pop_vlan()
            elif isinstance(action, SetNwTtl):
                self.frame = edits.set_ttl(self.frame, action.ttl)
            elif isinstance(action, DecNwTtl):
                self.dec_ttl()

    def set_field(self, action: SetField) -> None:
        """A header that got another name is not read again, so its fields are hidden."""
        if action.field.name == "tunnel_id":
            self.tunnel_id = action.value
        if action.field.name in values(self.frame, self.in_port):
            self.hidden |= BEHIND.get(action.field.name, set())
        self.frame = edits.set_field(self.frame, action.field.name, action.value)

    def push_vlan(self, action: PushVlan) -> None:
        if layout(self.frame).n_vlans == MAX_VLANS:
            self.end("too-deep")
        self.frame = edits.push_vlan(self.frame, action.ethertype)

    def pop_vlan(self) -> None:
        at = layout(self.frame)
        if at.n_vlans == MAX_VLANS and at.eth_type in (0x8100, 0x88A8):
            self.end("too-deep")
        self.frame = edits.pop_vlan(self.frame)

    def dec_ttl(self) -> None:
        less = edits.dec_ttl(self.frame)
        if less is None:
            self.to_controller(INVALID_TTL)
            self.end("ttl")
        else:
            self.frame = less

    def end(self, reason: str) -> NoReturn:
        self.result.drops[reason] += 1
        raise PacketEnds

    def output(self, port: int) -> None:
        self.sent = True
        if port == Reserved.CONTROLLER:
            self.to_controller(NO_MATCH if self.miss else APPLY)
        elif port in (Reserved.ALL, Reserved.FLOOD):
            for number in self.model.ports:
                if number != self.in_port:
                    self.send(number)
        elif port == Reserved.TABLE:
            self.through_tables()
        elif port == Reserved.IN_PORT:
            self.send(self.in_port)
        elif port == self.in_port and port in self.model.ports:
            self.result.drops["output-self"] += 1
        else:
            self.send(port)

    def send(self, port: int) -> None:
        if port not in self.model.ports or port > PORT_MAX:
            self.result.drops["no-port"] += 1
        elif self.model.ports[port] & (DOWN | NO_FWD):
            self.result.drops_at[port] += 1
        else:
            self.result.outputs.setdefault(port, []).append(self.frame)

    def to_controller(self, reason: int) -> None:
        if not self.model.ports.get(self.in_port, 0) & NO_PACKET_IN:
            table, cookie = self.origin
            packet = (self.in_port, reason, table, cookie, self.frame)
            self.result.packet_ins.append(packet)


def _kind_in_set(action: Action) -> object:
    """The action set holds one of each kind; a set-field's kind is its field (section 5.10)."""
    return (SetField, action.field.name) if isinstance(action, SetField) else type(action)
