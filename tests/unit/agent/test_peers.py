"""When controllers are tried again, asked whether they live, and given up: to the second."""

from __future__ import annotations

import asyncio
import itertools
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from datapath.frames import Event, Frame, FrameFlags
from tests.kit.clock import run
from tests.unit.agent.test_exchange import PACKET_IN, FakeForwarder, Peer, exchange, message
from tests.unit.agent.test_sessions import ECHO, HELLO, agent, opened
from vswitch.agent import peers
from vswitch.agent.connection import LAST_WORDS_SECONDS
from vswitch.agent.effects import HangUp, Send
from vswitch.agent.exchange import Exchange
from vswitch.agent.peers import Connector, listen
from vswitch.agent.session import HELLO_SECONDS
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.session import EchoReply, EchoRequest


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_controller_that_is_away_is_tried_ever_slower_but_each_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[float] = []

    async def refuse(*_: object) -> None:
        tried.append(now())
        raise ConnectionRefusedError

    async def test() -> None:
        controller = Connector(exchange(FakeForwarder()), "tcp:127.0.0.1:1")
        await asyncio.sleep(10)
        controller.close()

    monkeypatch.setattr(peers, "_connect", refuse)
    run(test())
    waits = [round(b - a, 6) for a, b in itertools.pairwise(tried)]
    assert waits[:5] == [0.1, 0.2, 0.4, 0.8, 1.0]
    assert set(waits[5:]) == {1.0}


def test_a_controller_that_does_not_answer_is_given_up_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[float] = []

    async def wait(*_: object) -> None:
        tried.append(now())
        await asyncio.sleep(1000)

    async def test() -> None:
        controller = Connector(exchange(FakeForwarder()), "tcp:127.0.0.1:1")
        await asyncio.sleep(12)
        controller.close()

    monkeypatch.setattr(peers, "_connect", wait)
    run(test())
    assert [round(b - a, 6) for a, b in itertools.pairwise(tried)] == [5.1, 5.2]


class Place:
    """Where a controller listens; connections as they are made, with their times."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "controller")
        self.met: asyncio.Queue[tuple[float, Peer]] = asyncio.Queue()

    async def open(self) -> None:
        await asyncio.start_unix_server(
            lambda r, w: self.met.put_nowait((now(), (r, w))), self.path
        )

    async def led(self, ex: Exchange) -> Peer:
        """A new connection that has said hello."""
        _, (reader, writer) = await self.met.get()
        await message(reader)
        writer.write(HELLO)
        return reader, writer


def test_a_controller_that_spoke_is_tried_again_at_once(tmp_path: Path) -> None:
    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        for _ in range(3):
            _, writer = await place.led(ex)
            while not controller.status()["connected"]:
                await asyncio.sleep(0.01)
            writer.close()
            ended = now()
            again, peer = await place.met.get()
            assert again - ended < 0.2
            place.met.put_nowait((again, peer))
        controller.close()
        ex.close()

    run(test())


def test_a_silent_controller_is_asked_after_5_seconds_and_given_up_after_10(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        reader, _ = await place.led(ex)
        began = now()
        assert isinstance(decode(await message(reader)), EchoRequest)
        assert 5 <= now() - began <= 5.6
        assert await reader.read() == b""
        assert 10 <= now() - began <= 10.6
        controller.close()
        ex.close()

    run(test())


def test_a_controller_that_answers_is_kept(tmp_path: Path) -> None:
    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        reader, writer = await place.led(ex)
        for _ in range(20):
            probe = decode(await message(reader))
            assert isinstance(probe, EchoRequest)
            writer.write(encode(EchoReply(probe.data, xid=probe.xid)))
        assert now() > 100
        assert controller.status()["connected"]
        controller.close()
        ex.close()

    run(test())


FLOOD = Frame(Event.OPENFLOW, PACKET_IN, 5, flags=FrameFlags.LOSSY)


async def unread(ex: Exchange, place: Place) -> tuple[Peer, float]:
    """A controller that leads, doesn't read any more, and for whom bytes wait; since when."""
    reader, writer = await place.led(ex)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while not ex.led:
        await asyncio.sleep(0.01)
    (connection,) = ex.connections.values()
    while not connection.dropped:
        ex.from_forwarder(replace(FLOOD, session=connection.session))
    return (reader, writer), now()


@pytest.mark.parametrize("says", ["nothing", "echoes"])
def test_a_controller_that_stops_reading_is_given_up_and_met_again(
    tmp_path: Path, says: str
) -> None:
    """What it says is no sign that it leads, and an end must not wait until it reads."""

    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        told: list[tuple[float, bool]] = []
        ex.on_led = lambda led: told.append((now(), led))
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        (_, writer), began = await unread(ex, place)
        while ex.led:
            await asyncio.sleep(1)
            if says == "echoes":
                writer.write(ECHO)
        assert told[-1][1] is False
        assert 10 <= told[-1][0] - began <= 11
        again, _ = await place.met.get()
        assert again - told[-1][0] <= 0.2
        controller.close()
        ex.close()

    run(test())


def test_a_controller_that_reads_slowly_is_kept(tmp_path: Path) -> None:
    """The control of the one above: it always has something to read, and reads."""

    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        (reader, writer), _ = await unread(ex, place)
        (connection,) = ex.connections.values()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        lossy = replace(FLOOD, session=connection.session)
        while now() < 60:
            for _ in range(10):
                ex.from_forwarder(lossy)
                await message(reader)
            assert connection._blocked
            writer.write(ECHO)
            await asyncio.sleep(1)
        assert ex.led
        assert list(ex.connections.values()) == [connection]
        controller.close()
        ex.close()

    run(test())


def test_whoever_is_hung_up_on_has_a_second_to_read_why(tmp_path: Path) -> None:
    """The forwarder goes, and a controller has bytes unread: it is met again all the same."""

    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        _, began = await unread(ex, place)
        ex.detach()
        while ex.connections:
            await asyncio.sleep(0.01)
        assert LAST_WORDS_SECONDS <= now() - began <= LAST_WORDS_SECONDS + 0.1
        ex.attach(FakeForwarder())
        await place.met.get()
        controller.close()
        ex.close()

    run(test())


def test_a_unix_listeners_peer_may_read_when_it_likes(tmp_path: Path) -> None:
    """A pager may stand behind it."""

    async def test() -> None:
        ex = exchange(FakeForwarder())
        await listen(ex, f"punix:{tmp_path}/s")
        reader, writer = await asyncio.open_unix_connection(f"{tmp_path}/s")
        await message(reader)
        writer.write(HELLO)
        await asyncio.sleep(0.1)
        writer.transport.pause_reading()
        (connection,) = ex.connections.values()
        while not connection.slow:
            ex.from_forwarder(Frame(Event.OPENFLOW, PACKET_IN, 5, connection.session))
        await asyncio.sleep(1000)
        assert list(ex.connections.values()) == [connection]
        ex.close()

    run(test())


def test_an_echo_is_waited_for_from_when_it_was_asked_for() -> None:
    """A daemon that was stopped for a minute gives its controllers their time all the same."""
    a = agent()
    opened(a)
    (probe,) = a.tick(60.0)
    assert isinstance(probe, Send)
    assert a.tick(60.5) == []
    assert a.tick(64.9) == []
    (end,) = a.tick(65.0)
    assert isinstance(end, HangUp)


def test_a_controller_without_a_hello_is_given_up(tmp_path: Path) -> None:
    """HARDENING S8."""

    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        met, (reader, _) = await place.met.get()
        await message(reader)
        assert await reader.read() == b""
        assert HELLO_SECONDS <= now() - met <= HELLO_SECONDS + 1
        controller.close()
        ex.close()

    run(test())


@pytest.mark.parametrize(
    "raised",
    [
        UnicodeError("label too long"), ValueError("embedded null byte"), OverflowError("port"),
        socket.gaierror(-2, "Name or service not known"), ConnectionRefusedError(111, "refused"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_a_resolver_raises_a_controller_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    """Its task lives, and the reason is told."""

    async def test() -> None:
        ex = exchange(FakeForwarder())
        tried = 0

        async def connect(*_: object) -> None:
            nonlocal tried
            tried += 1
            raise raised

        monkeypatch.setattr(peers, "_connect", connect)
        controller = Connector(ex, "tcp:somewhere:6653")
        assert controller.status()["error"] is None
        await asyncio.sleep(5)
        assert tried > 5
        status = controller.status()
        assert status["connected"] is False
        assert raised.args[-1] in str(status["error"])
        assert isinstance(status["failed"], float)
        controller.close()
        ex.close()

    run(test())


def test_why_a_connection_ended_is_told_while_the_next_one_stands(tmp_path: Path) -> None:
    async def test() -> None:
        ex, place = exchange(FakeForwarder()), Place(tmp_path)
        await place.open()
        controller = Connector(ex, f"unix:{place.path}")
        _, writer = await place.led(ex)
        while not controller.status()["connected"]:
            await asyncio.sleep(0.01)
        assert controller.status()["error"] is None
        writer.close()
        await place.led(ex)
        while not controller.status()["connected"]:
            await asyncio.sleep(0.01)
        assert controller.status()["error"] == "the peer closed it"
        controller.close()
        ex.close()

    run(test())
