"""A learning switch with VLANs, slow and obvious: the reference for OFPP_NORMAL.

A port is one of four kinds (IEEE 802.1Q, Open vSwitch's vlan_mode); a frame is bytes, and its tags
are read from them again whenever somebody asks.  Stations are a dictionary.  No cache, no copies,
no key.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from datapath.frames import VlanMode

TAGS = (b"\x81\x00", b"\x88\xa8")
EVERYTHING = frozenset(range(4095))
"""4095 is reserved (IEEE 802.1Q, table 9-2)."""


@dataclass
class Side:
    """A port: its mode, its own VLAN, and those that a trunk is told to carry (none: all)."""

    mode: VlanMode = VlanMode.TRUNK
    tag: int = 0
    trunks: frozenset[int] = frozenset()

    def carries(self, vlan: int) -> bool:
        if self.mode is VlanMode.ACCESS:
            return vlan == self.tag
        carried = self.trunks or EVERYTHING
        if self.mode is not VlanMode.TRUNK:
            carried = carried - {0} | {self.tag}
        return vlan in carried

    def vlan_of(self, frame: bytes) -> int | None:
        """The VLAN of a frame that comes in here; None: it is refused."""
        vid = outer_vid(frame)
        if is_cut(frame):
            return None
        if vid and self.mode is VlanMode.ACCESS:
            return None
        vlan = vid or self.tag
        return vlan if self.carries(vlan) else None

    def leaving(self, frame: bytes, vlan: int) -> bytes:
        """The frame of a VLAN as it leaves here."""
        if vlan == 0:
            return frame  # only plain trunks have it, and these leave a priority tag alone
        bare = {
            VlanMode.TRUNK: False,
            VlanMode.ACCESS: True,
            VlanMode.NATIVE_UNTAGGED: vlan == self.tag,
            VlanMode.NATIVE_TAGGED: False,
        }[self.mode]
        if bare and n_tags(frame) > 1 and self.mode is not VlanMode.ACCESS:
            bare = False  # the next switch would take the inner tag for its VLAN
        if not n_tags(frame):
            tag = b"" if bare else b"\x81\x00" + vlan.to_bytes(2, "big")
            return frame[:12] + tag + frame[12:]
        if bare:
            return frame[:12] + frame[16:]
        tci = int.from_bytes(frame[14:16], "big") & 0xF000 | vlan
        return frame[:14] + tci.to_bytes(2, "big") + frame[16:]


def n_tags(frame: bytes) -> int:
    at = 12
    while frame[at : at + 2] in TAGS:
        at += 4
    return (at - 12) // 4


def is_cut(frame: bytes) -> bool:
    """The frame ends in a tag: whoever pads it makes one of that, in a VLAN that nobody checked."""
    return len(frame) < 14 + 4 * min(n_tags(frame), 8)


def outer_vid(frame: bytes) -> int:
    return int.from_bytes(frame[14:16], "big") & 0xFFF if n_tags(frame) else 0


@dataclass
class Result:
    outputs: dict[int, list[bytes]] = field(default_factory=dict)
    drops: Counter[str] = field(default_factory=Counter)

    def send(self, port: int, frame: bytes) -> None:
        self.outputs.setdefault(port, []).append(frame)


@dataclass
class Bridge:
    """'stations': (VLAN, address) -> (port, when it was heard)."""

    ports: dict[int, Side]
    age: float = 300
    limit: int = 8192
    now: float = 0
    stations: dict[tuple[int, bytes], tuple[int, float]] = field(default_factory=dict)
    down: set[int] = field(default_factory=set)
    """Ports without a link: nothing leaves by them, and nothing is learned there."""

    def set_link(self, number: int, up: bool) -> None:
        if up:
            self.down.discard(number)
        else:
            self.down.add(number)
            self.forget(number)

    def forget(self, number: int) -> None:
        self.stations = {s: at for s, at in self.stations.items() if at[0] != number}

    def set_port(self, number: int, side: Side) -> None:
        self.ports[number] = side
        self.forget(number)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.age:
            old = [s for s, (_, heard) in self.stations.items() if self.now - heard >= self.age]
            for station in old:
                del self.stations[station]

    def receive(self, in_port: int, frame: bytes, result: Result) -> None:
        """What NORMAL does with a frame."""
        vlan = self.ports[in_port].vlan_of(frame)
        if vlan is None:
            result.drops["vlan"] += 1
            return
        destination, source = frame[:6], frame[6:12]
        known = self.stations.get((vlan, destination))  # as before this frame taught anything
        self.learn(vlan, source, in_port)
        if destination[:5] == b"\x01\x80\xc2\0\0" and destination[5] < 16:
            result.drops["reserved-address"] += 1
        elif known is not None and not destination[0] & 1:
            self.send_known(in_port, known[0], frame, vlan, result)
        else:
            self.flood(in_port, frame, vlan, result)

    def learn(self, vlan: int, source: bytes, port: int) -> None:
        if source[0] & 1 or not any(source) or port in self.down:
            return
        if (vlan, source) in self.stations or len(self.stations) < self.limit:
            self.stations[vlan, source] = (port, self.now)

    def send_known(
        self, in_port: int, port: int, frame: bytes, vlan: int, result: Result
    ) -> None:
        if port == in_port:
            result.drops["output-self"] += 1
        else:
            result.send(port, self.ports[port].leaving(frame, vlan))

    def flood(self, in_port: int, frame: bytes, vlan: int, result: Result) -> None:
        for number, side in self.ports.items():
            if number != in_port and side.carries(vlan):
                result.send(number, side.leaving(frame, vlan))
