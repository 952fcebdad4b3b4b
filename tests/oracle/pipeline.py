"""A switch as OpenFlow 1.3.5 describes it, slow and obvious: the reference for the C pipeline.

Tables are lists of rules; a packet is its bytes, and whatever rules look at is parsed out of them
again at each table.  Flow-mods follow section 6.4 word by word.  No cache, no versions, no threads.

Where the standard leaves a choice (which bucket of a select group), `outcomes` goes through all of
them, one Result each; nothing is counted until a Result is taken by `take`.

What the standard does not say and somebody has to: pops among themselves, and the setting of TTLs
and fields, go by the numbers of the actions; a packet counts with the bytes with which it came into
the switch; a header that gets another name (eth_type, ip_proto) is read again under it; a TTL that
ends in a bucket ends that bucket's copy; a group of which no bucket lives ends the packet or copy
by "group"; a packet that was sent nowhere, for no other reason, ended by "rule".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

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
from datapath.group import ANY_GROUP, GroupCommand, GroupDesc
from datapath.instruction import (
    ApplyActions,
    ClearActions,
    GotoTable,
    Instruction,
    Meter,
    WriteActions,
    WriteMetadata,
)
from datapath.meter import MeterCommand, MeterConfig
from datapath.oxm import Match
from datapath.ports import PORT_MAX, Reserved
from datapath.problems import Error
from datapath.rule import ALL_TABLES, Flags, FlowCommand, Rule
from tests.oracle import edits
from tests.oracle.groups import DOWN, Groups, MeterEntry, Meters, Port, Refused, Tally
from tests.oracle.layout import MAX_VLANS, VLAN_TYPES, layout
from tests.oracle.values import values

NO_MATCH, APPLY, INVALID_TTL = 0, 1, 2
NO_RECV, NO_FWD, NO_PACKET_IN = 4, 32, 64
NO_COOKIE = 0xFFFF_FFFF_FFFF_FFFF


ORDER_IN_SET = (
    CopyTtlIn,
    PopVlan,
    PopPbb,
    PopMpls,
    PushMpls,
    PushPbb,
    PushVlan,
    CopyTtlOut,
    DecMplsTtl,
    DecNwTtl,
    SetMplsTtl,
    SetNwTtl,
    SetField,
    SetQueue,
    Group,
    Output,
)
"""Section 5.10.  It says "pop" and "set" once for several types: pops go from the outermost header
that can be there to the innermost, TTLs by their numbers."""


class PacketEnds(Exception):
    """In the middle of its actions; the drop is counted already."""


@dataclass
class Entry(Tally):
    """A rule in its table, with what it counted."""

    rule: Rule = Rule()  # noqa: RUF009

    def is_table_miss(self) -> bool:
        return self.rule.priority == 0 and not key(self.rule.match)


@dataclass
class Choice:
    """One way out of several: the number 'taken' of 'of'."""

    taken: int
    of: int


@dataclass
class Result:
    """What became of one packet, and what has to count it.

    'queues' has what left by (port, queue) where a queue was set, 'choices' what select groups
    chose in the order in which the packet came to them, 'explained' is whether the packet was sent
    or its end has a reason.
    """

    outputs: dict[int, list[bytes]] = field(default_factory=dict)
    queues: Counter[tuple[int, int]] = field(default_factory=Counter)
    packet_ins: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)
    drops: Counter[str] = field(default_factory=Counter)
    drops_at: Counter[int] = field(default_factory=Counter)
    counts: list[tuple[Tally, int]] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    explained: bool = False


def key(match: Match) -> frozenset[tuple[str, int, int]]:
    """What makes two matches the same: fields with the bits that count."""
    terms = ((t.field.name, t.value, t.field.ones if t.mask is None else t.mask) for t in match)
    return frozenset(term for term in terms if term[2])


def matches(match: Match, found: dict[str, int]) -> bool:
    """A field that the packet does not have meets no match; no tag is a value of vlan_vid."""
    found = {"vlan_vid": 0} | found
    return all(name in found and found[name] & mask == value for name, value, mask in key(match))


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


def goes_to_group(rule: Rule, group: int) -> bool:
    return any(isinstance(a, Group) and a.group == group for a in actions_of(rule.instructions))


def meter_of(rule: Rule) -> int | None:
    return next((i.meter for i in rule.instructions if isinstance(i, Meter)), None)


def actions_of(instructions: tuple[Instruction, ...]) -> list[Action]:
    return [
        action
        for instruction in instructions
        if isinstance(instruction, ApplyActions | WriteActions)
        for action in instruction.actions
    ]


def put_in_set(there: dict[object, Action], actions: tuple[Action, ...]) -> None:
    """An action set holds one action of each type, and of set-fields one of each field; the
    latest stays (section 5.10)."""
    for action in actions:
        is_set = isinstance(action, SetField)
        there[(SetField, action.field.name) if is_set else type(action)] = action


def in_order(there: dict[object, Action]) -> tuple[Action, ...]:
    """An action set as it is carried out; among set-fields in the order of fields.def.

    With a group in it, an output is ignored.
    """
    grouped = Group in there
    kept = [a for a in there.values() if not (grouped and isinstance(a, Output))]
    return tuple(
        sorted(
            kept,
            key=lambda a: (
                ORDER_IN_SET.index(type(a)),
                a.field.oxm_field if isinstance(a, SetField) else 0,
            ),
        )
    )


class Model:
    """Tables, groups, meters and ports of one bridge."""

    def __init__(self, ports: list[int]) -> None:
        self.tables: dict[int, list[Entry]] = {}
        self.groups = Groups()
        self.meters = Meters()
        self.ports = {number: Port() for number in ports}

    def entries(self) -> list[Entry]:
        return [entry for entries in self.tables.values() for entry in entries]

    # ---- groups and meters ----

    def group_mod(self, command: GroupCommand, desc: GroupDesc) -> None:
        """Refused when it makes no sense; with a group go the rules that refer to it."""
        gone = self.groups.change(command, desc)
        self._forget(lambda rule: any(goes_to_group(rule, group) for group in gone))

    def meter_mod(self, command: MeterCommand, config: MeterConfig) -> None:
        """Refused when it makes no sense; with a meter go the rules that use it."""
        gone = self.meters.change(command, config)
        self._forget(lambda rule: meter_of(rule) in gone)

    def _forget(self, meant: Callable[[Rule], bool]) -> None:
        for number, entries in self.tables.items():
            self.tables[number] = [entry for entry in entries if not meant(entry.rule)]

    # ---- flow-mods ----

    def flow_mod(self, command: FlowCommand, rule: Rule) -> None:
        if command not in (FlowCommand.DELETE, FlowCommand.DELETE_STRICT):
            self._check_groups(tuple(actions_of(rule.instructions)))
        if command is FlowCommand.ADD:
            self._add(rule)
            return
        for number in list(self.tables) if rule.table == ALL_TABLES else [rule.table]:
            entries = self.tables.get(number, [])
            for entry in [e for e in entries if self._meant(command, rule, e.rule)]:
                if command in (FlowCommand.DELETE, FlowCommand.DELETE_STRICT):
                    entries.remove(entry)
                else:
                    self._modify(entry, rule)

    def _check_groups(self, actions: tuple[Action, ...]) -> None:
        """Nothing may lead to a group that is not there."""
        for action in actions:
            if isinstance(action, Group) and action.group not in self.groups.entries:
                raise Refused(Error.BAD_ACTION_BAD_OUT_GROUP)

    def _add(self, rule: Rule) -> None:
        entries = self.tables.setdefault(rule.table, [])
        kept = replace(rule, cookie_mask=0, out_port=Reserved.ANY, out_group=ANY_GROUP)
        entry = Entry(rule=kept)
        for old in [e for e in entries if same(e.rule, rule)]:
            if not rule.flags & Flags.RESET_COUNTS:
                entry.packets, entry.bytes = old.packets, old.bytes
            entries.remove(old)
        entries.append(entry)

    def _modify(self, entry: Entry, rule: Rule) -> None:
        entry.rule = replace(entry.rule, instructions=rule.instructions)
        if rule.flags & Flags.RESET_COUNTS:
            entry.packets = entry.bytes = 0

    def _meant(self, command: FlowCommand, wanted: Rule, rule: Rule) -> bool:
        strict = command in (FlowCommand.MODIFY_STRICT, FlowCommand.DELETE_STRICT)
        if not (same(rule, wanted) if strict else covers(wanted.match, rule.match)):
            return False
        if (rule.cookie ^ wanted.cookie) & wanted.cookie_mask:
            return False
        if command in (FlowCommand.MODIFY, FlowCommand.MODIFY_STRICT):
            return True
        by_port = wanted.out_port == Reserved.ANY or outputs_to(rule, wanted.out_port)
        by_group = wanted.out_group == ANY_GROUP or goes_to_group(rule, wanted.out_group)
        return by_port and by_group

    # ---- packets ----

    def outcomes(self, in_port: int, frame: bytes) -> Iterator[Result]:
        """Everything that may become of a packet that comes in."""
        return every_way(lambda script: self._receive(in_port, frame, script))

    def packet_out(
        self, in_port: int, actions: tuple[Action, ...], frame: bytes
    ) -> Iterator[Result]:
        """Everything that may become of a packet-out; Refused for a group that is not there."""
        self._check_groups(actions)
        return every_way(lambda script: self._send(in_port, actions, frame, script))

    def take(self, result: Result) -> None:
        """This is what became of the packet: counts it."""
        for tally, size in result.counts:
            tally.add(size)

    def _receive(self, in_port: int, frame: bytes, script: list[int]) -> Result:
        result = Result()
        if self.ports[in_port].config & (DOWN | NO_RECV):
            result.drops["port-down"] += 1
            return result
        _Journey(self, in_port, frame, result, script).through_tables()
        return result

    def _send(
        self, in_port: int, actions: tuple[Action, ...], frame: bytes, script: list[int]
    ) -> Result:
        result = Result()
        _Journey(self, in_port, frame, result, script).on_its_own(actions)
        return result


def every_way(run: Callable[[list[int]], Result]) -> Iterator[Result]:
    """One Result for each way of choosing buckets; 'run' makes it from a script of choices.

    Like a milometer: the last choice that is not at its end goes on, those behind it begin anew.
    """
    script: list[int] = []
    while True:
        result = run(script)
        yield result
        choices = list(result.choices)
        while choices and choices[-1].taken == choices[-1].of - 1:
            choices.pop()
        if not choices:
            return
        script = [choice.taken for choice in choices]
        script[-1] += 1


def same(a: Rule, b: Rule) -> bool:
    return a.priority == b.priority and key(a.match) == key(b.match)


class _Journey:
    """One packet on its way; a copy of it for a bucket is a copy of this."""

    def __init__(
        self, model: Model, in_port: int, frame: bytes, result: Result, script: list[int]
    ) -> None:
        """'script' is which choices to take, as far as it goes; the first one behind its end."""
        self.model, self.in_port, self.frame, self.result = model, in_port, frame, result
        self.script = script
        self.size = len(frame)
        self.metadata = self.tunnel_id = 0
        self.queue: int | None = None
        self.set: dict[object, Action] = {}
        self.origin = (0, NO_COOKIE)
        self.miss = False

    # ---- tables ----

    def through_tables(self) -> None:
        table: int | None = 0
        try:
            while table is not None:
                entry = self.look_up(table)
                if entry is None:
                    self.result.drops["table-miss"] += 1
                    return
                self.count(entry)
                table = self.enter(table, entry)
            self.do(in_order(self.set))
        except PacketEnds:
            return
        if not self.result.explained:
            self.result.drops["rule"] += 1

    def count(self, tally: Tally) -> None:
        self.result.counts.append((tally, self.size))

    def look_up(self, table: int) -> Entry | None:
        found = values(self.frame, self.in_port)
        found |= {"metadata": self.metadata, "tunnel_id": self.tunnel_id}
        entries = self.model.tables.get(table, [])
        hits = [entry for entry in entries if matches(entry.rule.match, found)]
        return max(hits, key=lambda entry: entry.rule.priority, default=None)

    def enter(self, table: int, entry: Entry) -> int | None:
        """Carries out a rule's instructions in the standard's order (5.9); the next table."""
        self.origin = (table, entry.rule.cookie)
        self.miss = entry.is_table_miss()
        by_kind = {type(i): i for i in entry.rule.instructions}
        following = None
        for kind in (Meter, ApplyActions, ClearActions, WriteActions, WriteMetadata, GotoTable):
            instruction = by_kind.get(kind)
            if isinstance(instruction, Meter):
                self.meter(self.model.meters.entries[instruction.meter])
            elif isinstance(instruction, ApplyActions):
                self.do(instruction.actions)
            elif isinstance(instruction, ClearActions):
                self.set = {}
            elif isinstance(instruction, WriteActions):
                put_in_set(self.set, instruction.actions)
            elif isinstance(instruction, WriteMetadata):
                mask = instruction.mask
                self.metadata = self.metadata & ~mask | instruction.value & mask
            elif isinstance(instruction, GotoTable):
                following = instruction.table
        return following

    def meter(self, meter: MeterEntry) -> None:
        """Counted as it comes in; above the rate it ends here, and the band counts it too."""
        seen = meter.packets + sum(tally is meter for tally, _ in self.result.counts)
        self.count(meter)
        if seen - meter.before >= meter.burst:
            self.count(meter.band)
            self.end("meter")

    # ---- actions ----

    def do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            _DO[type(action)](self, action)

    def set_field(self, action: SetField) -> None:
        if action.field.name == "tunnel_id":
            self.tunnel_id = action.value
        else:
            self.frame = edits.set_field(self.frame, action.field.name, action.value)

    def push_vlan(self, action: PushVlan) -> None:
        self.frame = edits.push_vlan(self.frame, action.ethertype)

    def pop_vlan(self, action: PopVlan) -> None:
        self.frame = edits.pop_vlan(self.frame)

    def push_mpls(self, action: PushMpls) -> None:
        """Labels go behind all tags: with more than are looked at, nobody knows where that is.

        Before an LLC header none go anyway."""
        at = layout(self.frame)
        unseen = at.n_vlans == MAX_VLANS and at.eth_type in VLAN_TYPES
        if unseen and not edits.has_length(self.frame):
            self.end("too-deep")
        self.frame = edits.push_mpls(self.frame, action.ethertype)

    def pop_mpls(self, action: PopMpls) -> None:
        self.frame = edits.pop_mpls(self.frame, action.ethertype)

    def push_pbb(self, action: PushPbb) -> None:
        self.frame = edits.push_pbb(self.frame, action.ethertype)

    def pop_pbb(self, action: PopPbb) -> None:
        self.frame = edits.pop_pbb(self.frame)

    def copy_ttl_out(self, action: CopyTtlOut) -> None:
        self.frame = edits.copy_ttl_out(self.frame)

    def copy_ttl_in(self, action: CopyTtlIn) -> None:
        self.frame = edits.copy_ttl_in(self.frame)

    def set_nw_ttl(self, action: SetNwTtl) -> None:
        self.frame = edits.set_ttl(self.frame, action.ttl)

    def set_mpls_ttl(self, action: SetMplsTtl) -> None:
        self.frame = edits.set_mpls_ttl(self.frame, action.ttl)

    def dec_nw_ttl(self, action: DecNwTtl) -> None:
        self.frame = self.alive(edits.dec_ttl(self.frame))

    def dec_mpls_ttl(self, action: DecMplsTtl) -> None:
        self.frame = self.alive(edits.dec_mpls_ttl(self.frame))

    def alive(self, frame: bytes | None) -> bytes:
        """A frame whose TTL ran out goes no further than the controller."""
        if frame is None:
            self.to_controller(INVALID_TTL)
            self.end("ttl")
        return frame

    def set_queue(self, action: SetQueue) -> None:
        self.queue = action.queue

    def end(self, reason: str) -> NoReturn:
        self.result.drops[reason] += 1
        self.result.explained = True
        raise PacketEnds

    # ---- groups ----

    def group(self, action: Group) -> None:
        """Each bucket gets a copy; this packet goes on as it was (5.6.1)."""
        entry = self.model.groups.entries[action.group]
        self.count(entry)
        chosen = self.choose(self.model.groups.permitted(action.group, self.model.ports))
        if not chosen:
            self.result.drops["group"] += 1
            self.result.explained = True
        for index in chosen:
            self.count(entry.buckets[index])
            self.copied().through_bucket(entry.desc.buckets[index].actions)

    def choose(self, permitted: list[list[int]]) -> list[int]:
        done = len(self.result.choices)
        taken = self.script[done] if done < len(self.script) else 0
        self.result.choices.append(Choice(taken, len(permitted)))
        return permitted[taken]

    def copied(self) -> _Journey:
        """The same packet once more, for a bucket: not sent by a table-miss rule itself (5.4)."""
        other = copy(self)
        other.miss = False
        other.set = {}
        return other

    def through_bucket(self, actions: tuple[Action, ...]) -> None:
        """A bucket is carried out as an action set."""
        its_set: dict[object, Action] = {}
        put_in_set(its_set, actions)
        self.on_its_own(in_order(its_set))

    def on_its_own(self, actions: tuple[Action, ...]) -> None:
        """Nobody else ends where this one does."""
        try:
            self.do(actions)
        except PacketEnds:
            return

    # ---- outputs ----

    def output(self, action: Output) -> None:
        port = action.port
        self.result.explained = True
        if port == Reserved.CONTROLLER:
            self.to_controller(NO_MATCH if self.miss else APPLY)
        elif port in (Reserved.ALL, Reserved.FLOOD):
            for number in self.model.ports:
                if number != self.in_port:
                    self.send(number)
        elif port == Reserved.TABLE:
            self.copied().through_tables()
        elif port == Reserved.IN_PORT:
            self.send(self.in_port)
        elif port == self.in_port and port in self.model.ports:
            self.result.drops["output-self"] += 1
        else:
            self.send(port)

    def send(self, port: int) -> None:
        if port not in self.model.ports or port > PORT_MAX:
            self.result.drops["no-port"] += 1
        elif self.model.ports[port].config & NO_FWD or not self.model.ports[port].is_up():
            self.result.drops_at[port] += 1
        else:
            self.result.outputs.setdefault(port, []).append(self.frame)
            if self.queue is not None:
                self.result.queues[port, self.queue] += 1

    def to_controller(self, reason: int) -> None:
        port = self.model.ports.get(self.in_port, Port())
        if reason != NO_MATCH or not port.config & NO_PACKET_IN:
            table, cookie = self.origin
            packet = (self.in_port, reason, table, cookie, self.frame)
            self.result.packet_ins.append(packet)


_DO: dict[type[Action], Callable[[_Journey, Any], None]] = {
    Output: _Journey.output,
    Group: _Journey.group,
    SetQueue: _Journey.set_queue,
    SetField: _Journey.set_field,
    PushVlan: _Journey.push_vlan,
    PopVlan: _Journey.pop_vlan,
    PushMpls: _Journey.push_mpls,
    PopMpls: _Journey.pop_mpls,
    PushPbb: _Journey.push_pbb,
    PopPbb: _Journey.pop_pbb,
    CopyTtlOut: _Journey.copy_ttl_out,
    CopyTtlIn: _Journey.copy_ttl_in,
    SetNwTtl: _Journey.set_nw_ttl,
    DecNwTtl: _Journey.dec_nw_ttl,
    SetMplsTtl: _Journey.set_mpls_ttl,
    DecMplsTtl: _Journey.dec_mpls_ttl,
}
