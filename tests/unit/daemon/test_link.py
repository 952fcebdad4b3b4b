"""The link to the forwarder, over a socket pair whose other end is the test."""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from datapath.frames import Command, Done, Event, ForwarderHello, Frame
from vswitch.daemon import link as links
from vswitch.daemon.link import ForwarderGone, ForwarderLink, ForwarderRefused, greet


class FakeForwarder:
    """The other end: reads commands, sends events."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def command(self) -> tuple[Frame, int]:
        data, ancillary, _, _ = self.sock.recvmsg(1 << 17, socket.CMSG_SPACE(4))
        fds = [fd for _, _, raw in ancillary for fd in array.array("i", raw)]
        return Frame.unpack(data), fds[0] if fds else -1

    def event(self, event: Event, payload: bytes = b"", tag: int = 0, fd: int = -1) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        frame = Frame(event, payload, bridge=1, session=2, tag=tag).pack()
        self.sock.sendmsg([frame], rights if fd >= 0 else [])


Test = Callable[[ForwarderLink, FakeForwarder, list[Frame]], Coroutine[Any, Any, None]]


def run(test: Test) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        heard: list[Frame] = []
        link = ForwarderLink(ours, heard.append)
        try:
            await asyncio.wait_for(test(link, FakeForwarder(theirs), heard), 5)
        finally:
            link.close()
            theirs.close()

    asyncio.run(main())


def asked(link: ForwarderLink, command: Command, fd: int = -1) -> asyncio.Task[Any]:
    return asyncio.get_running_loop().create_task(link.ask(command, b"x", 1, fd=fd))


def test_a_question_collects_its_events_up_to_done() -> None:
    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        question = asked(link, Command.STATS)
        await asyncio.sleep(0)
        frame, _ = forwarder.command()
        assert (frame.type, frame.payload, frame.bridge) == (Command.STATS, b"x", 1)
        forwarder.event(Event.PORT_STATS, b"one", frame.tag)
        forwarder.event(Event.OPENFLOW, b"unasked")
        forwarder.event(Event.PORT_STATS, b"two", frame.tag)
        forwarder.event(Event.DONE, Done().pack(), frame.tag)
        assert [answer.frame.payload for answer in await question] == [b"one", b"two"]
        assert [frame.payload for frame in heard] == [b"unasked"]

    run(test)


def test_a_refusal_is_raised_with_its_sentence() -> None:
    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        question = asked(link, Command.BRIDGE_ADD)
        await asyncio.sleep(0)
        frame, _ = forwarder.command()
        forwarder.event(Event.DONE, Done(-17, "bridge x: taken; choose another").pack(), frame.tag)
        with pytest.raises(ForwarderRefused, match="bridge x: taken") as caught:
            await question
        assert caught.value.error == 17

    run(test)


def test_descriptors_ride_both_ways() -> None:
    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        read, write = os.pipe()
        question = asked(link, Command.PORT_ADD, fd=write)
        await asyncio.sleep(0)
        frame, fd = forwarder.command()
        forwarder.event(Event.PORT, b"", frame.tag, fd=fd)
        forwarder.event(Event.DONE, Done().pack(), frame.tag)
        (answer,) = await question
        os.write(answer.fd, b"hello")
        assert os.read(read, 5) == b"hello"
        assert not os.get_inheritable(answer.fd)
        for each in (read, write, fd, answer.fd):
            os.close(each)

    run(test)


def test_questions_fail_when_the_forwarder_dies() -> None:
    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        question = asked(link, Command.DUMP)
        await asyncio.sleep(0)
        forwarder.sock.close()
        with pytest.raises(ForwarderGone):
            await question
        await link.closed
        with pytest.raises(ForwarderGone):
            await link.ask(Command.DUMP)
        link.post(Command.OPENFLOW, b"for nobody")

    run(test)


def test_a_forwarder_that_serves_another_daemon_is_gone_for_us() -> None:
    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        forwarder.event(Event.DONE, Done(-16, "another daemon").pack())
        forwarder.sock.close()
        with pytest.raises(ForwarderGone):
            await greet(link)

    run(test)


def test_hello_tells_who_it_is() -> None:
    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        greeting = asyncio.get_running_loop().create_task(greet(link))
        await asyncio.sleep(0)
        frame, _ = forwarder.command()
        forwarder.event(Event.HELLO, ForwarderHello(pid=7, started_ns=8).pack(), frame.tag)
        forwarder.event(Event.DONE, Done().pack(), frame.tag)
        assert await greeting == (ForwarderHello(pid=7, started_ns=8), -1)

    run(test)


def test_what_a_full_socket_can_not_take_waits_in_order_and_tells_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(links, "CONGESTED", 100_000)

    async def main() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        told: list[bool] = []
        link = ForwarderLink(ours, lambda _: None, told.append)
        forwarder = FakeForwarder(theirs)
        total = 100
        for number in range(total):
            link.post(Command.OPENFLOW, number.to_bytes(4) * 10_000, session=number)
        assert told == [True]
        seen = []
        for _ in range(total):
            while not select_readable(theirs):
                await asyncio.sleep(0)
            seen.append(forwarder.command()[0].session)
        await asyncio.sleep(0.01)
        assert seen == list(range(total))
        assert told == [True, False]
        link.close()
        theirs.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_descriptor_that_waits_is_closed_once_if_the_link_dies_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The number may be somebody else's by the second time."""
    closed: list[int] = []

    async def main() -> None:
        loop, defects = asyncio.get_running_loop(), list[Any]()
        loop.set_exception_handler(lambda _, context: defects.append(context))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link = ForwarderLink(ours, lambda _: None)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(bytes(60_000))
        read, write = os.pipe()
        questions = [asked(link, Command.PORT_ADD, fd=write) for _ in range(2)]
        await asyncio.sleep(0)
        (_, first), (_, second) = [one for one in link._waiting if one[1] >= 0]
        monkeypatch.setattr(links, "_close", lambda fd: closed.append(fd) if fd >= 0 else None)
        loop.remove_reader(ours)  # it would have heard first
        theirs.close()
        for question in questions:
            with pytest.raises(ForwarderGone):
                await question
        assert sorted(closed) == sorted((first, second))
        assert defects == []
        for each in (read, write, *closed):
            os.close(each)

    asyncio.run(asyncio.wait_for(main(), 5))


def test_descriptors_that_come_as_whoever_asked_is_cancelled_are_closed() -> None:
    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        question = asked(link, Command.DUMP)
        await asyncio.sleep(0)
        frame, _ = forwarder.command()
        read, write = os.pipe()
        forwarder.event(Event.PORT, b"", frame.tag, fd=write)
        forwarder.event(Event.DONE, Done().pack(), frame.tag)
        os.close(write)
        link._readable()
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        assert os.read(read, 1) == b""  # nobody holds the other end
        os.close(read)

    run(test)


def select_readable(sock: socket.socket) -> bool:
    import select

    return bool(select.select([sock], [], [], 0)[0])


def test_the_log_hears_of_a_forwarder_that_answers_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(links, "SLOW_SECONDS", 0.01)

    async def test(link: ForwarderLink, forwarder: FakeForwarder, heard: list[Frame]) -> None:
        quick = asyncio.ensure_future(link.ask(Command.DUMP))
        await asyncio.sleep(0)
        forwarder.event(Event.DONE, Done().pack(), tag=forwarder.command()[0].tag)
        await quick
        slow = asyncio.ensure_future(link.ask(Command.STATS))
        while not caplog.records:
            await asyncio.sleep(0.001)
        forwarder.event(Event.DONE, Done().pack(), tag=forwarder.command()[0].tag)
        await slow

    run(test)
    (told,) = (record.getMessage() for record in caplog.records)
    assert told.startswith("the forwarder has not answered STATS for 0.01 s")
