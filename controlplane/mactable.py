"""Where each station was last seen, and what a learning switch does about a frame.

Theory of operation. A `MacTable` belongs to one connection of one switch. `steps_for` takes a frame
that the switch sent up (its input port and two addresses) and returns what to do, as a list of
steps; the os-ken app in `apps/learning.py` turns each step into OpenFlow. Four invariants:

- a flow carries (input port, source, destination), so a station that moves to another port misses
  and is seen again;
- when it has moved, or is known no more, the flows to and from it are forgotten before a new one is
  made;
- memory is bounded: of `LIMIT` stations the one unheard for longest makes room, at the port that
  has most of them. So invented addresses push out each other and nobody behind another port;
- flow-mods are bounded: frames of one input port cause `FLOWS_AT_ONCE` of them and then
  `FLOWS_PER_S`, since an address costs whoever invents it nothing and a rule costs the switch. Past
  that a frame is sent on without a rule, and a station that would move stays where it was.

Pure: no socket, no thread; time is an argument (seconds of any one clock).
"""

from dataclasses import dataclass, field

LIMIT = 16_384
"""Stations remembered per switch."""

PORTS_MAX = 4_096
"""Input ports of a switch behind which stations are learned."""

MAX_AGE_S = 300.0
"""A station unheard of for so long is unknown again (IEEE 802.1D-2004, 7.9.2)."""

FLOWS_AT_ONCE, FLOWS_PER_S = 1_000.0, 100.0
"""What frames of one input port may cost in flow-mods: a thousand conversations that begin in one
moment, and then a hundred new ones a second."""

MOVE_COST = 2.0
"""Flow-mods to forget a station: to it and from it."""


@dataclass(frozen=True)
class Frame:
    """What the switch told about a frame: addresses as 12 hex digits in pairs, `:` between."""

    in_port: int
    source: str
    destination: str


@dataclass(frozen=True)
class Forget:
    """Remove every flow to and from `station`: it is not where they send it."""

    station: str


@dataclass(frozen=True)
class ForgetPort:
    """Remove every flow into and out of `port`: nobody lives there any more."""

    port: int


@dataclass(frozen=True)
class Connect:
    """Install the flow for frames like this one, out of `port`."""

    frame: Frame
    port: int


@dataclass(frozen=True)
class Send:
    """Send this frame out of `port`; None: out of all ports but its own."""

    port: int | None


Step = Forget | ForgetPort | Connect | Send


@dataclass
class _Place:
    port: int
    heard_s: float
    has_flows: bool = False
    """A flow to or from it was made and not taken back since."""


@dataclass
class _Port:
    """The stations behind one port, the one unheard for longest first, and a token bucket."""

    stations: dict[str, None] = field(default_factory=dict)
    tokens: float = FLOWS_AT_ONCE
    counted_s: float = 0.0

    def pay(self, cost: float, now_s: float) -> bool:
        """True if so many flow-mods may be sent now; then they count."""
        gained = max(0.0, now_s - self.counted_s) * FLOWS_PER_S
        self.tokens = min(FLOWS_AT_ONCE, self.tokens + gained)
        self.counted_s = now_s
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True


class MacTable:
    """Station -> port of one switch. Not safe for threads: one app's event loop owns it."""

    def __init__(self, limit: int = LIMIT, max_age_s: float = MAX_AGE_S) -> None:
        self._limit = limit
        self._max_age_s = max_age_s
        self._places: dict[str, _Place] = {}
        self._ports: dict[int, _Port] = {}

    def __len__(self) -> int:
        return len(self._places)

    def port_of(self, station: str, now_s: float) -> int | None:
        """The port behind which `station` lives, None when unknown or unheard of for too long."""
        place = self._places.get(station)
        if place is None or now_s - place.heard_s > self._max_age_s:
            return None
        return place.port

    def steps_for(self, frame: Frame, now_s: float) -> list[Step]:
        """What to do about `frame`; remembers its source on the way."""
        if is_link_local(frame.destination):
            return []
        port = self._port(frame.in_port, now_s)
        steps = self._learn(frame.source, frame.in_port, port, now_s) if port else []
        out = None if is_group(frame.destination) else self.port_of(frame.destination, now_s)
        if out is None:
            return [*steps, Send(None)]
        if out == frame.in_port:  # its own segment has delivered it already
            return steps
        return [*steps, *self._connect(frame, out, port, now_s), Send(out)]

    def leave(self, port: int) -> list[Step]:
        """`port` is gone or down: nobody lives there any more."""
        known = self._ports.get(port)
        if known is None or not known.stations:
            return []
        for station in known.stations:
            del self._places[station]
        known.stations.clear()  # what it may spend stays: a link can go down and up at will
        return [ForgetPort(port)]

    def _port(self, number: int, now_s: float) -> _Port | None:
        """What is known of an input port; None for one more than there can be."""
        known = self._ports.get(number)
        if known is None and len(self._ports) < PORTS_MAX:
            known = self._ports[number] = _Port(counted_s=now_s)
        return known

    def _connect(self, frame: Frame, out: int, port: _Port | None, now_s: float) -> list[Step]:
        """The flow for a frame, if its source is known where it comes from and may cost one."""
        source, destination = self._places.get(frame.source), self._places[frame.destination]
        if port is None or source is None or source.port != frame.in_port:
            return []
        if not port.pay(1, now_s):
            return []
        source.has_flows = destination.has_flows = True
        return [Connect(frame, out)]

    def _learn(self, station: str, number: int, port: _Port, now_s: float) -> list[Step]:
        """Remembers where a station is; what has to be forgotten for that."""
        if is_group(station):  # no station sends from a group address: nothing to learn
            return []
        steps: list[Step] = []
        before = self._places.get(station)
        if before is None:
            if len(self._places) >= self._limit:
                made = self._make_room(port, now_s)
                if made is None:
                    return []
                steps += made
        elif before.port != number:
            if not port.pay(MOVE_COST, now_s):
                return []
            del self._ports[before.port].stations[station]
            steps.append(Forget(station))
            before = None
        self._places[station] = _Place(number, now_s, before is not None and before.has_flows)
        port.stations.pop(station, None)
        port.stations[station] = None
        return steps

    def _make_room(self, asking: _Port, now_s: float) -> list[Step] | None:
        """Forgets the station unheard for longest at the port that has most of them; None if it has
        flows that the port which asks may not have taken back now."""
        port = max(self._ports.values(), key=lambda port: len(port.stations))
        station = next(iter(port.stations))
        if self._places[station].has_flows and not asking.pay(MOVE_COST, now_s):
            return None
        del port.stations[station]
        return [Forget(station)] if self._places.pop(station).has_flows else []


def is_group(address: str) -> bool:
    """Broadcast or multicast: the lowest bit of the first byte is set."""
    return bool(int(address[:2], 16) & 1)


def is_link_local(address: str) -> bool:
    """01:80:c2:00:00:00 to :0f stay on their link: no bridge forwards them (802.1D, 7.12.6)."""
    return address[:15].lower() == "01:80:c2:00:00:" and address[15] == "0"
