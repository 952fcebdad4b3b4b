"""A whole switch in memory: these rules, this packet in, that packet out.

`Switch` is how packet tests are written, ours and those of people who want to
test their own pipelines.  It drives the same C core with the same frames as
the forwarder process, over memory ports, on the caller's thread, with a clock
that moves only when it is told to:

    with Switch(ports=2) as switch:
        switch.add_flow("in_port=1,tcp,tp_dst=80,actions=output:2")
        out = switch.send(1, "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80")
        assert list(out) == [2]

Rules are text in ovs-ofctl's syntax, `Rule`s, or OpenFlow 1.3 flow-mods;
packets are bytes, hex, or text.  Not thread-safe.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TypeVar

from datapath import frames
from datapath.ffi import Core, CoreStats
from datapath.frames import (
    BridgeSpec,
    Command,
    Done,
    Event,
    Frame,
    PortCounters,
    PortKind,
    PortSpec,
    Steps,
    VlanMode,
)
from datapath.group import ALL_GROUPS, GroupCommand, GroupDesc, GroupStats
from datapath.group_text import parse_group
from datapath.layout import Many
from datapath.meter import ALL_METERS, MeterCommand, MeterConfig, MeterStats
from datapath.meter_text import parse_meter
from datapath.of13.group import GROUP_DESC, GROUP_STATS, group_mod
from datapath.of13.instruction import INSTRUCTIONS
from datapath.of13.meter import METER_CONFIG, METER_STATS, meter_mod
from datapath.of13.rule import flow_mod
from datapath.oxm import Match
from datapath.packet_text import parse_packet
from datapath.rule import Flags, FlowCommand, Rule, parse_rule
from datapath.rule_lines import flow_mods
from datapath.wire import Codec, Reader

BRIDGE = 1
SESSION = 1
EVERY_REASON = 0xFFFFFFFF
TICK_NS = 50_000_000
"""How often the forwarder looks at the clock."""

_HEADER = struct.Struct("!BBHI")
_ERROR, _PACKET_IN, _FLOW_REMOVED, _MULTIPART_REQUEST, _MULTIPART_REPLY = 1, 10, 11, 18, 19
_GROUP_STATS, _GROUP_DESC, _METER_STATS, _METER_CONFIG = 6, 7, 9, 10

T = TypeVar("T")


class OpenFlowRefusal(Exception):
    """The switch answered a message with OFPT_ERROR; 'type' and 'code' as in OpenFlow 1.3."""

    def __init__(self, type: int, code: int, message: bytes) -> None:
        super().__init__(f"OpenFlow error type {type}, code {code}")
        self.type, self.code, self.message = type, code, message


@dataclass(frozen=True, slots=True)
class PacketIn:
    """A packet that went to the controller."""

    in_port: int
    reason: int
    table: int
    cookie: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FlowCount:
    """A rule with its counters, as flow statistics tell them."""

    rule: Rule
    packets: int
    bytes: int
    duration: float


class Switch:
    """One bridge with memory ports 1 to 'ports' (or the given numbers).

    'cache' False makes every packet go through the tables, as an oracle;
    'cache_entries' is its size, a power of two.  'journal' is a descriptor of the journal that
    another switch left (it stays the caller's): what controllers had made there is in this one
    too.  Use as a context manager or call close().
    """

    def __init__(
        self, ports: int | Iterable[int] = 0, *, dpid: int = 1, cache: bool = True,
        cache_entries: int = 0, max_rules: int = 0, max_buffers: int = 0, seed: int = 1,
        journal: int | None = None, now_ns: int = 1_000_000_000,
    ) -> None:  # fmt: skip
        self.now_ns = now_ns
        entries = cache_entries if cache else 1
        self._core = Core(
            self.now_ns, cache_entries=entries, max_rules=max_rules, max_buffers=max_buffers,
            seed=seed,
        )  # fmt: skip
        self._tag = 0
        self._ports: list[int] = []
        self._packet_ins: list[PacketIn] = []
        self._flow_removed: list[bytes] = []
        self.journal = self._greet(journal)
        """A descriptor of what keeps rules, groups and meters; open until close()."""
        self._bridge = BridgeSpec("memory", dpid)
        self._command(Command.BRIDGE_ADD, self._bridge.pack())
        session = frames.SessionSpec(4, EVERY_REASON, EVERY_REASON)
        self._command(Command.SESSION, session.pack(), session=SESSION)
        for number in range(1, ports + 1) if isinstance(ports, int) else ports:
            self.add_port(number)
        if journal is not None:
            self._command(Command.REPLAY)

    def _greet(self, journal: int | None) -> int:
        """Says hello as a daemon does: hands a journal over, gets the switch's own."""
        frame = Frame(Command.HELLO, frames.ForwarderHello(frames.WIRE_VERSION).pack())
        given = -1 if journal is None else os.dup(journal)
        self._core.command(frame.pack(), self.now_ns, given)
        kept = -1
        while (event := self._core.event()) is not None:
            if event[1] >= 0:
                kept = os.dup(event[1])
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Closes every port and frees the switch."""
        self._core.close()
        if self.journal >= 0:
            os.close(self.journal)
            self.journal = -1

    # ---- ports ----

    def add_port(
        self, number: int, *, mtu: int = 0, read_pcap: str = "", write_pcap: str = "",
        write_limit: int = 0, once: bool = False, vlans: frames.Vlans = frames.EVERY_VLAN,
        queues: Iterable[frames.QueueSpec] = (),
    ) -> None:  # fmt: skip
        """A memory port, or with a path (or "counted" by write_limit 0) a pcap port.

        'read_pcap' is replayed from memory for ever (or 'once'); 'write_pcap' gets the
        first 'write_limit' frames.  'vlans' as in `set_vlans`.  Its 'queues' are there before any
        packet.  ValueError or OSError when it can't be.
        """
        pcap = bool(read_pcap or write_pcap)
        kind = PortKind.PCAP if pcap else PortKind.MEM
        flags = frames.PortFlags.ONCE if once else frames.PortFlags.NONE
        mac = b"\x02\0\0" + (number & 0xFFFFFF).to_bytes(3, "big")
        spec = PortSpec(
            number, kind, f"{kind.name.lower()}{number}", mac, mtu=mtu, flags=flags,
            read_path=read_pcap, write_path=write_pcap, write_limit=write_limit, vlans=vlans,
        )  # fmt: skip
        packed = [spec.pack(), *(queue.pack() for queue in queues)]
        self._command(Command.PORT_ADD, b"".join(packed))
        if not pcap:
            self._ports.append(number)

    def add_counting_port(self, number: int) -> None:
        """A port that counts and frees what is sent to it."""
        spec = PortSpec(number, PortKind.PCAP, f"count{number}")
        self._command(Command.PORT_ADD, spec.pack())

    def remove_port(self, number: int) -> None:
        """Takes a port off; what waits to be sent there is lost."""
        self._command(Command.PORT_DEL, frames.PortRef(number).pack())
        self._ports = [port for port in self._ports if port != number]

    def set_port(self, number: int, *, config: int = 0, mask: int = 0, state: int = 0) -> None:
        """New config bits where 'mask' has them, and a state (vs_port_config, vs_port_state)."""
        self._command(Command.PORT_SET, frames.PortRef(number, config, state, mask).pack())

    def set_vlans(
        self, number: int, *, mode: VlanMode = VlanMode.TRUNK, tag: int = 0,
        trunks: Iterable[int] = (),
    ) -> None:  # fmt: skip
        """How NORMAL treats a port's tags: 'tag' of an access port or a native VLAN, and the VLANs
        that a trunk passes (none: all)."""
        vlans = frames.Vlans(mode, tag, frozenset(trunks))
        self._command(Command.PORT_VLANS, frames.PortVlans(number, vlans).pack())

    def set_mtu(self, number: int, mtu: int) -> None:
        """How many bytes behind Ethernet header and tags a frame may have that leaves by a port;
        0: any."""
        self._command(Command.PORT_MTU, frames.PortMtu(number, mtu).pack())

    def set_normal(
        self, *, standalone: int | None = None, mac_age: int | None = None,
        mac_limit: int | None = None, flood_rate: int | None = None,
    ) -> None:  # fmt: skip
        """How NORMAL learns and floods, and whether what no rule is for is switched so, or all
        (a `Standalone`); what is left out stays.  The values are those of `BridgeSpec`."""
        old = self._bridge
        self._bridge = replace(
            old,
            standalone=old.standalone if standalone is None else standalone,
            mac_age=old.mac_age if mac_age is None else mac_age,
            mac_limit=old.mac_limit if mac_limit is None else mac_limit,
            flood_rate=old.flood_rate if flood_rate is None else flood_rate,
        )
        self._command(Command.BRIDGE_ADD, self._bridge.pack())

    def macs(self) -> list[frames.Mac]:
        """The stations that NORMAL knows, by VLAN and address."""
        events = self._command(Command.MACS)
        payloads = [event.payload for event in events if event.type == Event.MACS]
        found = [one for payload in payloads for one in frames.Mac.unpack_all(payload)]
        return sorted(found, key=lambda one: (one.vlan, one.mac))

    def flush_macs(self) -> None:
        """Makes NORMAL forget all stations."""
        self._command(Command.MAC_FLUSH)

    def set_queue(self, port: int, queue: int, *, max_rate: int = 0, max_packets: int = 0) -> None:
        """A port's queue: 'max_rate' bit/s leave (0: all), 'max_packets' wait (0: 1,000)."""
        spec = frames.QueueSpec(port, queue, max_rate, max_packets)
        self._command(Command.QUEUE_SET, spec.pack())

    def remove_queue(self, port: int, queue: int) -> None:
        """Takes a queue away; what waits in it is dropped."""
        self._command(Command.QUEUE_DEL, frames.QueueSpec(port, queue).pack())

    def port_stats(self) -> dict[int, PortCounters]:
        """Counters and drops of every port, exact for all packets sent so far."""
        events = self._command(Command.STATS)
        found = (PortCounters.unpack(e.payload) for e in events if e.type == Event.PORT_STATS)
        return {stats.number: stats for stats in found}

    def drops(self, number: int) -> dict[str, int]:
        """The reasons why packets ended at this port, those that happened."""
        return {name: n for name, n in self.port_stats()[number].drops.items() if n}

    # ---- rules ----

    def add_flow(self, rule: str | Rule | bytes, command: FlowCommand = FlowCommand.ADD) -> None:
        """Carries out one flow-mod; OpenFlowRefusal when the switch says no."""
        self.openflow(_flow_mod(rule, command))

    def add_flows(self, text: str) -> None:
        """Adds every rule of a file's text, all or none; '#' starts a comment."""
        self.atomic(flow_mods(text.splitlines()))

    def delete_flows(self, match: str = "", *, strict: bool = False) -> None:
        """Deletes the flows that 'match' means, in ovs-ofctl's words; 'strict': only the one with
        exactly this match and priority."""
        command = FlowCommand.DELETE_STRICT if strict else FlowCommand.DELETE
        self.add_flow(parse_rule(match, command), command)

    def atomic(self, messages: Iterable[bytes]) -> None:
        """Carries out flow-mods all or nothing, and at once.

        OpenFlowRefusal for one that the switch refuses, OSError when they are more than 64 MiB.
        """
        parts = list(_chunks(messages))
        for i, part in enumerate(parts):
            steps = Steps.BEGIN if i == 0 else Steps.NONE
            steps |= Steps.COMMIT if i == len(parts) - 1 else Steps.NONE
            try:
                self._transaction(steps, part)
            except OSError:
                if not steps & Steps.COMMIT:
                    self._transaction(Steps.ABORT)
                raise

    def _transaction(self, steps: Steps, messages: bytes = b"") -> None:
        head = frames.Transaction(SESSION, steps).pack()
        self._command(Command.ATOMIC, head + messages, session=SESSION)

    def dump_flows(self) -> list[FlowCount]:
        """Every rule with its counters, highest priority first within each table."""
        every = struct.pack("!HH4x", 1, 0) + struct.pack(
            "!B3xII4xQQ", 0xFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0
        )
        reply = self.openflow(_message(18, every + struct.pack("!HH4x", 1, 4)))
        flows = [flow for message in reply for flow in _flow_counts(message)]
        return sorted(flows, key=lambda flow: (flow.rule.table, -flow.rule.priority))

    # ---- groups and meters ----

    def add_group(
        self, group: str | GroupDesc | bytes, command: GroupCommand = GroupCommand.ADD
    ) -> None:
        """Carries out one group-mod; OpenFlowRefusal when the switch says no."""
        if isinstance(group, str):
            group = parse_group(group, command)
        self.openflow(group if isinstance(group, bytes) else group_mod(group, command))

    def mod_group(self, group: str | GroupDesc) -> None:
        """Gives a group another type or other buckets; its counters start again."""
        self.add_group(group, GroupCommand.MODIFY)

    def del_groups(self, which: str = "") -> None:
        """Deletes one group ("group_id=1") or all, with the rules that refer to it."""
        self.add_group(which, GroupCommand.DELETE)

    def dump_groups(self) -> list[GroupDesc]:
        """Every group as it was made, by number."""
        found = self._multipart(_GROUP_DESC, b"", GROUP_DESC)
        return sorted(found, key=lambda group: group.group)

    def group_stats(self) -> dict[int, GroupStats]:
        """Every group's counters, by number; exact for all packets sent so far."""
        asked = struct.pack("!I4x", ALL_GROUPS)
        return {stats.group: stats for stats in self._multipart(_GROUP_STATS, asked, GROUP_STATS)}

    def add_meter(
        self, meter: str | MeterConfig | bytes, command: MeterCommand = MeterCommand.ADD
    ) -> None:
        """Carries out one meter-mod; OpenFlowRefusal when the switch says no."""
        if isinstance(meter, str):
            meter = parse_meter(meter, command)
        self.openflow(meter if isinstance(meter, bytes) else meter_mod(meter, command))

    def mod_meter(self, meter: str | MeterConfig) -> None:
        """Gives a meter other flags and bands."""
        self.add_meter(meter, MeterCommand.MODIFY)

    def del_meters(self, which: str = "") -> None:
        """Deletes one meter ("meter=1") or all, with the rules that use it."""
        self.add_meter(which, MeterCommand.DELETE)

    def dump_meters(self) -> list[MeterConfig]:
        """Every meter as it was made, by number."""
        found = self._multipart(_METER_CONFIG, struct.pack("!I4x", ALL_METERS), METER_CONFIG)
        return sorted(found, key=lambda meter: meter.meter)

    def meter_stats(self) -> dict[int, MeterStats]:
        """Every meter's counters, by number; exact for all packets sent so far."""
        asked = struct.pack("!I4x", ALL_METERS)
        return {stats.meter: stats for stats in self._multipart(_METER_STATS, asked, METER_STATS)}

    # ---- packets and time ----

    def send(self, in_port: int, packet: bytes | str) -> dict[int, list[bytes]]:
        """One packet in; the frames that left, by port (ports without any are left out)."""
        self.offer(in_port, packet)
        return self.poll()

    def offer(self, in_port: int, packet: bytes | str) -> None:
        """One packet into a port's queue, for poll() to move; OSError when 4,096 wait there, or as
        many as may of all buffers."""
        self._core.mem_send(BRIDGE, in_port, _frame_bytes(packet, in_port))

    def poll(self) -> dict[int, list[bytes]]:
        """Turns until nothing moves; what left by memory ports."""
        while self._core.poll(self.now_ns):
            pass
        self._tick()
        return self.received()

    def received(self) -> dict[int, list[bytes]]:
        """Frames that left by memory ports since the last look, by port."""
        out: dict[int, list[bytes]] = {}
        for port in self._ports:
            while (frame := self._core.mem_receive(BRIDGE, port)) is not None:
                out.setdefault(port, []).append(frame)
        return out

    def advance(self, seconds: float) -> None:
        """Moves the clock as a running switch would see it go by, tick by tick."""
        end = self.now_ns + round(seconds * 1e9)
        while self.now_ns < end:
            self.now_ns = min(end, self.now_ns + TICK_NS)
            self._tick()

    def packet_ins(self) -> list[PacketIn]:
        """What went to the controller since the last look."""
        found, self._packet_ins = self._packet_ins, []
        return found

    def flow_removed(self) -> list[bytes]:
        """OFPT_FLOW_REMOVED messages since the last look."""
        found, self._flow_removed = self._flow_removed, []
        return found

    def trace(self, packet: bytes | str, in_port: int | None = None) -> list[frames.TraceStep]:
        """The life of an imaginary packet, step by step; nothing is counted or sent."""
        if isinstance(packet, str):
            parsed = parse_packet(packet, in_port)
            packet, in_port = parsed.frame, parsed.in_port
        assert in_port is not None, "bytes need the port they come from"
        events = self._command(Command.TRACE, frames.trace_request(in_port, packet))
        return [
            step
            for event in events
            if event.type == Event.TRACE
            for step in frames.trace_steps(event.payload)
        ]

    # ---- underneath ----

    def openflow(self, messages: bytes) -> list[bytes]:
        """Sends whole OpenFlow messages; the replies, except what goes unasked.

        OpenFlowRefusal at the first error among them.
        """
        self._send(Command.OPENFLOW, messages, session=SESSION)
        replies = [m for e in self._events() for m in self._sorted(e)]
        for message in replies:
            if message[1] == _ERROR:
                raise _refusal(message)
        return replies

    def _multipart(self, kind: int, body: bytes, item: Codec[T]) -> list[T]:
        """Asks for statistics of one kind; the items of all parts of the answer."""
        asked = _message(_MULTIPART_REQUEST, struct.pack("!HH4x", kind, 0) + body)
        items = Many(item)
        return [one for part in self.openflow(asked) for one in items.unpack(Reader(part[16:]))]

    def stats(self) -> CoreStats:
        """Counters of the cache, rules and lost messages, over the switch's whole life."""
        return self._core.stats()

    def run(self, seconds: float) -> float:
        """Polls for that long by the real clock; CPU seconds used.  For measuring."""
        return self._core.run(round(seconds * 1e9)) / 1e9

    def _send(self, command: Command, payload: bytes = b"", session: int = 0, fd: int = -1) -> int:
        """'fd' goes along and is the switch's from here on."""
        self._tag += 1
        frame = Frame(command, payload, BRIDGE, session, self._tag)
        self._core.command(frame.pack(), self.now_ns, fd)
        return self._tag

    def _command(
        self, command: Command, payload: bytes = b"", session: int = 0, fd: int = -1
    ) -> list[Frame]:
        """The events that answer a command, without its DONE; raises what DONE says."""
        tag = self._send(command, payload, session, fd)
        answers: list[Frame] = []
        refusals: list[bytes] = []
        done = Done()
        for event in self._events():
            if event.type == Event.DONE and event.tag == tag:
                done = Done.unpack(event.payload)
            answers.append(event)
            refusals += [m for m in self._sorted(event) if m[1] == _ERROR]
        if refusals:
            raise _refusal(refusals[0])
        if done.error:
            raise OSError(-done.error, done.text or os.strerror(-done.error))
        return answers

    def _tick(self) -> None:
        """What time asks for, until there is nothing more to tell: it is told in portions."""
        told = True
        while told:
            self._core.tick(self.now_ns)
            told = False
            for event in self._events():
                self._sorted(event)
                told = True

    def _events(self) -> Iterator[Frame]:
        while (event := self._core.event()) is not None:
            yield Frame.unpack(event[0])

    def _sorted(self, event: Frame) -> list[bytes]:
        """Keeps packet-ins and flow-removed of an event; returns its other messages."""
        if event.type != Event.OPENFLOW:
            return []
        replies = []
        for message in _split(event.payload):
            if message[1] == _PACKET_IN:
                self._packet_ins.append(_packet_in(message))
            elif message[1] == _FLOW_REMOVED:
                self._flow_removed.append(message)
            else:
                replies.append(message)
        return replies


def _refusal(message: bytes) -> OpenFlowRefusal:
    kind, code = struct.unpack_from("!HH", message, 8)
    return OpenFlowRefusal(kind, code, message)


def _message(kind: int, body: bytes) -> bytes:
    return _HEADER.pack(4, kind, _HEADER.size + len(body), 0) + body


def _split(messages: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(messages):
        size = _HEADER.unpack_from(messages, at)[2]
        yield messages[at : at + size]
        at += size


def _flow_mod(rule: str | Rule | bytes, command: FlowCommand) -> bytes:
    if isinstance(rule, bytes):
        return rule
    return flow_mod(parse_rule(rule, command) if isinstance(rule, str) else rule, command)


def _chunks(messages: Iterable[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for message in messages:
        if size + len(message) > 65536:
            yield b"".join(chunk)
            chunk, size = [], 0
        chunk.append(message)
        size += len(message)
    if chunk:
        yield b"".join(chunk)


def _frame_bytes(packet: bytes | str, in_port: int) -> bytes:
    return packet if isinstance(packet, bytes) else parse_packet(packet, in_port).frame


def _packet_in(message: bytes) -> PacketIn:
    reason, table, cookie = struct.unpack_from("!BBQ", message, 14)
    match_size = struct.unpack_from("!H", message, 26)[0]
    in_port = struct.unpack_from("!I", message, 32)[0]
    data = message[24 + (match_size + 7) // 8 * 8 + 2 :]
    return PacketIn(in_port, reason, table, cookie, data)


_FLOW_STATS = struct.Struct("!HBxIIHHHH4xQQQ")


def _flow_counts(message: bytes) -> Iterator[FlowCount]:
    at = 16
    while at < len(message):
        size, table, sec, nsec, priority, idle, hard, flags, cookie, packets, octets = (
            _FLOW_STATS.unpack_from(message, at)
        )
        reader = Reader(message[at + _FLOW_STATS.size : at + size])
        match = Match.unpack(reader)
        rule = Rule(
            table=table, priority=priority, cookie=cookie, idle_timeout=idle, hard_timeout=hard,
            flags=Flags(flags), match=match, instructions=INSTRUCTIONS.unpack(reader),
        )  # fmt: skip
        yield FlowCount(rule, packets, octets, sec + nsec / 1e9)
        at += size
