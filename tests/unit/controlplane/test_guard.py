"""What the guard lets through to os-ken's parsers, and that those then end."""

from __future__ import annotations

import signal
import time
from types import SimpleNamespace
from typing import Any

import os_ken.base.app_manager  # the first of os-ken, always
import pytest
from os_ken.ofproto import ofproto_parser, ofproto_protocol

from controlplane import guard
from controlplane.guard import HANDSHAKE, guarded
from controlplane.lengths import complaint
from tests.unit.controlplane.replies import FLOWS, HELLO, PACKET_IN, POINTS, Point

VERSIONS = (1, 3, 4, 5, 6)


class Connection:
    """What the guard sees of os-ken's connection object."""

    address = "here"

    def __init__(self, state: str = "main", version: int = 4) -> None:
        self.state = state
        self.ofproto = SimpleNamespace(OFP_VERSION=version)
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def give(connection: Connection, message: bytes, parse: Any = None, limit_s: float = 0.2) -> Any:
    """One message through the guard; the parser just hands the bytes back."""
    bounded = guarded(parse or (lambda *seen: seen[-1]), VERSIONS, limit_s)
    return bounded(connection, message[0], message[1], len(message), 1, message)


def test_a_good_message_reaches_the_parser() -> None:
    connection = Connection()
    assert give(connection, FLOWS) == FLOWS
    assert not connection.is_closed


@pytest.mark.parametrize("point", POINTS, ids=lambda p: p.name.replace(" ", "_"))
def test_s1_a_bad_length_closes_the_connection_unparsed(point: Point) -> None:
    connection = Connection(version=point.message[0])
    assert give(connection, point.saying(0)) is None
    assert connection.is_closed


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\5" + PACKET_IN[1:], "version 5 where 4 was agreed"),
        (b"\x09" + HELLO[1:], "version 9 of OpenFlow is none that os-ken knows"),
        (b"\4\x0e\0\x08\0\0\0\0", "message type 14 is none that a switch sends"),
    ],
)
def test_a_message_out_of_place_is_told_and_closes(
    message: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection()
    assert give(connection, message) is None
    assert connection.is_closed
    assert caplog.messages == [f"switch here closed: {why}"]


def test_before_hello_comes_nothing_else() -> None:
    early = Connection(HANDSHAKE)
    assert give(early, PACKET_IN) is None
    assert early.is_closed
    assert give(Connection(HANDSHAKE), HELLO) == HELLO


def test_a_parse_that_does_not_end_is_broken_off() -> None:
    def spins(*_: Any) -> Any:
        try:
            while True:
                pass
        except:  # noqa: E722  (so does os-ken)
            return None

    before = signal.signal(signal.SIGVTALRM, guard._expired)
    try:
        connection = Connection()
        assert give(connection, FLOWS, spins, limit_s=0.02) is None
        assert connection.is_closed
    finally:
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("point", POINTS, ids=lambda p: p.name.replace(" ", "_"))
def test_s1_what_passes_the_walk_does_not_hang_os_ken(point: Point) -> None:
    lengths = {point.least, point.length, point.length + 1, point.length + 8, len(point.message)}
    for length in lengths:
        message = point.saying(length)
        if complaint(message) is None:
            began = time.process_time()
            parse(message)
            assert time.process_time() - began < 0.1, length


def parse(message: bytes) -> None:
    """os-ken's own parser; what it can't read it logs."""
    datapath = ofproto_protocol.ProtocolDesc(message[0])
    header = (message[0], message[1], len(message), 1)
    ofproto_parser.msg(datapath, *header, bytearray(message))


assert os_ken.base.app_manager
