"""Messages of a switch in OpenFlow 1.0 and 1.3, made by hand, and where their lengths stand.

Every `Point` is one length inside one good message, with the least that it may say.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A two-byte length at `at` of `message`, in which no less than `least` makes sense."""

    name: str
    message: bytes
    at: int
    least: int

    @property
    def length(self) -> int:
        return int.from_bytes(self.message[self.at : self.at + 2], "big")

    def saying(self, length: int) -> bytes:
        """The message with another length."""
        return self.message[: self.at] + struct.pack("!H", length) + self.message[self.at + 2 :]


def message(version: int, kind: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", version, kind, 8 + len(body), 7) + body


def multipart(kind: int, body: bytes) -> bytes:
    return message(4, 19, struct.pack("!HH4x", kind, 0) + body)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


IN_PORT = struct.pack("!HBBI", 0x8000, 0, 4, 1)
ETH_DST = struct.pack("!HBB6s", 0x8000, 3 << 1, 6, b"\2\0\0\0\0\1")
MATCH = padded(struct.pack("!HH", 1, 4 + len(IN_PORT + ETH_DST)) + IN_PORT + ETH_DST)
OUTPUT = struct.pack("!HHIH6x", 0, 16, 2, 0xFFFF)
SET_FIELD = struct.pack("!HH", 25, 16) + padded(ETH_DST)[:12]
PUSH_VLAN = struct.pack("!HHH2x", 17, 8, 0x8100)
ACTIONS = OUTPUT + SET_FIELD + PUSH_VLAN
APPLY = struct.pack("!HH4x", 4, 8 + len(ACTIONS)) + ACTIONS
METADATA = struct.pack("!HH4xQQ", 2, 24, 1, 1)
GOTO = struct.pack("!HHB3x", 1, 8, 3)


def flow(match: bytes = MATCH, instructions: bytes = APPLY + METADATA + GOTO) -> bytes:
    """One entry of flow statistics: 48 bytes, a match, instructions."""
    length = 48 + len(match) + len(instructions)
    head = struct.pack("!HBxIIHHHH4xQQQ", length, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    return head + match + instructions


FLOW = flow()
FLOWS = multipart(1, FLOW * 2)
BUCKET = struct.pack("!HHII4x", 16 + len(ACTIONS), 1, 0, 0) + ACTIONS
GROUP = struct.pack("!HBxI", 8 + 2 * len(BUCKET), 0, 1) + BUCKET * 2
GROUPS = multipart(7, GROUP * 2)
GROUP_STATS = multipart(6, struct.pack("!H2xII4xQQII", 56, 1, 2, 3, 4, 5, 6) + bytes(16))
METER_STATS = multipart(9, struct.pack("!IH6xIQQII", 1, 56, 2, 3, 4, 5, 6) + bytes(16))
BAND = struct.pack("!HHII4x", 1, 16, 1000, 10)
METERS = multipart(10, struct.pack("!HHI", 8 + 2 * len(BAND), 1, 1) + BAND * 2)
IDS = struct.pack("!HHHH", 1, 4, 4, 4)
INSTRUCTION_IDS = padded(struct.pack("!HH", 0, 4 + len(IDS)) + IDS)
ACTION_IDS = padded(struct.pack("!HH", 4, 4 + len(IDS)) + IDS)
NEXT_TABLES = padded(struct.pack("!HH2B", 2, 6, 1, 2))
OXM_IDS = padded(struct.pack("!HHII", 8, 12, 0x80000004, 0x80000606))
PROPERTIES = INSTRUCTION_IDS + NEXT_TABLES + ACTION_IDS + OXM_IDS
TABLES = multipart(
    12, struct.pack("!HB5x32sQQII", 64 + len(PROPERTIES), 0, b"t", 0, 0, 0, 10) + PROPERTIES
)
RATE = struct.pack("!HH4xH6x", 1, 16, 100)
QUEUE = struct.pack("!IIH6x", 1, 1, 16 + len(RATE)) + RATE
QUEUES = message(4, 23, struct.pack("!I4x", 1) + QUEUE * 2)
HELLO = message(4, 0, struct.pack("!HHI", 1, 8, 0x12) + struct.pack("!HH4x", 9, 8))
PACKET_IN = message(4, 10, struct.pack("!IHBBQ", 0xFFFFFFFF, 20, 0, 0, 0) + MATCH + bytes(22))
REMOVED = message(4, 11, struct.pack("!QHBBIIHHQQ", 0, 1, 0, 0, 1, 2, 3, 4, 5, 6) + MATCH)

OUTPUT_10 = struct.pack("!HHHH", 0, 8, 2, 0)
FLOW_10 = struct.pack("!HBx40x", 88 + 8, 0) + bytes(44) + OUTPUT_10
FLOWS_10 = message(1, 17, struct.pack("!HH", 1, 0) + FLOW_10 * 2)
QUEUE_10 = struct.pack("!IH2x", 1, 8 + len(RATE)) + RATE
QUEUES_10 = message(1, 21, struct.pack("!H6x", 1) + QUEUE_10 * 2)

_ENTRY = 16  # where a multipart body begins
_INSTRUCTIONS = _ENTRY + 48 + len(MATCH)
_PROPERTIES = _ENTRY + 64

POINTS = [
    Point("hello element", HELLO, 8 + 2, 4),
    Point("second hello element", HELLO, 16 + 2, 4),
    *(
        Point(f"hello element of version {version}", bytes([version]) + HELLO[1:], 8 + 2, 4)
        for version in (5, 6)
    ),
    Point("packet-in match", PACKET_IN, 8 + 16 + 2, 4),
    Point("flow-removed match", REMOVED, 8 + 40 + 2, 4),
    Point("flow", FLOWS, _ENTRY, 56),
    Point("last flow", FLOWS, _ENTRY + len(FLOW), 56),
    Point("flow's match", FLOWS, _ENTRY + 48 + 2, 4),
    Point("apply-actions", FLOWS, _INSTRUCTIONS + 2, 8),
    Point("write-metadata", FLOWS, _INSTRUCTIONS + len(APPLY) + 2, 24),
    Point("goto-table", FLOWS, _INSTRUCTIONS + len(APPLY + METADATA) + 2, 8),
    Point("flow's output", FLOWS, _INSTRUCTIONS + 8 + 2, 16),
    Point("flow's set-field", FLOWS, _INSTRUCTIONS + 8 + len(OUTPUT) + 2, 16),
    Point("flow's last action", FLOWS, _INSTRUCTIONS + 8 + len(OUTPUT + SET_FIELD) + 2, 8),
    Point("group statistics", GROUP_STATS, _ENTRY, 40),
    Point("group", GROUPS, _ENTRY, 8),
    Point("last group", GROUPS, _ENTRY + len(GROUP), 8),
    Point("bucket", GROUPS, _ENTRY + 8, 16),
    Point("last bucket", GROUPS, _ENTRY + 8 + len(BUCKET), 16),
    Point("bucket's action", GROUPS, _ENTRY + 8 + 16 + 2, 16),
    Point("meter statistics", METER_STATS, _ENTRY + 4, 40),
    Point("meter", METERS, _ENTRY, 8),
    Point("band", METERS, _ENTRY + 8 + 2, 12),
    Point("last band", METERS, _ENTRY + 8 + len(BAND) + 2, 12),
    Point("table", TABLES, _ENTRY, 64),
    Point("instructions of a table", TABLES, _PROPERTIES + 2, 4),
    Point("one instruction of a table", TABLES, _PROPERTIES + 4 + 2, 4),
    Point("next tables", TABLES, _PROPERTIES + len(INSTRUCTION_IDS) + 2, 4),
    Point("actions of a table", TABLES, _PROPERTIES + len(INSTRUCTION_IDS + NEXT_TABLES) + 2, 4),
    Point("fields of a table", TABLES, len(TABLES) - len(OXM_IDS) + 2, 4),
    Point("queue", QUEUES, 8 + 8 + 8, 16),
    Point("last queue", QUEUES, 8 + 8 + len(QUEUE) + 8, 16),
    Point("queue's property", QUEUES, 8 + 8 + 16 + 2, 8),
    Point("1.0 flow", FLOWS_10, 8 + 4, 88),
    Point("1.0 action", FLOWS_10, 8 + 4 + 88 + 2, 8),
    Point("1.0 queue", QUEUES_10, 8 + 8 + 4, 8),
    Point("1.0 queue's property", QUEUES_10, 8 + 8 + 8 + 2, 8),
]

GOOD = {point.message for point in POINTS}
