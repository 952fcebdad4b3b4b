"""A bare OpenFlow 1.3 controller on a socket: no more work than the wire asks for.

It is the same for both switches, so what it costs makes their ratio smaller, never larger.
"""

import socket
import struct
import time
from typing import Self

HEADER = struct.Struct("!BBHI")
(HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY) = range(4)
SET_CONFIG, PACKET_IN, FLOW_MOD, BARRIER_REQUEST, BARRIER_REPLY = 9, 10, 14, 20, 21
ADD, DELETE = 0, 3
PATIENCE_S = 120.0
READ = 1 << 18


def message(type: int, body: bytes = b"", xid: int = 0) -> bytes:
    """A whole message of OpenFlow 1.3."""
    return HEADER.pack(4, type, HEADER.size + len(body), xid) + body


def _oxm(field: int, value: bytes) -> bytes:
    return struct.pack("!HBB", 0x8000, field << 1, len(value)) + value


def _flow_mod(command: int, priority: int, oxms: bytes, instructions: bytes) -> bytes:
    """In table 0 with an ofp_match around 'oxms' (1.3.5, 7.3.4.1)."""
    size = 4 + len(oxms)
    match = struct.pack("!HH", 1, size) + oxms + bytes(-size % 8)
    anything = 0xFFFFFFFF
    head = (0, 0, 0, command, 0, 0, priority, anything, anything, anything, 0)
    return message(FLOW_MOD, struct.pack("!QQBBHHHIIIH2x", *head) + match + instructions)


def _output(port: int, max_len: int = 0xFFFF) -> bytes:
    """Apply-actions with one output (7.2.4, 7.2.5)."""
    return struct.pack("!HH4x", 4, 24) + struct.pack("!HHIH6x", 0, 16, port, max_len)


def rule(number: int) -> bytes:
    """A flow-mod that adds a TCP rule of its own for each number."""
    address, port = struct.pack("!I", 0x0A000000 + number), struct.pack("!H", number % 60000)
    oxms = _oxm(5, b"\x08\x00") + _oxm(10, b"\x06") + _oxm(11, address) + _oxm(14, port)
    return _flow_mod(ADD, 100 + number % 7, oxms, _output(2))


ALL_TO_CONTROLLER = _flow_mod(ADD, 0, b"", _output(0xFFFFFFFD))
DELETE_ALL = _flow_mod(DELETE, 0, b"", b"")
BARRIER = message(BARRIER_REQUEST, xid=7)
ECHO = message(ECHO_REQUEST, b"perf", xid=9)
WANT_PACKET_INS = message(SET_CONFIG, struct.pack("!HH", 0, 0xFFFF))


class Controller:
    """Speaks over a connected socket, which it owns.  Hellos have been exchanged."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray()
        self.taken = 0
        """Bytes read so far."""
        sock.settimeout(PATIENCE_S)
        sock.sendall(message(HELLO))
        self.wait_for(HELLO)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def read(self, most: int = READ) -> list[int]:
        """Types of the whole messages that one read brings; echoes are answered."""
        data = self.sock.recv(most)
        if not data:
            raise ConnectionError("the switch hung up")
        self._buffer += data
        self.taken += len(data)
        types, at = [], 0
        while at + HEADER.size <= len(self._buffer):
            _, type, length, xid = HEADER.unpack_from(self._buffer, at)
            if at + length > len(self._buffer):
                break
            if type == ECHO_REQUEST:
                body = bytes(self._buffer[at + HEADER.size : at + length])
                self.sock.sendall(message(ECHO_REPLY, body, xid))
            types.append(type)
            at += length
        del self._buffer[:at]
        return types

    def wait_for(self, type: int) -> list[int]:
        """Reads on until a message of the type came; all types that were read with it."""
        seen: list[int] = []
        while type not in seen:
            seen += self.read()
        if ERROR in seen:
            raise ConnectionError("the switch answered with an error")
        return seen

    def barrier(self, before: bytes = b"") -> float:
        """Sends what goes before, then a barrier; seconds until its reply."""
        began = time.perf_counter()
        self.sock.sendall(before + BARRIER)
        self.wait_for(BARRIER_REPLY)
        return time.perf_counter() - began
