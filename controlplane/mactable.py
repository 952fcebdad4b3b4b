"""Where each station was last seen, and what a learning switch does about a frame.

Theory of operation. A `MacTable` belongs to one switch. `steps_for` takes a frame that the switch
sent up (its input port and two addresses) and returns what to do, as a list of steps; the os-ken
app in `apps/learning.py` turns each step into OpenFlow. Three invariants:

- a flow carries (input port, source, destination), so a station that moves to another port misses
  and is seen again;
- when it has moved, every flow towards its old place is forgotten before a new one is made;
- memory is bounded: of `LIMIT` stations the one unheard for longest makes room, so a flood of
  invented addresses costs the switch nothing and the controller a fixed table.

Pure: no socket, no thread; time is an argument (seconds of any one clock).
"""

from dataclasses import dataclass

LIMIT = 16_384
"""Stations remembered per switch."""

MAX_AGE_S = 300.0
"""A station unheard of for so long is unknown again (IEEE 802.1D-2004, 7.9.2)."""


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
class Connect:
    """Install the flow for frames like this one, out of `port`."""

    frame: Frame
    port: int


@dataclass(frozen=True)
class Send:
    """Send this frame out of `port`; None: out of all ports but its own."""

    port: int | None


Step = Forget | Connect | Send


@dataclass
class _Place:
    port: int
    heard_s: float


class MacTable:
    """Station -> port of one switch. Not safe for threads: one app's event loop owns it."""

    def __init__(self, limit: int = LIMIT, max_age_s: float = MAX_AGE_S) -> None:
        self._limit = limit
        self._max_age_s = max_age_s
        self._places: dict[str, _Place] = {}  # in order of last hearing, oldest first

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
        steps = self._learn(frame.source, frame.in_port, now_s)
        out = None if is_group(frame.destination) else self.port_of(frame.destination, now_s)
        if out is None:
            return [*steps, Send(None)]
        if out == frame.in_port:  # its own segment has delivered it already
            return steps
        return [*steps, Connect(frame, out), Send(out)]

    def leave(self, port: int) -> list[Step]:
        """`port` is gone or down: nobody lives there any more."""
        stations = [name for name, place in self._places.items() if place.port == port]
        for station in stations:
            del self._places[station]
        return [Forget(station) for station in stations]

    def _learn(self, station: str, port: int, now_s: float) -> list[Step]:
        if is_group(station):  # no station sends from a group address: nothing to learn
            return []
        before = self._places.pop(station, None)
        while len(self._places) >= self._limit:
            del self._places[next(iter(self._places))]
        self._places[station] = _Place(port, now_s)
        moved = before is not None and before.port != port
        return [Forget(station)] if moved else []


def is_group(address: str) -> bool:
    """Broadcast or multicast: the lowest bit of the first byte is set."""
    return bool(int(address[:2], 16) & 1)


def is_link_local(address: str) -> bool:
    """01:80:c2:00:00:00 to :0f stay on their link: no bridge forwards them (802.1D, 7.12.6)."""
    return address[:15].lower() == "01:80:c2:00:00:" and address[15] == "0"
