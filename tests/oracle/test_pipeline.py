"""The C pipeline, with its cache and without, does what the slow model of OpenFlow does.

Random rules, groups and meters, random packets, random changes in between (HARDENING S11: an answer
from the cache is the answer of the tables).  Every output byte, packet-in, drop and counter is
compared.  Where a select group leaves a choice, any one that the standard permits will do, but the
same packet has to get the same one until something changes.

Many rules look at every bit there is; few narrow ones leave packets alike in the cache's eyes, so
that an action shows that looks at more.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import pytest

from datapath.action import Action, Output
from datapath.fields import BY_NAME
from datapath.group_text import format_group
from datapath.of13.rule import flow_mod
from datapath.oxm import Match
from datapath.ports import Reserved
from datapath.rule import FlowCommand, Rule
from datapath.switch import OpenFlowRefusal, PacketIn, Switch
from tests.oracle import generate, pipeline
from tests.oracle.generate import There
from tests.oracle.groups import DOWN, LINK_DOWN, Port, Refused, Tally, groups_in
from tests.oracle.pipeline import NO_FWD, NO_PACKET_IN, NO_RECV, Model, Result
from tests.packet.messages import BARRIER, message, packet_out

PORTS = list(range(1, generate.PORTS + 1))
QUICK, LONG = range(24), range(1000, 1200)
WIDEST = 8
"""Groups that spread a packet to more buckets than that are not made: too-deep is for others."""
MOST_OUTCOMES = 5000
CONFIGS = (0, 0, DOWN, NO_RECV, NO_FWD, NO_PACKET_IN)

Drops = dict[int, dict[str, int]]
Seen = tuple[dict[int, list[bytes]], list[tuple[int, int, int, int, bytes]], Drops]
"""Frames that left by port, packet-ins, new drops by port."""


@dataclass
class Side:
    """One switch, its model, and what is remembered of them."""

    switch: Switch
    model: Model
    dropped: Drops
    chosen: dict[tuple[int, bytes], list[int]]

    @classmethod
    def of(cls, switch: Switch) -> Side:
        return cls(switch, Model(PORTS), {port: {} for port in PORTS}, {})

    def see(self, outputs: dict[int, list[bytes]]) -> Seen:
        """What one packet has led to."""
        before, now = self.dropped, {}
        for port, stats in self.switch.port_stats().items():
            now[port] = {name: count for name, count in stats.drops.items() if count}
        self.dropped = now
        new = {port: _more(now[port], before[port]) for port in PORTS}
        return outputs, [_told(one) for one in self.switch.packet_ins()], new

    def agrees(self, result: Result, seen: Seen, in_port: int) -> bool:
        return seen == _expected(result, in_port) and (
            all(choice.of == 1 for choice in result.choices) or self.counts_agree(result)
        )

    def counts_agree(self, result: Result) -> bool:
        """Whether groups and buckets have counted the packet as 'result' says.

        Two buckets may do the same to a packet: their counters tell which one was chosen.
        """
        told = self.switch.group_stats()
        for number, entry in self.model.groups.entries.items():
            tallies = [entry, *entry.buckets]
            want = [tally.packets + _times(tally, result) for tally in tallies]
            stats = told[number]
            if want != [stats.packets, *(bucket.packets for bucket in stats.buckets)]:
                return False
        return True

    def keeps(self, result: Result, in_port: int, frame: bytes) -> bool:
        """Whether the choices are those that the same packet led to before.

        A meter may end one of the two on its way: they agree as far as both came.
        """
        now = [choice.taken for choice in result.choices if choice.of > 1]
        before = self.chosen.setdefault((in_port, frame), now)
        return all(a == b for a, b in zip(before, now, strict=False))


def _more(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    new = {name: count - before.get(name, 0) for name, count in now.items()}
    return {name: count for name, count in new.items() if count}


def _told(packet: PacketIn) -> tuple[int, int, int, int, bytes]:
    return (packet.in_port, packet.reason, packet.table, packet.cookie, packet.data)


def _times(tally: Tally, result: Result) -> int:
    return sum(one is tally for one, _ in result.counts)


def _expected(result: Result, in_port: int) -> Seen:
    drops: Drops = {port: {} for port in PORTS}
    drops[in_port] = dict(result.drops)
    for port, count in result.drops_at.items():
        drops[port]["output-down"] = count
    return result.outputs, result.packet_ins, drops


def _error_of_switch(change: Callable[[Switch], object], switch: Switch) -> tuple[int, int] | None:
    try:
        change(switch)
    except OpenFlowRefusal as refusal:
        return refusal.type, refusal.code
    return None


def _error_of_model(change: Callable[[Model], None], model: Model) -> tuple[int, int] | None:
    try:
        change(model)
    except Refused as refused:
        kind, code = refused.error.value
        return kind, code
    return None


class Pair:
    """Two switches, one without a cache, each with a model; all are told and asked the same."""

    def __init__(self, seed: int, narrow: bool = False) -> None:
        self.rng, self.narrow = random.Random(seed), narrow
        switches = [Switch(PORTS, cache_entries=64), Switch(PORTS, cache=False)]
        self.sides = [Side.of(switch) for switch in switches]
        self.frames = [generate.packet(self.rng) for _ in range(25)]
        self.lists: list[tuple[Action, ...]] = []
        self.told: list[str] = []

    @property
    def model(self) -> Model:
        """Either of the two: they differ only in what select groups have counted."""
        return self.sides[0].model

    def there(self) -> There:
        rules = [entry.rule for entry in self.model.entries()]
        return There(rules, list(self.model.groups.entries), list(self.model.meters.entries))

    # ---- changes ----

    def change(self) -> None:
        kind = self.rng.random()
        if kind < 0.12:
            self.change_group()
        elif kind < 0.17:
            self.change_meter()
        else:
            self.change_rule()

    def change_rule(self) -> None:
        there = self.there()
        command, rule = generate.change(self.rng, self.frames, there, self.narrow)
        if command is FlowCommand.ADD and any(self.clashes(rule, other) for other in there.rules):
            return
        self.carry_out(
            f"{command.name} {rule}",
            lambda switch: switch.add_flow(flow_mod(rule, command)),
            lambda model: model.flow_mod(command, rule),
        )

    def change_group(self) -> None:
        command, desc = generate.group(self.rng, self.there())
        width = sum(
            1 + sum(self.spread(number) for number in groups_in(bucket)) for bucket in desc.buckets
        )
        if width > WIDEST:
            return
        self.carry_out(
            f"{command.name} {format_group(desc)}",
            lambda switch: switch.add_group(desc, command),
            lambda model: model.group_mod(command, desc),
        )

    def spread(self, number: int) -> int:
        groups = self.model.groups
        return groups.spread(number) if number in groups.entries else 0

    def change_meter(self) -> None:
        command, config = generate.meter(self.rng, self.there())
        self.carry_out(
            f"{command.name} {config}",
            lambda switch: switch.add_meter(config, command),
            lambda model: model.meter_mod(command, config),
        )

    def carry_out(
        self, told: str, on_switch: Callable[[Switch], None], on_model: Callable[[Model], None]
    ) -> None:
        """The same change for all: taken by switch and model, or refused with the same error."""
        self.told.append(told)
        for side in self.sides:
            side.chosen.clear()
            told = _error_of_switch(on_switch, side.switch)
            assert told == _error_of_model(on_model, side.model), self.story(side)

    @staticmethod
    def clashes(rule: Rule, other: Rule) -> bool:
        """Which of two rules of one priority a packet meets is nobody's promise."""
        return (
            rule.table == other.table
            and rule.priority == other.priority
            and not pipeline.same(rule, other)
        )

    def set_port(self) -> None:
        port, config = self.rng.choice(PORTS), self.rng.choice(CONFIGS)
        state = self.rng.choice((0, 0, LINK_DOWN))
        self.told.append(f"port {port} config {config} state {state}")
        for side in self.sides:
            side.chosen.clear()
            side.switch.set_port(port, config=config, mask=0xFF, state=state)
            side.model.ports[port] = Port(config, state)

    # ---- packets and counters ----

    def send(self) -> None:
        linked = [port for port in PORTS if not self.model.ports[port].state & LINK_DOWN]
        if not linked:
            return
        in_port, frame = self.rng.choice(linked), self.rng.choice(self.frames)
        self.told.append(f"packet {in_port} {frame.hex()}")
        for side in self.sides:
            seen = side.see(side.switch.send(in_port, frame))
            result = self.compare(side, seen, in_port, side.model.outcomes(in_port, frame))
            assert side.keeps(result, in_port, frame), self.story(side)

    def packet_out(self) -> None:
        in_port, frame = self.rng.choice(PORTS), self.rng.choice(self.frames)
        actions = self.list_of_actions()
        self.told.append(f"packet-out {in_port} {actions} {frame.hex()}")
        for side in self.sides:
            data = packet_out(actions, frame, in_port) + message(BARRIER)
            refused = _error_of_switch(lambda switch, data=data: switch.openflow(data), side.switch)
            seen = side.see(side.switch.received())
            try:
                outcomes = side.model.packet_out(in_port, actions, frame)
            except Refused as problem:
                if refused != problem.error.value:
                    raise AssertionError(self.story(side)) from problem
                continue
            assert refused is None, self.story(side)
            self.compare(side, seen, in_port, outcomes)

    def list_of_actions(self) -> tuple[Action, ...]:
        """A new one, or one of the last: what it left behind is not for other packets."""
        if self.lists and self.rng.random() < 0.7:
            return self.rng.choice(self.lists)
        groups = There(groups=self.there().groups)
        actions = generate.actions(self.rng, Match(), groups)[0]
        if self.rng.random() < 0.5:
            actions = (*actions, Output(Reserved.TABLE))
        self.lists = [*self.lists[-3:], actions]
        return actions

    def compare(self, side: Side, seen: Seen, in_port: int, outcomes: Iterator[Result]) -> Result:
        """The first outcome that agrees with what was seen; it is taken."""
        tried = list[Result]()
        for result in islice(outcomes, MOST_OUTCOMES):
            if side.agrees(result, seen, in_port):
                side.model.take(result)
                return result
            tried.append(result)
        assert seen == _expected(tried[0], in_port), self.story(side)
        raise AssertionError(f"groups counted otherwise\n{self.story(side)}")

    def count(self) -> None:
        """Statistics of rules, groups and meters agree exactly, one by one."""
        for side in self.sides:
            told = self.story(side)
            want = sorted(
                (e.rule.table, e.rule.priority, str(e.rule), e.packets, e.bytes)
                for e in side.model.entries()
            )
            found = sorted(
                (flow.rule.table, flow.rule.priority, str(flow.rule), flow.packets, flow.bytes)
                for flow in side.switch.dump_flows()
            )
            assert found == want, told
            self.count_groups(side)
            self.count_meters(side)

    def count_groups(self, side: Side) -> None:
        entries = side.model.groups.entries
        assert side.switch.dump_groups() == [entries[n].desc for n in sorted(entries)]
        want = {
            number: (e.packets, e.bytes, [(tally.packets, tally.bytes) for tally in e.buckets])
            for number, e in entries.items()
        }
        found = {
            number: (s.packets, s.bytes, [(bucket.packets, bucket.bytes) for bucket in s.buckets])
            for number, s in side.switch.group_stats().items()
        }
        assert found == want, self.story(side)

    def count_meters(self, side: Side) -> None:
        want = {
            number: (e.packets, e.bytes, [(e.band.packets, e.band.bytes)])
            for number, e in side.model.meters.entries.items()
        }
        found = {
            number: (s.packets, s.bytes, [(band.packets, band.bytes) for band in s.bands])
            for number, s in side.switch.meter_stats().items()
        }
        assert found == want, self.story(side)

    def story(self, side: Side) -> str:
        """What to look at when something differs: what is in place and what came last."""
        tables, groups = side.model.tables, side.model.groups.entries
        rules = [str(e.rule) for table in sorted(tables) for e in tables[table]]
        made = [format_group(groups[number].desc) for number in sorted(groups)]
        return "\n".join([*rules, *made, str(side.model.meters.entries), "--", *self.told[-5:]])

    def close(self) -> None:
        for side in self.sides:
            side.switch.close()


@pytest.fixture
def pair(seed: int) -> Iterator[Pair]:
    made = Pair(seed)
    yield made
    made.close()


def follow(pair: Pair, steps: int) -> None:
    for _ in range(10):
        pair.change_group()
    for _ in range(50):
        pair.change()
    for step in range(steps):
        kind = pair.rng.random()
        if kind < 0.2:
            pair.change()
        elif kind < 0.22:
            pair.set_port()
        elif kind < 0.27:
            pair.packet_out()
        else:
            pair.send()
        if step % 50 == 49:
            pair.count()


def follow_narrow(seed: int) -> None:
    """A few rules, then packets and packet-outs."""
    pair = Pair(seed, narrow=True)
    for _ in range(pair.rng.choice((0, 0, 2))):
        pair.change_group()
    for _ in range(pair.rng.randrange(5)):
        pair.change_rule()
    for _ in range(30):
        if pair.rng.random() < 0.4:
            pair.packet_out()
        else:
            pair.send()
    pair.count()
    pair.close()


@pytest.mark.parametrize("seed", QUICK)
def test_the_pipeline_does_what_the_model_does(pair: Pair) -> None:
    follow(pair, 300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", LONG)
def test_the_pipeline_does_what_the_model_does_for_long(pair: Pair) -> None:
    follow(pair, 1000)


@pytest.mark.parametrize("seed", QUICK)
def test_few_narrow_rules_do_what_the_model_does(seed: int) -> None:
    for world in range(10):
        follow_narrow(100 * seed + world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", LONG)
def test_few_narrow_rules_do_what_the_model_does_for_long(seed: int) -> None:
    for world in range(50):
        follow_narrow(100 * seed + world)


def test_every_field_and_action_takes_part() -> None:
    """The generator reaches every field in matches, every settable one and every kind of action."""
    rng = random.Random(1)
    frames = [generate.packet(rng) for _ in range(300)]
    there = There(groups=[1], meters=[1])
    rules = [generate.rule(rng, frames, there) for _ in range(12_000)]
    matched = {term.field.name for rule in rules for term in rule.match}
    done = [action for rule in rules for action in pipeline.actions_of(rule.instructions)]
    written = {action.field.name for action in done if hasattr(action, "field")}
    assert matched == set(BY_NAME)
    assert written == {field.name for field in BY_NAME.values() if field.settable}
    assert {type(action) for action in done} == set(pipeline.ORDER_IN_SET)
