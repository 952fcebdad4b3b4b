"""Snoopers over real sockets: copies in order, hellos, and slow ones that hold nothing up."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from datapath.frames import Event, Frame, FrameFlags
from tests.unit.agent.test_exchange import FakeForwarder, Peer, exchange, message, run, until
from tests.unit.agent.test_sessions import BARRIER, BARRIER_REPLY, ECHO, FLOW_MOD, HELLO
from vswitch.agent import snoop as snoops
from vswitch.agent.exchange import Exchange
from vswitch.agent.peers import Connector, listen, listen_for_snoopers
from vswitch.agent.snoop import SNOOPERS_MAX
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.session import EchoReply, ErrorMessage, Hello


async def snooper(folder: Path) -> Peer:
    """A snooper that has said hello."""
    reader, writer = await asyncio.open_unix_connection(str(folder / "snoop"))
    assert decode(await message(reader)) == Hello(4, frozenset({4}))
    writer.write(HELLO)
    return reader, writer


async def led(folder: Path, ex: Exchange) -> Peer:
    """The bridge's connection to a controller that has said hello."""
    met: asyncio.Queue[Peer] = asyncio.Queue()
    path = str(folder / "controller")
    await asyncio.start_unix_server(lambda r, w: met.put_nowait((r, w)), path)
    Connector(ex, f"unix:{path}")
    reader, writer = await met.get()
    await message(reader)
    writer.write(HELLO)
    await until(lambda: ex.led)
    return reader, writer


def test_a_snooper_sees_both_directions_in_order(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        forwarder = FakeForwarder()
        ex = exchange(forwarder)
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        assert stat.S_IMODE((folder / "snoop").stat().st_mode) == 0o600
        _reader, writer = await led(folder, ex)
        seen, _ = await snooper(folder)
        await until(lambda: ex.agent.snooped)
        writer.write(FLOW_MOD + BARRIER + ECHO)
        await until(lambda: forwarder.relayed() == FLOW_MOD + BARRIER)
        session = next(s for s in ex.agent.sessions.values() if not s.service)
        ex.from_forwarder(Frame(Event.OPENFLOW, BARRIER_REPLY, 5, session.id))
        reply = encode(EchoReply(b"there?", xid=11))
        for expected in (FLOW_MOD, BARRIER, BARRIER_REPLY, ECHO, reply):
            assert await message(seen) == expected
        ex.close()

    run(test, tmp_path)


def test_service_connections_are_not_snooped(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        await listen(ex, f"punix:{folder}/s")
        _, controller = await led(folder, ex)
        seen, _ = await snooper(folder)
        await until(lambda: ex.agent.snooped)
        reader, writer = await asyncio.open_unix_connection(str(folder / "s"))
        writer.write(HELLO + ECHO)
        await message(reader)
        await message(reader)
        controller.write(ECHO)
        assert await message(seen) == ECHO
        assert decode(await message(seen)) == EchoReply(b"there?", xid=11)
        ex.close()

    run(test, tmp_path)


def test_packet_ins_that_a_controller_lost_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        await led(folder, ex)
        seen, _ = await snooper(folder)
        await until(lambda: ex.agent.snooped)
        (connection,) = ex.connections.values()
        monkeypatch.setattr("vswitch.agent.connection.PACKET_INS_MAX", 0)
        lossy = Frame(Event.OPENFLOW, ECHO, 5, connection.session, flags=FrameFlags.LOSSY)
        ex.from_forwarder(lossy)
        assert connection.dropped == 1
        ex.from_forwarder(Frame(Event.OPENFLOW, BARRIER_REPLY, 5, connection.session))
        assert await message(seen) == BARRIER_REPLY
        ex.close()

    run(test, tmp_path)


def test_a_slow_snooper_loses_messages_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HARDENING S7."""
    monkeypatch.setattr(snoops, "UNREAD_MAX", 100_000)

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        reader, _ = await led(folder, ex)
        _seen, _writer = await snooper(folder)
        await until(lambda: ex.agent.snooped)
        (connection,) = ex.connections.values()
        long = encode(EchoReply(bytes(30_000)))
        for _ in range(100):
            ex.from_forwarder(Frame(Event.OPENFLOW, long, 5, connection.session))
            assert await message(reader) == long
        assert ex.snoop.lost >= 80
        assert connection.dropped == 0
        ex.close()

    run(test, tmp_path)


def test_a_snooper_that_goes_costs_nothing_any_more(tmp_path: Path) -> None:
    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        _, writer = await snooper(folder)
        await until(lambda: ex.agent.snooped)
        writer.close()
        await until(lambda: not ex.agent.snooped)
        ex.close()

    run(test, tmp_path)


def test_snoopers_are_few(tmp_path: Path) -> None:
    """HARDENING S7, S8."""

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        many = [await snooper(folder) for _ in range(SNOOPERS_MAX)]
        late, _ = await snooper(folder)
        assert await late.read() == b""
        many[0][1].close()
        await until(lambda: len(ex.snoop._snoopers) == SNOOPERS_MAX - 1)
        await snooper(folder)
        await until(lambda: len(ex.snoop._snoopers) == SNOOPERS_MAX)
        ex.close()

    run(test, tmp_path)


@pytest.mark.parametrize("first", [encode(Hello(1)), bytes(8), ECHO], ids=["old", "junk", "echo"])
def test_whoever_says_no_fitting_hello_is_hung_up_on(tmp_path: Path, first: bytes) -> None:
    """HARDENING S2."""

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        reader, writer = await asyncio.open_unix_connection(str(folder / "snoop"))
        await message(reader)
        writer.write(first)
        rest = await reader.read()
        assert rest == b"" or isinstance(decode(rest), ErrorMessage)
        assert not ex.agent.snooped
        ex.close()

    run(test, tmp_path)


def test_whoever_says_no_hello_at_all_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HARDENING S8."""
    monkeypatch.setattr(snoops, "HELLO_SECONDS", 0.01)

    async def test(folder: Path) -> None:
        ex = exchange(FakeForwarder())
        await listen_for_snoopers(ex, f"punix:{folder}/snoop")
        reader, _ = await asyncio.open_unix_connection(str(folder / "snoop"))
        await message(reader)
        assert await reader.read() == b""
        ex.close()

    run(test, tmp_path)
