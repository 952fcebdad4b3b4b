"""OpenFlow messages cut out of a byte stream by their headers alone.

Hot messages go to the forwarder as they came, so runs of them are kept together: the reader
yields either one run of whole hot messages or one rare message.  Nothing but the 8 bytes of
a header (1.3.5, 7.1) and a multipart's type is looked at.  Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("!BBHI")
HEADER_SIZE = 8
MULTIPART = struct.Struct("!8xHH4x")
"""A multipart message's type and flags, behind the header (7.3.5)."""

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER = range(5)
PACKET_IN, FLOW_REMOVED, PORT_STATUS, PACKET_OUT, FLOW_MOD, GROUP_MOD, PORT_MOD = range(10, 17)
TABLE_MOD, MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = range(17, 22)
METER_MOD = 29

HOT = frozenset({FLOW_MOD, PACKET_OUT, GROUP_MOD, METER_MOD, BARRIER_REQUEST})
"""Message types that the forwarder decodes."""

HOT_MULTIPARTS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 10})
"""Statistics of flows (1, 2), tables, ports, queues and groups, descriptions of groups (7),
statistics and configuration of meters (9, 10): likewise (1.3.5, 7.3.5)."""

MORE = 1
"""The flag of a multipart message that goes on in another one."""

RUN_MAX = 65536
"""Bytes in one run: one frame to the forwarder."""

QUESTIONS_MAX = 4
"""Hot multipart requests of a session on their way: each may have a whole table for an answer."""

RX_MAX = 1 << 20
"""Bytes a session may hold unread (HARDENING S7)."""


class Broken(Exception):
    """The stream can't be cut into messages any more (HARDENING S2)."""


@dataclass(frozen=True, slots=True)
class Run:
    """Whole hot messages; 'barriers' of them are barrier requests, 'questions' multiparts."""

    data: bytes
    barriers: int
    questions: int


@dataclass(frozen=True, slots=True)
class Rare:
    """One message that the agent answers itself."""

    version: int
    type: int
    xid: int
    data: bytes


def count_answers(data: bytes) -> tuple[int, int]:
    """Barrier replies, and ends of answers to multipart requests, among the forwarder's whole
    messages in 'data'."""
    barriers = questions = at = 0
    while at + HEADER_SIZE <= len(data):
        _, kind, length, _ = HEADER.unpack_from(data, at)
        barriers += kind == BARRIER_REPLY
        questions += _ends_answer(kind, data[at : at + QUOTE + HEADER_SIZE])
        at += max(length, HEADER_SIZE)
    return barriers, questions


def _ends_answer(kind: int, head: bytes) -> bool:
    """The last part of an answer, or an error that quotes the question."""
    if kind == MULTIPART_REPLY and len(head) >= MULTIPART.size:
        return not MULTIPART.unpack_from(head)[1] & MORE
    return kind == ERROR and len(head) > QUOTE + 1 and head[QUOTE + 1] == MULTIPART_REQUEST


QUOTE = HEADER_SIZE + 4
"""Where in an error the message at fault begins."""


class Reader:
    """A stream's unread bytes.  'version' 0: nothing is hot yet, the peers have not agreed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.version = 0

    def feed(self, data: bytes) -> None:
        """Adds what came.  Broken if more than RX_MAX bytes wait."""
        self._buffer += data
        if len(self._buffer) > RX_MAX:
            raise Broken(f"more than {RX_MAX} bytes wait to be handled")

    @property
    def waiting(self) -> bool:
        """A whole message is there."""
        return self._header(0) is not None

    def next(
        self, writable: bool, rare: bool = True, questions: int = QUESTIONS_MAX
    ) -> Run | Rare | None:
        """The next run or rare message, or None until more bytes come.

        'writable': the peer may change things; if not, what would change them is rare, so
        that the agent can refuse it.  'rare': rare messages may be handled now; if not they
        stay where they are.  'questions': how many hot multiparts may be sent on; further ones
        stay likewise.  Broken at a length below 8.
        """
        end = barriers = asked = 0
        while end < RUN_MAX and (header := self._header(end)):
            version, kind, length, xid = header
            if not self._hot(version, kind, end, length, writable):
                if end:
                    break
                return self._rare(version, kind, length, xid) if rare else None
            if end + length > RUN_MAX and end:
                break
            if kind == MULTIPART_REQUEST and asked == questions:
                break
            end += length
            barriers += kind == BARRIER_REQUEST
            asked += kind == MULTIPART_REQUEST
        return self._run(end, barriers, asked) if end else None

    def _header(self, at: int) -> tuple[int, int, int, int] | None:
        """The header of a message that is there as a whole."""
        waiting = len(self._buffer) - at
        if waiting < HEADER_SIZE:
            return None
        version, kind, length, xid = HEADER.unpack_from(self._buffer, at)
        if length < HEADER_SIZE:
            raise Broken(f"a message says it has {length} bytes, less than its own header")
        return (version, kind, length, xid) if length <= waiting else None

    def _hot(self, version: int, kind: int, at: int, length: int, writable: bool) -> bool:
        if version != self.version:
            return False
        if kind == MULTIPART_REQUEST:
            return length >= MULTIPART.size and self._hot_multipart(at)
        return kind in HOT and (writable or kind == BARRIER_REQUEST)

    def _hot_multipart(self, at: int) -> bool:
        """Whole requests for what the forwarder counts; parts of one are put together first."""
        asked, flags = MULTIPART.unpack_from(self._buffer, at)
        return asked in HOT_MULTIPARTS and not flags & MORE

    def _rare(self, version: int, kind: int, length: int, xid: int) -> Rare:
        return Rare(version, kind, xid, self._take(length))

    def _run(self, end: int, barriers: int, questions: int) -> Run:
        return Run(self._take(end), barriers, questions)

    def _take(self, size: int) -> bytes:
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return data
