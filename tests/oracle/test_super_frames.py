"""A super-frame is the frames that it stands for: edit-then-cut is cut-then-edit, counters too.

Two switches with the same random rules, groups and meters; one gets a super-frame through a TAP,
the other the frames that the super-frame stands for.  Every output byte, packet-in, drop and
counter of ports, rules, tables, groups, buckets and meters is compared.

Left out is what a super-frame may do as a whole, by design: a meter passes it or stops it whole
(src/meter), so meters here stop everything or nothing.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from datapath.group_text import format_group
from datapath.meter import DropBand, DscpRemarkBand, MeterConfig, MeterFlags
from datapath.rule import Rule
from datapath.switch import OpenFlowRefusal, Switch
from tests.kit.supers import Super, Tap, super_frame
from tests.oracle import generate
from tests.oracle.generate import There
from tests.packet.messages import statistics

QUICK, LONG = range(24), range(1000, 1200)
TAP, OTHERS = 3, (1, 2, 4, 5, 6)
TABLE_STATS, QUEUE_STATS = 3, 5
TEXTS = (
    "tcp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,tp_src={p},tp_dst=80,nw_ttl={t},tcp_flags=+psh+ack",
    "udp,nw_src=10.0.{a}.1,nw_dst=10.0.{b}.2,tp_src={p},tp_dst=53,nw_ttl={t},nw_tos={s}",
    "tcp6,ipv6_src=fe80::{a},ipv6_dst=fe80::1:{b},tp_src={p},tp_dst=443,nw_ttl={t},nw_tos={s}",
    "udp6,ipv6_src=fe80::{a},ipv6_dst=fe80::1:{b},tp_dst={p},nw_ttl={t}",
)
METERS = (
    MeterConfig(MeterFlags.PKTPS | MeterFlags.BURST, 1, (DropBand(1_000_000, 1_000_000),)),
    MeterConfig(MeterFlags.PKTPS, 2, (DropBand(0),)),
    MeterConfig(MeterFlags.KBPS, 3, (DscpRemarkBand(0, prec_level=1),)),
)


def random_super(rng: random.Random) -> Super:
    fill = {"a": rng.randrange(1, 4), "b": rng.randrange(1, 4), "p": rng.choice((80, 81, 1000))}
    fill |= {"t": rng.choice((0, 1, 2, 64)), "s": rng.choice((0, 0x28))}
    text = rng.choice(TEXTS).format(**fill) + rng.choice(generate.TAGS).format(**fill)
    macs = f",dl_src=02:00:00:00:00:0{rng.randrange(1, 4)},dl_dst=02:00:00:00:00:01"
    size = rng.randrange(20, 200)
    return super_frame(text + macs, size + rng.randrange(1, 5 * size), size)


def counted(switch: Switch) -> dict[str, Any]:
    """Every counter that the switch has, but for the time in them and the lookups in its cache."""
    ports = {
        number: (s.rx_packets, s.rx_bytes, s.tx_packets, s.tx_bytes, s.drops)
        for number, s in switch.port_stats().items()
    }
    (tables,) = switch.openflow(statistics(TABLE_STATS))
    (queues,) = switch.openflow(statistics(QUEUE_STATS, b"\xff" * 8))
    return {
        "ports": ports,
        "rules": [(str(flow.rule), flow.packets, flow.bytes) for flow in switch.dump_flows()],
        "tables": list(struct.iter_unpack("!B3xIQQ", tables[16:])),
        "queues": list(struct.iter_unpack("!IIQQQ8x", queues[16:])),
        "groups": {n: (s.packets, s.bytes, s.buckets) for n, s in switch.group_stats().items()},
        "meters": {n: (s.packets, s.bytes, s.bands) for n, s in switch.meter_stats().items()},
    }


class Side:
    def __init__(self) -> None:
        self.switch = Switch(OTHERS, cache_entries=64)
        self.tap = Tap(self.switch, TAP)
        for port in (2, TAP):
            self.switch.set_queue(port, 1)

    def see(self) -> tuple[dict[int, list[bytes]], list[Any]]:
        """What left and what was told, in any order: a super-frame's pieces stay together."""
        outputs = {port: sorted(frames) for port, frames in self.switch.poll().items()}
        self.tap.read()
        return outputs, sorted(
            (told.reason, told.table, told.cookie, told.data) for told in self.switch.packet_ins()
        )

    def close(self) -> None:
        self.switch.close()
        self.tap.close()


class Pair:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.whole, self.cut = Side(), Side()
        self.there = There(meters=[meter.meter for meter in METERS])
        self.told: list[str] = []
        self.supers = [random_super(self.rng) for _ in range(12)]
        self.pieces = {one: cut(one) for one in self.supers}
        for side in (self.whole, self.cut):
            for meter in METERS:
                side.switch.add_meter(meter)

    def change(self) -> None:
        frame = self.rng.choice(self.pieces[self.rng.choice(self.supers)])
        if self.rng.random() < 0.15:
            command, desc = generate.group(self.rng, self.there)
            if len(desc.buckets) < 3 and self._both(
                f"{command} {format_group(desc)}", lambda s: s.add_group(desc, command)
            ):
                known = self.whole.switch.group_stats()
                self.there.groups = list(known)
            return
        rule = generate.rule(self.rng, [frame], self.there)
        clash = any(_clash(rule, old) for old in self.there.rules)
        if not clash and self._both(str(rule), lambda s: s.add_flow(rule)):
            self.there.rules.append(rule)

    def _both(self, told: str, change: Any) -> bool:
        done = []
        for side in (self.whole, self.cut):
            try:
                change(side.switch)
                done.append(True)
            except OpenFlowRefusal:
                done.append(False)
        assert done[0] == done[1]
        if done[0]:
            self.told.append(told)
        return done[0]

    def send(self) -> None:
        one = self.rng.choice(self.supers)
        self.whole.tap.write(one)
        seen = self.whole.see()
        for piece in self.pieces[one]:
            self.cut.tap.write(piece)
        assert seen == self.cut.see(), self.story(one)
        found, want = counted(self.whole.switch), counted(self.cut.switch)
        assert found == want, self.story(one)

    def story(self, one: Super) -> str:
        return "\n".join([*self.told, f"{one.pieces} pieces of {one.size} in {one.frame.hex()}"])

    def close(self) -> None:
        self.whole.close()
        self.cut.close()


def _clash(rule: Rule, other: Rule) -> bool:
    return rule.table == other.table and rule.priority == other.priority


def cut(one: Super) -> list[bytes]:
    """The frames that a super-frame stands for (tests/c/test_gso.c says that they are right)."""
    with Switch(1) as switch:
        tap = Tap(switch, TAP)
        switch.add_flow("actions=output:1")
        tap.write(one)
        pieces = switch.poll()[1]
        tap.close()
    assert len(pieces) == one.pieces
    assert sum(map(len, pieces)) == one.wire_bytes
    return pieces


@pytest.fixture
def pair(seed: int) -> Iterator[Pair]:
    made = Pair(seed)
    yield made
    made.close()


def follow(pair: Pair, steps: int) -> None:
    for _ in range(10):
        pair.change()
    for _ in range(steps):
        if pair.rng.random() < 0.3:
            pair.change()
        pair.send()


@pytest.mark.parametrize("seed", QUICK)
def test_a_super_frame_is_the_frames_that_it_stands_for(pair: Pair) -> None:
    follow(pair, 25)


@pytest.mark.slow
@pytest.mark.parametrize("seed", LONG)
def test_that_it_is_for_long(pair: Pair) -> None:
    follow(pair, 200)
