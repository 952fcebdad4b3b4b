"""OFPP_NORMAL, cached and uncached, does what the slow learning switch does.

Random frames through ports of all four VLAN modes, while ports change, stations fall silent and the
table is full; before and behind NORMAL stand actions that must see the frame as it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from datapath.frames import VlanMode
from datapath.switch import Switch
from tests.oracle import edits
from tests.oracle.normal import Bridge, Result, Side

PORTS = (1, 2, 3, 4, 5)
LINK_DOWN = 1
VLANS = (0, 1, 10, 20, 4094)
AGE, SHORT, LONG = 60, 7, 70
"""No sum of steps comes near the age: when a station is noticed depends on the clock's ticks."""
INNER = (b"\x81\x00\x00\x14", b"\x88\xa8\xe0\x00\x81\x00\x00\x0a")
PAYLOAD = b"\x88\xb5" + bytes(46)

Edit = Callable[[bytes], bytes]
LISTS: dict[str, tuple[Edit, bool]] = {
    # actions: what is done before NORMAL, is there an output to port 5 behind it
    "NORMAL": (lambda frame: frame, False),
    "NORMAL,output:5": (lambda frame: frame, True),
    "pop_vlan,NORMAL,output:5": (edits.pop_vlan, True),
    "push_vlan:0x88a8,mod_vlan_vid:10,NORMAL": (
        lambda frame: edits.set_field(edits.push_vlan(frame, 0x88A8), "vlan_vid", 0x100A),
        False,
    ),
}


class Pair:
    def __init__(self, seed: int, actions: str) -> None:
        self.rng = random.Random(seed)
        self.before, self.behind = LISTS[actions]
        self.switches = [Switch(PORTS, cache_entries=64), Switch(PORTS, cache=False)]
        self.model = Bridge({number: Side() for number in PORTS}, age=AGE, limit=12)
        self.counted: list[dict[int, dict[str, int]]] = [{} for _ in self.switches]
        self.told: list[str] = []
        self.heads: list[tuple[int, bytes]] = []
        for switch in self.switches:
            switch.set_normal(mac_age=AGE, mac_limit=12)
            switch.add_flow(f"actions={actions}")

    def change_port(self) -> None:
        number, mode = self.rng.choice(PORTS), self.rng.choice(list(VlanMode))
        tag = 0 if mode is VlanMode.TRUNK else self.rng.choice(VLANS[1:])
        trunks = frozenset(self.rng.sample(VLANS, self.rng.randrange(4)))
        if mode is VlanMode.ACCESS:
            trunks = frozenset()
        self.told.append(f"port {number} {mode.name} {tag} {sorted(trunks)}")
        self.model.set_port(number, Side(mode, tag, trunks))
        for switch in self.switches:
            switch.set_vlans(number, mode=mode, tag=tag, trunks=trunks)

    def wait(self) -> None:
        seconds = self.rng.choice((SHORT, SHORT, SHORT, LONG))
        self.told.append(f"{seconds} s go by")
        self.model.pass_time(seconds)
        for switch in self.switches:
            switch.advance(seconds)

    def change_link(self) -> None:
        number, up = self.rng.choice(PORTS), self.rng.random() < 0.6
        self.told.append(f"link {number} {'up' if up else 'down'}")
        self.model.set_link(number, up)
        for switch in self.switches:
            switch.set_port(number, state=0 if up else LINK_DOWN)

    def flush(self) -> None:
        self.told.append("flush")
        self.model.stations.clear()
        for switch in self.switches:
            switch.flush_macs()

    def send(self) -> None:
        in_port, frame = self.arrival()
        self.told.append(f"packet {in_port} {frame.hex()}")
        want = self.expected(in_port, frame)
        stations = {(v, mac, port) for (v, mac), (port, _) in self.model.stations.items()}
        leaving = {to: out for to, out in want.outputs.items() if to not in self.model.down}
        for number, switch in enumerate(self.switches):
            told = "\n".join(self.told[-12:])
            assert switch.send(in_port, frame) == leaving, told
            assert self.new_drops(number, in_port) == dict(want.drops), told
            assert {(m.vlan, m.mac, m.port) for m in switch.macs()} == stations, told

    def expected(self, in_port: int, frame: bytes) -> Result:
        result = Result()
        frame = self.before(frame)
        self.model.receive(in_port, frame, result)
        if self.behind and in_port == 5:
            result.drops["output-self"] += 1
        elif self.behind:
            result.send(5, frame)
        if not result.outputs and not result.drops:
            result.drops["rule"] += 1  # flooded to nobody
        return result

    def new_drops(self, number: int, in_port: int) -> dict[str, int]:
        before = self.counted[number].get(in_port, {})
        now = self.counted[number][in_port] = self.switches[number].drops(in_port)
        new = {name: count - before.get(name, 0) for name, count in now.items()}
        # What a port without a link was to send is counted there, whoever's frames they were.
        return {name: count for name, count in new.items() if count and name != "output-down"}

    def arrival(self) -> tuple[int, bytes]:
        """One of a few heads at its port, with one of two inner tags, or none: so that the cache is
        asked again, and for frames that differ only in what is inside, or where they end."""
        in_port, head = self.rng.choice(self.heads)
        frame = head + self.rng.choice((b"", *INNER)) + PAYLOAD
        return in_port, frame[: self.rng.randrange(14, 24)] if self.rng.random() < 0.05 else frame

    def head(self) -> bytes:
        """Addresses, and an outer tag or none."""

        def station() -> bytes:
            return bytes([2, 0, 0, 0, 0, self.rng.randrange(4)])

        groups = (b"\xff" * 6, bytes.fromhex("01005e000001"), bytes.fromhex("0180c2000003"))
        to = self.rng.choice(groups) if self.rng.random() < 0.2 else station()
        nobody = (groups[1], bytes(6))
        source = station() if self.rng.random() < 0.95 else self.rng.choice(nobody)
        tci = (self.rng.randrange(8) << 13 | self.rng.choice((*VLANS, 4095))).to_bytes(2, "big")
        return to + source + self.rng.choice((b"", b"\x81\x00" + tci, b"\x88\xa8" + tci))

    def follow(self, steps: int) -> None:
        for _ in range(6):
            self.change_port()
        for step in range(steps):
            if step % 50 == 0:
                self.heads = [(self.rng.choice(PORTS), self.head()) for _ in range(6)]
            kind = self.rng.random()
            if kind < 0.02:
                self.change_port()
            elif kind < 0.04:
                self.wait()
            elif kind < 0.045:
                self.flush()
            elif kind < 0.06:
                self.change_link()
            else:
                self.send()


def compare(seed: int, actions: str, steps: int) -> None:
    pair = Pair(seed, actions)
    try:
        pair.follow(steps)
    finally:
        for switch in pair.switches:
            switch.close()


@pytest.mark.parametrize("actions", LISTS)
@pytest.mark.parametrize("seed", range(6))
def test_normal_does_what_the_model_does(seed: int, actions: str) -> None:
    compare(seed, actions, 250)


@pytest.mark.slow
@pytest.mark.parametrize("actions", LISTS)
@pytest.mark.parametrize("seed", range(100, 150))
def test_normal_does_what_the_model_does_for_long(seed: int, actions: str) -> None:
    compare(seed, actions, 2000)
