"""Everything that can be configured, declared once.

A `Bridge`, `Port`, `Queue` or `Controller` is a frozen dataclass; each field carries its
`Setting`: how a value is read and checked, how it is shown in JSON, and the words
that explain it.  Store columns, checks of the operator API (`vswitch.requests`)
and arguments of the command line follow from these fields, so a new setting is
one more field here.  Values are checked and made canonical when an object is
made, wherever they come from: an object that exists is valid.

What the operator leaves open is None ("any number will do"), so a `Config` can
be what is wanted as well as what is observed.  Pure: no socket, no clock.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeVar

from vswitch import values
from vswitch.errors import SchemaError, shown
from vswitch.setting import Setting
from vswitch.target import Target, parse

__all__ = [
    "Bridge",
    "Config",
    "Controller",
    "Port",
    "Queue",
    "Record",
    "Setting",
    "Target",
    "parse",
]

FAIL_MODES = ("secure", "standalone")
"""Without a controller: forward nothing by itself, or switch like a learning bridge."""
PORT_KINDS = ("auto", "tap", "packet")
"""What auto stands for, `Port.decided` says; it is decided once, when the port is stored."""
VLAN_MODES = ("auto", "access", "trunk", "native-untagged", "native-tagged")
"""As Open vSwitch has them: frames of one VLAN without tag; tagged frames; tagged ones, and those
without tag in a VLAN of their own, which leave without tag or with it."""
FLOOD_RATE = 1000
"""Packets a second, and as many at once, that one port may have flooded if nothing else is said.
Who asks for a thousand neighbours in one second (a /22 that is scanned, an uplink with as many
stations behind it) loses none; a loop of cables, or a station that has gone mad, costs a bridge of
100 ports a tenth of a processor instead of all of it.  Streams by multicast of more than that need
a word of the operator's."""
QUEUES_MAX = 256
"""Queues of one port (LANES_LIMIT in datapath/src/switch/lanes.h)."""


Key = tuple[Any, ...]
"""Values of the settings that a record can't be without, in order of declaration."""


def setting(
    read: values.Reader,
    help: str,
    metavar: str,
    *,
    default: object = dataclasses.MISSING,
    show: Callable[[Any], object] | None = None,
    nested: bool = False,
    live: bool = False,
    say: Callable[[Any], object] | None = None,
) -> Any:
    """A dataclass field with its `Setting`; a default of None makes it optional."""
    many = isinstance(default, tuple)
    reader = values.optional(read) if default is None else read
    render = show or (list if many else _same)
    known = Setting(help, reader, metavar, render, many, nested, live=live, say=say)
    return _field(known, default)


def records(cls: type[Record], help: str) -> Any:
    """A dataclass field that holds records of that kind, in order; none is the default."""
    known = Setting(help, _reader(cls), "", _to_json, many=True, nested=True, record=cls)
    return _field(known, ())


def _field(known: Setting, default: object) -> Any:
    metadata = {"setting": known}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def _same(value: object) -> object:
    return value


def _hexadecimal(dpid: int | None) -> str | None:
    return None if dpid is None else f"{dpid:016x}"


class Record:
    """What bridges, ports, queues and controllers have in common: settings, to and from JSON.

    The settings that it can't be without are its key: they tell it from others of its kind in
    one bridge.  The sentences are what a plan says of it, with the bridge's name, the key's
    settings and, where they are added or set, {settings} in them.
    """

    __slots__ = ()
    NOUN: ClassVar[str]
    TITLE: ClassVar[str] = ""
    """What it is called where something is told about it."""
    ADDED: ClassVar[str] = ""
    CHANGED: ClassVar[str] = ""
    REMOVED: ClassVar[str] = ""
    PORT: ClassVar[str | None] = None
    """The setting that names a port of the bridge which it goes and comes with."""
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __post_init__(self) -> None:
        for name, known in self.settings().items():
            what = f"{self.NOUN} {name.replace('_', ' ')}"
            object.__setattr__(self, name, known.checked(what, getattr(self, name)))
        self.check()

    def check(self) -> None:
        """Raises SchemaError where settings contradict each other."""

    @classmethod
    def settings(cls) -> Mapping[str, Setting]:
        """Name -> setting, in order of declaration."""
        known: Any = cls  # a type has a hash, which a Record need not have
        return _settings(known)

    @classmethod
    def required(cls) -> frozenset[str]:
        """Names of the settings that have no default."""
        return frozenset(cls.key_names())

    @classmethod
    def parts(cls) -> Mapping[type[Record], str]:
        """The kinds of records that one of these holds, and its settings that hold them, in the
        order in which they are made active."""
        known: Any = cls
        return _parts(known)

    @classmethod
    def key_names(cls) -> tuple[str, ...]:
        """The same in order of declaration."""
        known: Any = cls
        return _required(known)

    @property
    def key(self) -> Key:
        """What tells it from the others of its kind in its bridge: its required settings."""
        return tuple([getattr(self, name) for name in self.key_names()])

    @property
    def title(self) -> str:
        """Its kind and key in words."""
        return self.TITLE.format_map(self.to_json())

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The record in a decoded JSON object; SchemaError tells what it refuses."""
        if not isinstance(document, Mapping):
            why = f"it is {values.kind_of(document)}, no object"
            raise SchemaError(cls.NOUN, why, "give {...}")
        known = cls.settings()
        for key in document:
            if key not in known:
                raise SchemaError(
                    f"{cls.NOUN} setting {shown(key)}", "it is unknown", f"use {', '.join(known)}"
                )
        for key in sorted(cls.required() - document.keys()):
            what = f"{cls.NOUN} with {shown(document)}" if document else cls.NOUN
            raise SchemaError(what, f"it has no {key}", "add it")
        return cls(**document)

    def to_json(self) -> dict[str, Any]:
        """All settings as JSON values; `from_json` is the inverse."""
        return {name: s.show(getattr(self, name)) for name, s in self.settings().items()}

    def changed(self, **values: object) -> Self:
        """A copy with some settings changed, checked anew; itself if nothing is another."""
        if all(_is_same(getattr(self, name), value) for name, value in values.items()):
            return self
        return dataclasses.replace(self, **values)


@functools.cache
def _settings(cls: Any) -> Mapping[str, Setting]:
    fields = cls.__dataclass_fields__.items()
    found = {name: f.metadata["setting"] for name, f in fields if "setting" in f.metadata}
    return MappingProxyType(found)


@functools.cache
def _required(cls: Any) -> tuple[str, ...]:
    known, fields = _settings(cls), cls.__dataclass_fields__.items()
    return tuple(n for n, f in fields if n in known and f.default is dataclasses.MISSING)


@functools.cache
def _parts(cls: Any) -> Mapping[type[Record], str]:
    found = {known.record: name for name, known in _settings(cls).items() if known.record}
    return MappingProxyType(found)


def _is_same(old: object, new: object) -> bool:
    """True is no 1, though Python takes them for equal."""
    return old is new or (type(old) is type(new) and old == new)


R = TypeVar("R", bound=Record)


def _reader(cls: type[Record]) -> values.Reader:
    """A reader of lists of records, whole or as JSON objects."""

    def one(value: object) -> Record:
        if isinstance(value, cls):
            return value
        try:
            return cls.from_json(value)
        except SchemaError as error:
            place = _place(cls, value)
            if not place or error.what.startswith(place):
                raise
            raise SchemaError(f"{place}, {error.what}", error.why, error.do) from None

    return values.many(one, lambda record: record.title)


def _place(cls: type[Record], document: object) -> str:
    """What a record in a document would be called, for who looks for its fault; "" if that is not
    said."""
    if not isinstance(document, Mapping) or not cls.required() <= document.keys():
        return ""
    told = {key: document[key] for key in cls.required()}
    plain = all(isinstance(v, str | int) and str(v).isprintable() for v in told.values())
    return cls.TITLE.format_map(told)[:60] if plain else ""


def _to_json(records: Iterable[Record]) -> list[dict[str, Any]]:
    return [record.to_json() for record in records]


@dataclass(frozen=True, slots=True)
class Controller(Record):
    """A controller that a bridge connects to."""

    NOUN: ClassVar[str] = "controller"
    TITLE: ClassVar[str] = "controller {target}"
    ADDED: ClassVar[str] = "connect bridge {bridge} to controller {target}{settings}"
    CHANGED: ClassVar[str] = "set {settings} of controller {target} of bridge {bridge}"
    REMOVED: ClassVar[str] = "part bridge {bridge} from controller {target}"
    target: str = setting(
        values.controller_target, "where it listens: tcp:HOST[:PORT] or unix:PATH", "TARGET"
    )


@dataclass(frozen=True, slots=True)
class Port(Record):
    """A port of a bridge: an interface with an OpenFlow number."""

    NOUN: ClassVar[str] = "port"
    TITLE: ClassVar[str] = "port {name}"
    ADDED: ClassVar[str] = "put port {name} on bridge {bridge}{settings}"
    CHANGED: ClassVar[str] = "set {settings} of port {name} on bridge {bridge}"
    REMOVED: ClassVar[str] = "take port {name} off bridge {bridge}"
    name: str = setting(values.name, "the port's name, an interface on this host", "NAME")
    number: int | None = setting(
        values.port_number,
        "OpenFlow port number, or LOCAL: the host's own port; the lowest free one if left out",
        "N", default=None, say=values.port_number_text,
    )  # fmt: skip
    kind: str = setting(
        values.choice(*PORT_KINDS),
        "auto: the interface NAME, which has to be there; a new TAP for LOCAL, netns and addresses",
        "|".join(PORT_KINDS), default="auto",
    )  # fmt: skip
    netns: str | None = setting(
        values.path, "move the interface into this network namespace", "PATH", default=None
    )
    interface: str | None = setting(
        values.name, "what it is called in there (eth0)", "NAME", default=None
    )
    addresses: tuple[str, ...] = setting(
        values.many(values.address), "addresses of the interface", "ADDRESS/LEN", default=()
    )
    mac: str | None = setting(values.mac, "its Ethernet address", "MAC", default=None)
    mtu: int | None = setting(
        values.mtu, "largest packet in bytes; its interface's if left out", "BYTES", default=None
    )
    gateway: str | None = setting(
        values.gateway, "its default route, over an address it has", "ADDRESS", default=None
    )
    vlan_mode: str = setting(
        values.choice(*VLAN_MODES),
        "how NORMAL treats VLAN tags; auto: access if it has a tag, else trunk",
        "|".join(VLAN_MODES), default="auto", live=True,
    )  # fmt: skip
    tag: int | None = setting(
        values.or_none(values.vlan_tag),
        "its VLAN: of an access port, or the native one of a trunk; none takes it away",
        "VID|none", default=None, live=True,
    )  # fmt: skip
    trunks: tuple[str, ...] = setting(
        values.vlan_ranges, "VLANs that a trunk carries, 0 for frames without tag; all if left out",
        "VID[-VID]", default=(), live=True,
    )  # fmt: skip

    @property
    def vlans(self) -> tuple[str, int, frozenset[int]]:
        """Mode (never auto), tag (0: none) and trunks (none: all), as they work together."""
        mode = self.vlan_mode
        if mode == "auto":
            mode = "access" if self.tag else "trunk"
        return mode, self.tag or 0, values.vlans_in(self.trunks)

    def decided(self) -> Port:
        """The same with the kind that "auto" stands for.

        It follows from the record alone, not from which interfaces there are just now: one that
        goes must never come back as a TAP of its name.
        """
        if self.kind != "auto":
            return self
        ours = (self.netns, self.interface, self.addresses, self.gateway)
        return self.changed(kind="tap" if self.number == values.LOCAL or any(ours) else "packet")

    def check(self) -> None:
        """What only a TAP can have isn't asked of another kind; a rename needs a namespace;
        VLAN settings go together."""
        self._check_vlans()
        made = [key for key in ("netns", "interface", "addresses", "gateway") if getattr(self, key)]
        if made and self.kind == "packet":
            raise SchemaError(
                f"port {self.name} {made[0]}",
                "the switch doesn't configure an interface that it didn't make",
                "leave it out, or use kind tap",
            )
        if self.interface and not self.netns:
            raise SchemaError(
                f"port {self.name} interface",
                "an interface is renamed only on its way into a namespace",
                "add netns, or leave interface out",
            )
        if self.gateway and not self.addresses:
            raise SchemaError(
                f"port {self.name} gateway", "it has no address to reach it from", "add an address"
            )

    def _check_vlans(self) -> None:
        mode, tag, trunks = self.vlans
        if mode == "trunk" and tag:
            raise SchemaError(
                f"port {self.name} tag", "a plain trunk has no VLAN of its own",
                "use tag none, or vlan mode native-untagged or native-tagged",
            )  # fmt: skip
        if mode != "trunk" and not tag:
            raise SchemaError(
                f"port {self.name} vlan mode", f"{mode} needs a VLAN", "add a tag, 1 to 4094"
            )
        if mode == "access" and trunks:
            raise SchemaError(
                f"port {self.name} trunks", "an access port carries its own VLAN alone",
                "leave them out (an empty list), or use vlan mode native-untagged",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Queue(Record):
    """A queue of a port: what set_queue puts there waits its turn (OpenFlow 1.3.5, 7.2.2)."""

    NOUN: ClassVar[str] = "queue"
    TITLE: ClassVar[str] = "queue {number} of port {port}"
    ADDED: ClassVar[str] = "give port {port} of bridge {bridge} queue {number}{settings}"
    CHANGED: ClassVar[str] = "set {settings} of queue {number} of port {port}"
    REMOVED: ClassVar[str] = "take queue {number} off port {port} of bridge {bridge}"
    PORT: ClassVar[str | None] = "port"
    port: str = setting(values.name, "the port by which its packets leave", "PORT")
    number: int = setting(
        values.integer(0, 0xFFFFFFFE), "its number, N of the action set_queue:N", "NUMBER"
    )
    max_rate: int = setting(
        values.rate, "how fast its packets leave at most: 10Mbps, 2.5Gbps, unlimited", "RATE",
        default=0, show=values.rate_text, live=True,
    )  # fmt: skip
    max_packets: int = setting(
        values.integer(1, 65536), "packets that may wait in it; 1000 if left out", "N",
        default=1000, live=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bridge(Record):
    """One OpenFlow switch: a datapath id, ports with their queues, controllers."""

    NOUN: ClassVar[str] = "bridge"
    TITLE: ClassVar[str] = "bridge {name}"
    ADDED: ClassVar[str] = "make bridge {name}{settings}"
    CHANGED: ClassVar[str] = "set {settings} of bridge {name}"
    REMOVED: ClassVar[str] = "remove bridge {name}"
    name: str = setting(values.name, "the bridge's name", "NAME")
    dpid: int | None = setting(
        values.dpid, "datapath id, 1 to 16 hexadecimal digits; chosen once if left out", "HEX",
        default=None, show=_hexadecimal, live=True,
    )  # fmt: skip
    fail_mode: str = setting(
        values.choice(*FAIL_MODES), "without a controller: drop, or switch like a learning bridge",
        "|".join(FAIL_MODES), default="secure", live=True,
    )  # fmt: skip
    protocols: tuple[str, ...] = setting(
        values.some(values.protocol), "versions of OpenFlow to offer", "VERSION",
        default=tuple(values.PROTOCOLS), live=True,
    )  # fmt: skip
    listen: tuple[str, ...] = setting(
        values.many(values.listen_target),
        "also take connections here: ptcp:PORT[:ADDRESS] (127.0.0.1 if left out), punix:PATH",
        "TARGET", default=(), live=True,
    )  # fmt: skip
    mac_age: int = setting(
        values.mac_age, "seconds after which NORMAL forgets a silent station; 0: never", "SECONDS",
        default=300, live=True,
    )  # fmt: skip
    mac_limit: int = setting(
        values.mac_limit, "stations that NORMAL learns; what is beyond is flooded to", "N",
        default=8192, live=True,
    )  # fmt: skip
    flood_rate: int = setting(
        values.flood_rate, "packets a second that NORMAL floods of one input port; 0: unlimited",
        "N", default=FLOOD_RATE, live=True,
    )  # fmt: skip
    ports: tuple[Port, ...] = records(Port, "ports of the bridge")
    queues: tuple[Queue, ...] = records(Queue, "queues of its ports")
    controllers: tuple[Controller, ...] = records(Controller, "controllers that it connects to")
    _found: dict[type[Record], dict[Key, Record]] = dataclasses.field(
        init=False, repr=False, compare=False
    )

    def check(self) -> None:
        """Names, numbers and targets are unique in a bridge; what is of a port is of one that it
        has."""
        inside = f"bridge {self.name}"
        _unique(f"{inside} port name", (p.name for p in self.ports))
        numbers = (values.port_number_text(p.number) for p in self.ports)
        _unique(f"{inside} port number", numbers, self.ports)
        found: dict[type[Record], dict[Key, Record]] = {}
        for kind, where in self.parts().items():
            parts: tuple[Record, ...] = getattr(self, where)
            found[kind] = {part.key: part for part in parts}
            if len(found[kind]) < len(parts):
                _unique(inside, (part.title for part in parts))
        object.__setattr__(self, "_found", found)
        self._check_ports(inside)

    def _check_ports(self, inside: str) -> None:
        for kind, where in self.parts().items():
            of_port = [getattr(part, kind.PORT) for part in getattr(self, where) if kind.PORT]
            for name in dict.fromkeys(of_port):
                if self.port(name) is None:
                    what, why = f"{kind.NOUN} of port {name}", f"{inside} has no such port"
                    raise SchemaError(what, why, "add the port, or leave it out")
        for name, number in Counter(queue.port for queue in self.queues).items():
            if number > QUEUES_MAX:
                what = f"queues of port {name}"
                raise SchemaError(what, f"{number} are too many", f"at most {QUEUES_MAX} can be")

    def bare(self) -> Bridge:
        """The bridge without its ports, queues and controllers."""
        return self.changed(**dict.fromkeys(self.parts().values(), ()))

    def part(self, kind: type[R], *key: object) -> R | None:
        """The record of that kind and key."""
        found: Any = self._found[kind]
        part: R | None = found.get(key)
        return part

    def with_part(self, new: Record) -> Bridge:
        """The bridge with 'new' in the place of the one of its kind and key, or at the end."""
        where = self.parts()[type(new)]
        return self.changed(**{where: _put(getattr(self, where), new)})

    def without_part(self, kind: type[Record], *key: object) -> Bridge:
        """The bridge without the record of that kind and key; without a port, nothing is left
        that belongs to it."""
        where = self.parts()[kind]
        left = {where: tuple(part for part in getattr(self, where) if part.key != key)}
        if kind is Port:
            for other, there in self.parts().items():
                if name := other.PORT:
                    parts = getattr(self, there)
                    left[there] = tuple(p for p in parts if (getattr(p, name),) != key)
        return self.changed(**left)

    def port(self, name: str) -> Port | None:
        """The port of that name."""
        return self.part(Port, name)

    def numbered(self, reserved: Iterable[int] = ()) -> Bridge:
        """Ports without a number given the lowest free ones, in order.

        'reserved' are numbers in use by ports outside this configuration.
        SchemaError when no number is left.
        """
        used = {port.number for port in self.ports} | set(reserved)
        free = (n for n in range(1, values.PORT_NUMBER_MAX + 1) if n not in used)
        if all(port.number for port in self.ports):
            return self
        numbers = (port.number or next(free, 0) for port in self.ports)
        return self.changed(
            ports=tuple(p.changed(number=n) for p, n in zip(self.ports, numbers, strict=True))
        )


@dataclass(frozen=True, slots=True)
class Config(Record):
    """All that one host's switch is told to be."""

    NOUN: ClassVar[str] = "configuration"
    bridges: tuple[Bridge, ...] = records(Bridge, "bridges of this host")
    _bridges: dict[str, Bridge] = dataclasses.field(init=False, repr=False, compare=False)

    def check(self) -> None:
        """Bridge names and datapath ids are unique, and so are port names over all bridges."""
        object.__setattr__(self, "_bridges", {bridge.name: bridge for bridge in self.bridges})
        _unique("configuration bridge name", (b.name for b in self.bridges))
        dpids = (_hexadecimal(b.dpid) for b in self.bridges)
        _unique("configuration datapath id", dpids, self.bridges)
        _unique("configuration port name", (p.name for b in self.bridges for p in b.ports))

    def bridge(self, name: str) -> Bridge | None:
        """The bridge of that name."""
        return self._bridges.get(name)

    def with_bridge(self, bridge: Bridge) -> Config:
        """The configuration with 'bridge' in the place of its namesake, or added at the end."""
        return Config(_put(self.bridges, bridge))

    def without_bridge(self, name: str) -> Config:
        """The configuration without the bridge of that name."""
        return Config(tuple(b for b in self.bridges if b.name != name))


def _put(records: tuple[R, ...], new: R) -> tuple[R, ...]:
    """'records' with 'new' instead of the one of its key, or at the end."""
    if any(old.key == new.key for old in records):
        return tuple(new if old.key == new.key else old for old in records)
    return (*records, new)


def _unique(what: str, keys: Iterable[object], of: Sequence[Record] = ()) -> None:
    """SchemaError where a key other than None comes twice; 'of': whose they are, if that isn't in
    what the key says."""
    seen: dict[object, int] = {}
    for at, key in enumerate(keys):
        if key is not None and key in seen:
            both = f": {of[seen[key]].title} and {of[at].title} have it" if of else ""
            raise SchemaError(f"{what} {key}", f"it is there twice{both}", "choose another one")
        seen[key] = at
