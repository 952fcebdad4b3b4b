"""The exchange over real loopback sockets and a forwarder that is a list of frames."""

from __future__ import annotations

import asyncio
import itertools
import stat
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from datapath.frames import Command, Event, Frame, FrameFlags
from tests.unit.agent.test_sessions import BARRIER, BARRIER_REPLY, ECHO, FLOW_MOD, HELLO
from vswitch.agent import connection as connections
from vswitch.agent import exchange as exchanges
from vswitch.agent.agent import Agent
from vswitch.agent.exchange import Exchange
from vswitch.agent.peers import Connector, listen
from vswitch.agent.view import View
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.session import EchoReply, Hello, Role, RoleRequest
from vswitch.openflow.messages.table import TableFeaturesRequest

MULTIPART_REPLY, TABLE_FEATURES, REPLY_MORE = 19, 12, 1
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FakeForwarder:
    """Keeps the frames it is sent."""

    def __init__(self) -> None:
        self.frames: list[tuple[Command, bytes, int]] = []

    def post(
        self, command: Command, payload: bytes = b"", bridge: int = 0, session: int = 0
    ) -> None:
        assert bridge == 5
        self.frames.append((command, payload, session))

    def relayed(self) -> bytes:
        return b"".join(data for command, data, _ in self.frames if command == Command.OPENFLOW)


def run(test: Callable[[Path], Coroutine[Any, Any, None]], folder: Path) -> None:
    asyncio.run(asyncio.wait_for(test(folder), 10))


def exchange(forwarder: FakeForwarder | None) -> Exchange:
    numbers = itertools.count(1)
    made = Exchange(Agent(View("br0", 1), (4,)), 5, lambda: next(numbers))
    if forwarder:
        made.attach(forwarder)
    return made


async def peer(folder: Path) -> Peer:
    """A connection to the listener that has said hello."""
    reader, writer = await asyncio.open_unix_connection(str(folder / "s"))
    await reader.readexactly(16)
    writer.write(HELLO)
    return reader, writer


async def message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(8)
    return head + await reader.readexactly(int.from_bytes(head[2:4]) - 8)


async def until(true: Callable[[], object]) -> None:
    while not true():
        await asyncio.sleep(0)


def test_hot_bytes_reach_the_forwarder_and_answers_come_back(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        forwarder = FakeForwarder()
        ex = exchange(forwarder)
        listener = await listen(ex, f"punix:{folder}/s")
        assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o600
        reader, writer = await peer(folder)
        writer.write(FLOW_MOD + BARRIER + ECHO)
        await until(lambda: forwarder.relayed() == FLOW_MOD + BARRIER)
        ex.from_forwarder(Frame(Event.OPENFLOW, BARRIER_REPLY, 5, 1))
        assert await message(reader) == BARRIER_REPLY
        assert decode(await message(reader)) == EchoReply(b"there?", xid=11)
        writer.close()
        await until(lambda: (Command.SESSION_END, b"", 1) in forwarder.frames)
        listener.close()
        assert not (folder / "s").exists()
        ex.close()

    run(test, tmp_path)


def test_a_peer_that_does_not_read_loses_packet_ins_that_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HARDENING S7."""
    monkeypatch.setattr(connections, "PACKET_INS_MAX", 100_000)
    monkeypatch.setattr(connections, "TX_LIMIT", 400_000)

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen(ex, f"punix:{folder}/s")
        _reader, _writer = await peer(folder)
        connection = next(iter(ex.connections.values()))
        packet_in = encode(EchoReply(bytes(30_000)))
        lossy = Frame(Event.OPENFLOW, packet_in, 5, 1, flags=FrameFlags.LOSSY)
        for _ in range(100):
            ex.from_forwarder(lossy)
        assert connection.dropped >= 80
        for _ in range(20):
            ex.from_forwarder(Frame(Event.OPENFLOW, packet_in, 5, 1))
        await connection.closed
        assert ex.connections == {}
        ex.close()

    run(test, tmp_path)


PACKET_IN = encode(EchoReply(bytes(10_000)))
"""For the exchange a packet-in is what comes in a frame that may be lost."""


async def flooded(folder: Path) -> tuple[Exchange, Peer, int]:
    """A peer that has read nothing yet and for whom no more packet-ins fit; how many do."""
    ex = exchange(FakeForwarder())
    await listen(ex, f"punix:{folder}/s")
    a_peer = await peer(folder)
    (connection,) = ex.connections.values()
    a_peer[1].transport.pause_reading()  # type: ignore[attr-defined]
    lossy, taken = Frame(Event.OPENFLOW, PACKET_IN, 5, 1, flags=FrameFlags.LOSSY), -1
    while not connection.dropped:
        ex.from_forwarder(lossy)
        taken += 1
        assert taken < 1000
    return ex, a_peer, taken


async def packet_ins_before(reader: asyncio.StreamReader, other: bytes) -> int:
    n = 0
    while (read := await message(reader)) != other:
        assert read == PACKET_IN
        n += 1
    return n


def test_an_echo_does_not_stand_behind_a_flood_of_packet_ins(tmp_path: Path) -> None:
    """HARDENING S15: only behind what transport and kernel hold of it."""

    async def test(folder: Path) -> None:
        ex, (reader, writer), taken = await flooded(folder)
        (connection,) = ex.connections.values()
        writer.write(ECHO)
        await until(lambda: connection._out)  # it was heard
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        before = await packet_ins_before(reader, encode(EchoReply(b"there?", xid=11)))
        waited = connections.PACKET_INS_MAX // len(PACKET_IN)
        assert taken - before >= waited - 1
        for _ in range(taken - before):
            assert await message(reader) == PACKET_IN
        ex.close()

    run(test, tmp_path)


def test_a_barriers_reply_overtakes_no_packet_in(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        ex, (reader, writer), taken = await flooded(folder)
        ex.from_forwarder(Frame(Event.OPENFLOW, BARRIER_REPLY, 5, 1))
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert await packet_ins_before(reader, BARRIER_REPLY) == taken
        ex.close()

    run(test, tmp_path)


def test_a_flood_of_packet_ins_keeps_no_slow_peer_unheard(tmp_path: Path) -> None:
    """HARDENING S7: it is read from again as soon as it has read its answers."""

    async def test(folder: Path) -> None:
        ex, (reader, writer), _ = await flooded(folder)
        (connection,) = ex.connections.values()
        for _ in range(200):
            ex.from_forwarder(Frame(Event.OPENFLOW, PACKET_IN, 5, 1))
        assert connection.slow
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        lossy = Frame(Event.OPENFLOW, PACKET_IN, 5, 1, flags=FrameFlags.LOSSY)
        while connection.slow:
            ex.from_forwarder(lossy)
            assert await message(reader) == PACKET_IN
        assert connection._packet_ins or connection._blocked
        ex.close()

    run(test, tmp_path)


def test_a_peer_that_asks_for_more_than_it_reads_gets_it_when_it_does(tmp_path: Path) -> None:
    """HARDENING S7: answers are made as they are read, and all of them come."""

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen(ex, f"punix:{folder}/s")
        reader, writer = await peer(folder)
        writer.write(encode(TableFeaturesRequest(xid=7)) * 20 + ECHO)
        (connection,) = ex.connections.values()
        await until(lambda: connection.slow)
        for _ in range(50):
            await asyncio.sleep(0)
        assert connection._transport
        assert connection._transport.get_write_buffer_size() < 2 << 20
        ends = 0
        while struct.unpack_from("!xBxxI", answer := await message(reader)) == (MULTIPART_REPLY, 7):
            kind, flags = struct.unpack_from("!HH", answer, 8)
            assert kind == TABLE_FEATURES
            ends += not flags & REPLY_MORE
        assert ends == 20
        assert decode(answer) == EchoReply(b"there?", xid=11)
        ex.close()

    run(test, tmp_path)


def test_many_who_ask_for_much_take_one_turn_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HARDENING S7: together they would hold everybody up, though each one alone does not."""
    monkeypatch.setattr(exchanges, "TURNS_SECONDS", 0.0)

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen(ex, f"punix:{folder}/s")
        turns: list[int] = []
        go_on = ex.agent.go_on
        monkeypatch.setattr(ex.agent, "go_on", lambda id: (turns.append(id), go_on(id))[1])
        peers = [await peer(folder) for _ in range(20)]
        for _, writer in peers:
            writer.write(ECHO * 320)
        await until(lambda: len(set(turns)) > 10)
        for _ in range(20):
            before = len(turns)
            await asyncio.sleep(0)
            assert len(turns) <= before + 1
        for reader, _ in peers:
            for _ in range(320):
                assert decode(await message(reader)) == EchoReply(b"there?", xid=11)
        ex.close()

    run(test, tmp_path)


def test_a_busy_forwarder_stops_reading_from_peers(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        forwarder = FakeForwarder()
        ex = exchange(forwarder)
        await listen(ex, f"punix:{folder}/s")
        _, writer = await peer(folder)
        await until(lambda: forwarder.frames)
        ex.congested(True)
        writer.write(FLOW_MOD)
        for _ in range(50):
            await asyncio.sleep(0)
        assert forwarder.relayed() == b""
        ex.congested(False)
        await until(lambda: forwarder.relayed() == FLOW_MOD)
        ex.close()

    run(test, tmp_path)


def test_without_a_forwarder_peers_are_hung_up_on(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen(ex, f"punix:{folder}/with")
        reader, _ = await asyncio.open_unix_connection(str(folder / "with"))
        assert isinstance(decode(await message(reader)), Hello)
        ex.close()
        ex = exchange(None)
        await listen(ex, f"punix:{folder}/s")
        reader, _ = await asyncio.open_unix_connection(str(folder / "s"))
        assert await reader.read() == b""
        ex.close()

    run(test, tmp_path)


def test_a_controller_is_found_late_and_again(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        path = str(folder / "controller")
        controller = Connector(ex, f"unix:{path}")
        met: asyncio.Queue[Peer] = asyncio.Queue()
        await asyncio.sleep(0.05)
        server = await asyncio.start_unix_server(lambda r, w: met.put_nowait((r, w)), path)
        for _ in range(2):
            reader, writer = await met.get()
            assert decode(await message(reader)) == Hello(4, frozenset({4}))
            writer.write(HELLO + encode(RoleRequest(Role.SLAVE, 1)))
            await message(reader)
            status = controller.status()
            assert (status["connected"], status["role"]) == (True, "slave")
            writer.close()
        await until(lambda: not controller.status()["connected"])
        controller.close()
        server.close()
        ex.close()

    run(test, tmp_path)


def test_many_silent_connections_keep_nobody_out(tmp_path: Path) -> None:
    """HARDENING S8."""

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen(ex, f"punix:{folder}/s")
        silent = [await asyncio.open_unix_connection(str(folder / "s")) for _ in range(200)]
        reader, writer = await peer(folder)
        writer.write(ECHO)
        assert decode(await message(reader)) == EchoReply(b"there?", xid=11)
        for _, other in silent:
            other.close()
        ex.close()

    run(test, tmp_path)
