"""The C pipeline, with its cache and without, does what the slow model of OpenFlow does.

Random rules, random packets, random changes in between (HARDENING S11: an answer from the cache is
the answer of the tables).  Every output byte, packet-in, drop and counter is compared.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from datapath.fields import BY_NAME
from datapath.rule import Command, Rule
from datapath.switch import Switch
from tests.oracle import generate, pipeline
from tests.oracle.pipeline import DOWN, NO_FWD, NO_PACKET_IN, NO_RECV, Model, Result

PORTS = list(range(1, generate.PORTS + 1))
QUICK, LONG = range(24), range(1000, 1200)


class Pair:
    """Two switches, one without a cache, and the model; all are told and asked the same."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.switches = [Switch(PORTS, cache_entries=64), Switch(PORTS, cache=False)]
        self.model = Model(PORTS)
        self.frames = [generate.packet(self.rng) for _ in range(25)]
        self.drops = [
            dict[int, dict[str, int]]((port, {}) for port in PORTS) for _ in self.switches
        ]
        self.told: list[str] = []

    def change(self) -> None:
        there = [entry.rule for entries in self.model.tables.values() for entry in entries]
        command, rule = generate.change(self.rng, self.frames, there)
        if command is Command.ADD and any(self.clashes(rule, other) for other in there):
            return
        self.told.append(f"{command.name} {rule}")
        for switch in self.switches:
            switch.add_flow(rule.to_flow_mod(command))
        self.model.flow_mod(command, rule)

    @staticmethod
    def clashes(rule: Rule, other: Rule) -> bool:
        """Which of two rules of one priority a packet meets is nobody's promise."""
        return (
            rule.table == other.table
            and rule.priority == other.priority
            and not pipeline.same(rule, other)
        )

    def set_port(self) -> None:
        port, config = (
            self.rng.choice(PORTS),
            self.rng.choice((0, 0, DOWN, NO_RECV, NO_FWD, NO_PACKET_IN)),
        )
        self.told.append(f"port {port} config {config}")
        for switch in self.switches:
            switch.set_port(port, config=config, mask=0xFF)
        self.model.ports[port] = config

    def send(self) -> None:
        in_port, frame = self.rng.choice(PORTS), self.rng.choice(self.frames)
        self.told.append(f"packet {in_port} {frame.hex()}")
        want = self.model.receive(in_port, frame)
        for number, switch in enumerate(self.switches):
            outputs = switch.send(in_port, frame)
            self.compare(outputs, want, switch, number, in_port)

    def compare(
        self,
        outputs: dict[int, list[bytes]],
        want: Result,
        switch: Switch,
        number: int,
        in_port: int,
    ) -> None:
        told = self.story()
        assert outputs == want.outputs, told
        came = [(p.in_port, p.reason, p.table, p.cookie, p.data) for p in switch.packet_ins()]
        assert came == want.packet_ins, told
        stats = switch.port_stats()
        before = self.drops[number]
        now = {port: {n: c for n, c in stats[port].drops.items() if c} for port in PORTS}
        for port in PORTS:
            new = {n: c - before[port].get(n, 0) for n, c in now[port].items()}
            new = {name: count for name, count in new.items() if count}
            expected = dict(want.drops) if port == in_port else {}
            if want.drops_at[port]:
                expected["output-down"] = want.drops_at[port]
            assert new == expected, (port, told)
        self.drops[number] = now

    def count(self) -> None:
        """Flow statistics agree exactly, rule by rule."""
        want = sorted(
            (entry.rule.table, entry.rule.priority, str(entry.rule), entry.packets, entry.bytes)
            for entries in self.model.tables.values()
            for entry in entries
        )
        for switch in self.switches:
            found = sorted(
                (flow.rule.table, flow.rule.priority, str(flow.rule), flow.packets, flow.bytes)
                for flow in switch.dump_flows()
            )
            assert found == want, self.story()

    def story(self) -> str:
        """What to look at when something differs: the rules in place and what came last."""
        rules = [
            str(e.rule) for table in sorted(self.model.tables) for e in self.model.tables[table]
        ]
        return "\n".join([*rules, "--", *self.told[-5:]])

    def close(self) -> None:
        for switch in self.switches:
            switch.close()


@pytest.fixture
def pair(seed: int) -> Iterator[Pair]:
    made = Pair(seed)
    yield made
    made.close()


def follow(pair: Pair, steps: int) -> None:
    for _ in range(30):
        pair.change()
    for step in range(steps):
        kind = pair.rng.random()
        if kind < 0.2:
            pair.change()
        elif kind < 0.22:
            pair.set_port()
        else:
            pair.send()
        if step % 50 == 49:
            pair.count()


@pytest.mark.parametrize("seed", QUICK)
def test_the_pipeline_does_what_the_model_does(pair: Pair) -> None:
    follow(pair, 300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", LONG)
def test_the_pipeline_does_what_the_model_does_for_long(pair: Pair) -> None:
    follow(pair, 1000)


def test_every_field_takes_part() -> None:
    """The generator reaches every field in matches, and every settable one in actions."""
    rng = random.Random(1)
    frames = [generate.packet(rng) for _ in range(300)]
    rules = [generate.rule(rng, frames) for _ in range(6000)]
    matched = {term.field.name for rule in rules for term in rule.match}
    written = {
        action.field.name
        for rule in rules
        for action in pipeline.actions_of(rule.instructions)
        if hasattr(action, "field")
    }
    assert matched == set(BY_NAME)
    assert written == {field.name for field in BY_NAME.values() if field.settable}
