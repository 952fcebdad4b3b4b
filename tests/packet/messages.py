"""OpenFlow 1.3 messages that packet tests send and read, made with struct alone."""

from __future__ import annotations

import struct
from typing import NamedTuple

from datapath.action import Action
from datapath.of13.action import pack_actions
from datapath.oxm import Match
from datapath.ports import Reserved
from datapath.switch import Switch

ANY, EVERY_TABLE = 0xFFFFFFFF, 0xFF
PACKET_IN, FLOW_REMOVED, PACKET_OUT, MULTIPART, BARRIER = 10, 11, 13, 18, 20
FLOW, AGGREGATE, TABLE, PORT = 1, 2, 3, 4


def message(kind: int, body: bytes = b"", xid: int = 0, version: int = 4) -> bytes:
    return struct.pack("!BBHI", version, kind, 8 + len(body), xid) + body


def packet_out(
    actions: tuple[Action, ...], frame: bytes, in_port: int = Reserved.CONTROLLER
) -> bytes:
    packed = pack_actions(actions)
    return message(PACKET_OUT, struct.pack("!IIH6x", ANY, in_port, len(packed)) + packed + frame)


def statistics(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    return message(MULTIPART, struct.pack("!HH4x", kind, flags) + body)


def selection(match: Match, table: int = EVERY_TABLE, out_port: int = ANY,
              cookie: int = 0, cookie_mask: int = 0) -> bytes:  # fmt: skip
    """The body of a flow or aggregate statistics request."""
    head = struct.pack("!B3xII4xQQ", table, out_port, ANY, cookie, cookie_mask)
    return head + match.pack()


class FlowRemoved(NamedTuple):
    cookie: int
    priority: int
    reason: int
    table: int
    seconds: int
    nanoseconds: int
    idle: int
    hard: int
    packets: int
    bytes: int


def read_flow_removed(data: bytes) -> FlowRemoved:
    return FlowRemoved(*struct.unpack_from("!QHBBIIHHQQ", data, 8))


class Totals(NamedTuple):
    packets: int
    bytes: int
    flows: int


def aggregate(switch: Switch, **narrowed: int) -> Totals:
    reply = switch.openflow(statistics(AGGREGATE, selection(Match(), **narrowed)))
    return Totals(*struct.unpack_from("!QQI", reply[0], 16))


class TableCount(NamedTuple):
    table: int
    rules: int
    lookups: int
    matched: int


def table_counts(switch: Switch) -> dict[int, TableCount]:
    """Tables that hold or have seen something."""
    reply = b"".join(m[16:] for m in switch.openflow(statistics(TABLE)))
    counts = (TableCount(*one) for one in struct.iter_unpack("!B3xIQQ", reply))
    return {count.table: count for count in counts if any(count[1:])}
