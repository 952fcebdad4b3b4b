"""Frames between a switch and whoever drives it: commands in, events out.

The layouts are those of `datapath/include/vswitch.h`, written once more as
`struct` formats so that a process without the compiled module can speak to a
forwarder; a test compares every size and offset with what the C compiler says.
Pure: no socket, no clock.  Host byte order and natural alignment throughout,
since both ends are one machine.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Self

WIRE_VERSION = 2
FRAME_MAX = 131072


class Command(IntEnum):
    """Frames that a switch carries out; see vs_command for what follows each."""

    HELLO = 1
    BRIDGE_ADD = 2
    BRIDGE_DEL = 3
    PORT_ADD = 4
    PORT_DEL = 5
    PORT_SET = 6
    OPENFLOW = 7
    ATOMIC = 8
    SESSION = 9
    SESSION_END = 10
    DUMP = 11
    STATS = 12
    TRACE = 13
    SHUTDOWN = 14
    REPLAY = 15
    QUEUE_SET = 16
    QUEUE_DEL = 17
    PORT_VLANS = 18
    MACS = 19
    MAC_FLUSH = 20
    PORT_MTU = 21
    BEAT = 22


class Event(IntEnum):
    """Frames that a switch sends; see vs_event."""

    DONE = 64
    HELLO = 65
    OPENFLOW = 66
    BRIDGE = 67
    PORT = 68
    PORT_STATS = 69
    PORT_GONE = 70
    TRACE = 71
    QUEUE = 72
    MACS = 73
    BEAT = 74


class Steps(IntFlag):
    """What a frame does with its transaction, beside adding to it; see vs_transaction_steps."""

    NONE = 0
    BEGIN = 1
    COMMIT = 2
    ABORT = 4


class FrameFlags(IntFlag):
    """What a frame says of itself; see vs_frame_flags."""

    NONE = 0
    MORE = 1
    LOSSY = 2


class PortKind(IntEnum):
    """What is behind a port: memory, a pcap file, an AF_PACKET socket, a TAP."""

    MEM = 1
    PCAP = 2
    PACKET = 3
    TAP = 4


class Standalone(IntEnum):
    """Whether a bridge switches by itself; see vs_standalone."""

    NOT = 0
    MISSES = 1
    ALL = 2


class VlanMode(IntEnum):
    """How NORMAL treats a port's tags; see vs_vlan_mode."""

    TRUNK = 0
    ACCESS = 1
    NATIVE_UNTAGGED = 2
    NATIVE_TAGGED = 3


class PortFlags(IntFlag):
    """How a port is: its frames have a virtio_net_hdr, its file is read once, no configuration
    knows it, its interface is gone."""

    NONE = 0
    VNET_HDR = 1
    ONCE = 2
    EPHEMERAL = 4
    DEAD = 8


DROPS = (
    "rx-short",
    "rx-truncated",
    "rx-offload",
    "no-buffer",
    "port-down",
    "table-miss",
    "rule",
    "no-port",
    "output-down",
    "output-self",
    "ttl",
    "mtu",
    "tx-full",
    "tx-error",
    "packet-in-full",
    "too-deep",
    "reserved-address",
    "group",
    "meter",
    "queue-full",
    "vlan",
    "flood-limit",
    "no-in-port",
    "buffer-share",
)
"""Names of vs_drop, in its order; what a port's drops are counted by."""

_HEADER = struct.Struct("=IHHIIQ")
HEADER_SIZE = _HEADER.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its header and the payload's bytes."""

    type: int
    payload: bytes = b""
    bridge: int = 0
    session: int = 0
    tag: int = 0
    flags: int = 0

    def pack(self) -> bytes:
        """The frame's bytes; ValueError when they exceed FRAME_MAX."""
        size = HEADER_SIZE + len(self.payload)
        if size > FRAME_MAX:
            raise ValueError(f"a frame of {size} bytes is longer than {FRAME_MAX}")
        return (
            _HEADER.pack(size, self.type, self.flags, self.bridge, self.session, self.tag)
            + self.payload
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """The frame in 'data', which holds exactly one; ValueError otherwise."""
        if len(data) < HEADER_SIZE:
            raise ValueError(f"a frame of {len(data)} bytes is shorter than its header")
        size, kind, flags, bridge, session, tag = _HEADER.unpack_from(data)
        if size != len(data):
            raise ValueError(f"a frame says {size} bytes and has {len(data)}")
        return cls(kind, data[HEADER_SIZE:], bridge, session, tag, flags)


class _Payload:
    """A payload of fixed layout; subclasses name the format."""

    FORMAT: ClassVar[struct.Struct]

    def pack(self) -> bytes:
        """The payload's bytes; struct.error for a number that doesn't fit its place."""
        raise NotImplementedError

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """The payload at the beginning of 'data'; struct.error if that is too short."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ForwarderHello(_Payload):
    """The first frame of a forwarder: wire version, process, and when that began (nanoseconds of
    CLOCK_MONOTONIC)."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=IIQ")
    version: int = WIRE_VERSION
    pid: int = 0
    started_ns: int = 0

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.version, self.pid, self.started_ns)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*cls.FORMAT.unpack_from(data))


@dataclass(frozen=True, slots=True)
class Done(_Payload):
    """How a command ended: 0, or -errno and a sentence."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=iI")
    error: int = 0
    text: str = ""

    def pack(self) -> bytes:
        text = self.text.encode()
        return self.FORMAT.pack(self.error, len(text)) + text

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        error, size = cls.FORMAT.unpack_from(data)
        start = cls.FORMAT.size
        return cls(error, data[start : start + size].decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class BridgeSpec(_Payload):
    """A bridge; of NORMAL: seconds until a silent station is forgotten (0: never), how many are
    learned (0: 8,192), packets a second that are flooded for one input port (0: unlimited).
    'identity' is no other bridge's, as its number may be (0: the number is enough)."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=32sQ6IQ")
    name: str
    dpid: int
    standalone: int = 0
    """A Standalone."""
    miss_send_len: int = 128
    mac_age: int = 300
    mac_limit: int = 8192
    flood_rate: int = 0
    identity: int = 0

    def pack(self) -> bytes:
        return self.FORMAT.pack(
            _name(self.name), self.dpid, self.standalone, self.miss_send_len,
            self.mac_age, self.mac_limit, self.flood_rate, 0, self.identity,
        )  # fmt: skip

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        name, dpid, standalone, miss, age, limit, rate, _, who = cls.FORMAT.unpack_from(data)
        return cls(_text(name), dpid, standalone, miss, age, limit, rate, who)


@dataclass(frozen=True, slots=True)
class Vlans(_Payload):
    """A port's VLANs, for NORMAL: its own (0: none), and those that a trunk passes (none: all)."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=HHI512s")
    mode: VlanMode = VlanMode.TRUNK
    tag: int = 0
    trunks: frozenset[int] = frozenset()

    def pack(self) -> bytes:
        bits = sum(1 << vlan for vlan in self.trunks)
        return self.FORMAT.pack(self.mode, self.tag, 0, bits.to_bytes(512, "little"))

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        mode, tag, _, packed = cls.FORMAT.unpack(data)
        bits = int.from_bytes(packed, "little")
        trunks = frozenset(v for v in range(bits.bit_length()) if bits >> v & 1)
        return cls(VlanMode(mode), tag, trunks)


EVERY_VLAN = Vlans()
"""A trunk of all VLANs: what a port is if nothing is said."""


@dataclass(frozen=True, slots=True)
class PortSpec(_Payload):
    """A port as the forwarder is told of it, or tells of it.

    Paths are of pcap files; 'write_limit': frames that are written at most, 0: all.
    """

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=6I6sH32s256s256sQ520s")
    number: int
    kind: PortKind
    name: str
    mac: bytes = bytes(6)
    config: int = 0
    state: int = 0
    mtu: int = 0
    flags: PortFlags = PortFlags.NONE
    read_path: str = ""
    write_path: str = ""
    write_limit: int = 0
    vlans: Vlans = EVERY_VLAN

    def pack(self) -> bytes:
        return self.FORMAT.pack(
            self.number,
            self.kind,
            self.config,
            self.state,
            self.mtu,
            self.flags,
            self.mac,
            0,
            _name(self.name),
            _path(self.read_path),
            _path(self.write_path),
            self.write_limit,
            self.vlans.pack(),
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        number, kind, config, state, mtu, flags, mac, _, name, read, write, limit, vlans = (
            cls.FORMAT.unpack_from(data)
        )
        return cls(
            number,
            PortKind(kind),
            _text(name),
            mac,
            config,
            state,
            mtu,
            PortFlags(flags),
            _text(read),
            _text(write),
            limit,
            Vlans.unpack(vlans),
        )


@dataclass(frozen=True, slots=True)
class PortRef(_Payload):
    """A port by number; for PORT_SET also new config and state, where 'mask' has bits."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=4I")
    number: int
    config: int = 0
    state: int = 0
    mask: int = 0

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.number, self.config, self.state, self.mask)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*cls.FORMAT.unpack_from(data))


@dataclass(frozen=True, slots=True)
class PortVlans(_Payload):
    """New VLANs of a port, by its number."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=II520s")
    number: int
    vlans: Vlans

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.number, 0, self.vlans.pack())

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        number, _, vlans = cls.FORMAT.unpack_from(data)
        return cls(number, Vlans.unpack(vlans))


@dataclass(frozen=True, slots=True)
class PortMtu(_Payload):
    """Another MTU of a port, by its number; 0: none is checked."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=2I")
    number: int
    mtu: int

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.number, self.mtu)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*cls.FORMAT.unpack_from(data))


@dataclass(frozen=True, slots=True)
class Beat(_Payload):
    """That a switch lives: the turns that its poll thread has begun, and whether it sleeps."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=Q2I")
    turns: int
    asleep: bool = False

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.turns, self.asleep, 0)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        turns, asleep, _ = cls.FORMAT.unpack_from(data)
        return cls(turns, bool(asleep))


@dataclass(frozen=True, slots=True)
class Mac(_Payload):
    """A station that NORMAL knows: where it is, and for how many seconds it has been silent."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=6sHII")
    mac: bytes
    vlan: int
    port: int
    age: float

    @classmethod
    def unpack_all(cls, data: bytes) -> list[Self]:
        """The stations in the payload of a MACS event."""
        found = cls.FORMAT.iter_unpack(data)
        return [cls(mac, vlan, port, age_ms / 1000) for mac, vlan, port, age_ms in found]


@dataclass(frozen=True, slots=True)
class QueueSpec(_Payload):
    """A port's queue: 'max_rate' bits a second leave (0: all), 'max_packets' wait (0: 1,000)."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=IIQII")
    port: int
    queue: int
    max_rate: int = 0
    max_packets: int = 0

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.port, self.queue, self.max_rate, self.max_packets, 0)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*cls.FORMAT.unpack_from(data)[:4])


@dataclass(frozen=True, slots=True)
class SessionSpec(_Payload):
    """What an OpenFlow session is sent unasked: bit n of a mask is reason n."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=4I")
    version: int
    wants_packet_in: int
    wants_flow_removed: int
    miss_send_len: int = 128

    def pack(self) -> bytes:
        return self.FORMAT.pack(
            self.version, self.wants_packet_in, self.wants_flow_removed, self.miss_send_len
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*cls.FORMAT.unpack_from(data))


@dataclass(frozen=True, slots=True)
class Transaction(_Payload):
    """The head of an ATOMIC command; whole flow-mods follow it."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct("=II")
    number: int
    steps: Steps = Steps.NONE

    def pack(self) -> bytes:
        return self.FORMAT.pack(self.number, self.steps)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        number, steps = cls.FORMAT.unpack_from(data)
        return cls(number, Steps(steps))


@dataclass(frozen=True, slots=True)
class PortCounters(_Payload):
    """Counters of a port: packets, bytes, packets lost by reason, nanoseconds since it came."""

    FORMAT: ClassVar[struct.Struct] = struct.Struct(f"=II6Q{len(DROPS)}QQ")
    number: int
    kind: int
    rx_packets: int
    tx_packets: int
    rx_bytes: int
    tx_bytes: int
    rx_errors: int
    tx_errors: int
    drops: dict[str, int]
    age_ns: int

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        number, kind, rx, tx, rx_bytes, tx_bytes, rx_errors, tx_errors, *rest = (
            cls.FORMAT.unpack_from(data)
        )
        drops = dict(zip(DROPS, rest, strict=False))
        return cls(
            number, kind, rx, tx, rx_bytes, tx_bytes, rx_errors, tx_errors, drops, rest[-1]
        )  # fmt: skip


class TraceKind(IntEnum):
    """What a step of a trace is; see vs_trace_kind."""

    RULE = 1
    MISS = 2
    ACTIONS = 3
    OUTPUT = 4
    CONTROLLER = 5
    DROP = 6
    NORMAL = 7
    GROUP = 8
    METER = 9
    COPY = 10
    AGAIN = 11
    QUEUE = 12
    VLAN = 13


@dataclass(frozen=True, slots=True)
class TraceRule:
    """A rule that a traced packet hit: an ofp_match and instructions as OpenFlow 1.3 bytes."""

    cookie: int
    priority: int
    table: int
    match: bytes
    instructions: bytes


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of a packet's life; 'number' and 'body' as vs_trace_kind says."""

    kind: TraceKind
    number: int
    body: bytes

    _RULE: ClassVar[struct.Struct] = struct.Struct("=QHHHBB")

    def rule(self) -> TraceRule:
        """The body of a RULE step."""
        cookie, priority, match, instructions, table, _ = self._RULE.unpack_from(self.body)
        at = self._RULE.size
        return TraceRule(
            cookie,
            priority,
            table,
            self.body[at : at + match],
            self.body[at + match : at + match + instructions],
        )


_STEP = struct.Struct("=IIII")


def trace_steps(payload: bytes) -> Iterator[TraceStep]:
    """The steps in the payload of a TRACE event."""
    at = 0
    while at + _STEP.size <= len(payload):
        size, kind, number, length = _STEP.unpack_from(payload, at)
        body = payload[at + _STEP.size : at + _STEP.size + length]
        yield TraceStep(TraceKind(kind), number, body)
        if size < _STEP.size:
            raise ValueError(f"a trace step of {size} bytes is shorter than its header")
        at += size


def trace_request(in_port: int, packet: bytes) -> bytes:
    """The payload of a TRACE command."""
    return struct.pack("=II", in_port, len(packet)) + packet


def _name(text: str) -> bytes:
    data = text.encode()
    if len(data) > 31:
        raise ValueError(f"the name {text!r} is longer than 31 bytes")
    return data


def _path(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise ValueError(f"the path {text!r} is longer than 255 bytes")
    return data


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode(errors="replace")
