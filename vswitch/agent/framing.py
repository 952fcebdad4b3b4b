"""OpenFlow messages cut out of a byte stream by their headers alone.

Hot messages go to the forwarder as they came, so runs of them are kept together: the reader
yields either one run of whole hot messages or one rare message.  Nothing but the 8 bytes of
a header (1.3.5, 7.1) and a multipart's type is looked at.  Which messages are hot is in `hot`.
Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from vswitch.agent.hot import HOT, NONE, Hot

HEADER = struct.Struct("!BBHI")
HEADER_SIZE = 8

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = range(4)
"""Message types that every version has."""

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


def count_answers(data: bytes, hot: Hot) -> tuple[int, int]:
    """Barrier replies, and ends of answers to multipart requests, among the forwarder's whole
    messages in 'data', in a version's numbers."""
    barriers = questions = at = 0
    while at + HEADER_SIZE <= len(data):
        _, kind, length, _ = HEADER.unpack_from(data, at)
        barriers += kind == hot.barrier_reply
        questions += _ends_answer(hot, kind, data[at : at + QUOTE + HEADER_SIZE])
        at += max(length, HEADER_SIZE)
    return barriers, questions


def _ends_answer(hot: Hot, kind: int, head: bytes) -> bool:
    """The last part of an answer, or an error that quotes the question."""
    if kind == hot.multipart_reply and len(head) >= HEADER_SIZE + hot.multipart_head.size:
        return not hot.multipart_head.unpack_from(head, HEADER_SIZE)[1] & MORE
    return kind == ERROR and len(head) > QUOTE + 1 and head[QUOTE + 1] == hot.multipart_request


QUOTE = HEADER_SIZE + 4
"""Where in an error the message at fault begins."""


class RunReader:
    """A stream's unread bytes.  Until the peers have agreed on a version nothing is hot."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._version, self._hot = 0, NONE

    def agree(self, version: int) -> None:
        """From now on, messages of that version may be hot."""
        self._version, self._hot = version, HOT[version]

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
        hot = self._hot
        end = barriers = asked = 0
        while end < RUN_MAX and (header := self._header(end)):
            version, kind, length, xid = header
            if not self._is_hot(version, kind, end, length, writable):
                if end:
                    break
                return self._rare(version, kind, length, xid) if rare else None
            if end + length > RUN_MAX and end:
                break
            if kind == hot.multipart_request and asked == questions:
                break
            end += length
            barriers += kind == hot.barrier_request
            asked += kind == hot.multipart_request
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

    def _is_hot(self, version: int, kind: int, at: int, length: int, writable: bool) -> bool:
        hot = self._hot
        if version != self._version:
            return False
        if kind in hot.changes:
            return writable
        if kind == hot.multipart_request:
            return length >= HEADER_SIZE + hot.multipart_head.size and self._is_question(at)
        return kind == hot.barrier_request

    def _is_question(self, at: int) -> bool:
        """Whole requests for what the forwarder counts; parts of one are put together first."""
        asked, flags = self._hot.multipart_head.unpack_from(self._buffer, at + HEADER_SIZE)
        return asked in self._hot.questions and not flags & MORE

    def _rare(self, version: int, kind: int, length: int, xid: int) -> Rare:
        return Rare(version, kind, xid, self._take(length))

    def _run(self, end: int, barriers: int, questions: int) -> Run:
        return Run(self._take(end), barriers, questions)

    def _take(self, size: int) -> bytes:
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return data
