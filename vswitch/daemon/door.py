"""The operator's way to flows, groups, meters: an OpenFlow session like all, without a socket.

Each request is a session of its own: messages go to the forwarder with a barrier behind them, and
what comes back up to the barrier's reply is the answer.  So the system has one way to change a
rule, whoever asks.  Many flow-mods that happen all or not at all go as parts of one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from datapath.frames import Command, Event, Frame, SessionSpec, Steps, Transaction
from datapath.problems import SyntaxProblem, TooLong
from vswitch.agent.framing import HEADER, HEADER_SIZE
from vswitch.agent.hot import HOT
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.link import Answer, ForwarderGone, ForwarderLink, ForwarderRefused
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.refusals import failure
from vswitch.errors import Exit, Failure, shown
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.session import BarrierRequest, ErrorMessage
from vswitch.rpc.waiting import begin

VERSION = 4
"""OpenFlow 1.3 on the wire: what the operator's session speaks."""
_HOT = HOT[VERSION]

BARRIER_XID = 0xFFFFFFFF


async def ask(daemon: Daemon, bridge: LiveBridge, messages: Iterable[bytes]) -> list[Message]:
    """Sends whole messages and returns what answered them, in order.

    Failure when the forwarder goes away meanwhile, or whoever asks for a change no longer waits.
    """
    received = await exchange(daemon, bridge, messages)
    # A long list takes a while to decode: on a thread, so that sessions go on.
    return await asyncio.to_thread(lambda: [decode(message) for message in received])


async def exchange(daemon: Daemon, bridge: LiveBridge, messages: Iterable[bytes]) -> list[bytes]:
    """The same, with the answers as they came."""
    messages = list(messages)
    if any(message[1] != _HOT.multipart_request for message in messages):
        begin()
    received: list[bytes] = []
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hear(frame: Frame) -> None:
        for message in split(frame.payload):
            if message[1] == _HOT.barrier_reply:
                done.set_result(None)
            else:
                received.append(message)

    with _session(daemon, bridge, hear) as (link, session, opened):
        data = b"".join(messages) + encode(BarrierRequest(xid=BARRIER_XID))
        link.post(Command.OPENFLOW, data, bridge.id, session)
        await _open(bridge, opened)  # else nothing answers
        await asyncio.wait({done, link.closed}, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise _gone()
    return received


async def transact(daemon: Daemon, bridge: LiveBridge, parts: Sequence[bytes]) -> None:
    """Carries out flow-mods all at once, or none; each part holds whole ones and fits in a frame.

    Failure with the xid of the one that is refused: "line 7".  Before the last part is sent nothing
    takes effect, and whoever asks may give up.
    """
    with _session(daemon, bridge, _unheard) as (link, session, _):
        try:
            for number, part in enumerate(parts):
                steps = Steps.BEGIN if number == 0 else Steps.NONE
                if number == len(parts) - 1:
                    begin()
                    steps |= Steps.COMMIT
                head = Transaction(session, steps).pack()
                await link.ask(Command.ATOMIC, head + part, bridge.id, session)
        except ForwarderGone:
            raise _gone() from None
        except ForwarderRefused as refused:
            for frame in refused.frames:
                if frame.type == Event.OPENFLOW:
                    _refuse_line(decode(frame.payload))
            raise Failure("flows", str(refused), "split them into several files") from None


@contextmanager
def _session(
    daemon: Daemon, bridge: LiveBridge, hear: Callable[[Frame], None]
) -> Iterator[tuple[ForwarderLink, int, asyncio.Future[list[Answer]]]]:
    """A session of the operator's own and the link to its forwarder, for as long as it is entered;
    'hear' gets what the forwarder sends it.  The future is for `_open`."""
    link = daemon.operator.connected()
    session = daemon.live.next_session()
    daemon.on_openflow[session] = hear
    try:
        spec = SessionSpec(VERSION, 0, 0, 0).pack()
        try:
            opened = link.order(Command.SESSION, spec, bridge.id, session)
        except ForwarderGone:
            raise _gone() from None
        opened.add_done_callback(_look_at)
        yield link, session, opened
    finally:
        del daemon.on_openflow[session]
        link.post(Command.SESSION_END, b"", bridge.id, session)


def _look_at(opened: asyncio.Future[list[Answer]]) -> None:
    """A transaction doesn't wait for it: where no session stands, its parts are refused."""
    if not opened.cancelled():
        opened.exception()


async def _open(bridge: LiveBridge, opened: asyncio.Future[list[Answer]]) -> None:
    """Waits until a session stands.  Failure (exit 3) if its bridge has been removed meanwhile."""
    try:
        await opened
    except ForwarderGone:
        raise _gone() from None
    except ForwarderRefused:
        do = "see `vswitch bridge ls`"
        what = f"bridge {bridge.record.name}"
        raise Failure(what, "it was removed meanwhile", do, Exit.NOT_FOUND) from None


def _refuse_line(answer: Message) -> None:
    if isinstance(answer, ErrorMessage):
        raise failure(f"line {answer.xid}", answer) from None


def _unheard(frame: Frame) -> None:
    """What a transaction's parts are answered comes as their answers."""


def _gone() -> Failure:
    return Failure("forwarder", "it ended before it answered", "try again in a moment")


def split(data: bytes) -> Iterator[bytes]:
    """The whole messages in 'data'."""
    at = 0
    while at + HEADER_SIZE <= len(data):
        _, _, length, _ = HEADER.unpack_from(data, at)
        yield data[at : at + length]
        at += max(length, HEADER_SIZE)


@contextmanager
def understood(noun: str) -> Iterator[None]:
    """What a person's words can't mean, or no message can carry, is told as a Failure (exit 2)."""
    try:
        yield
    except SyntaxProblem as problem:
        what = f"{noun} {shown(problem.word)}"
        raise Failure(what, problem.why, problem.instead, Exit.USAGE) from None
    except TooLong as problem:
        why = f"it is too long for a message of OpenFlow: {problem}"
        raise Failure(noun, why, "use fewer actions or buckets", Exit.USAGE) from None


def refuse_errors(what: str, answers: Iterable[Message]) -> None:
    """Raises the first error among the answers as a Failure about 'what'."""
    for answer in answers:
        if isinstance(answer, ErrorMessage):
            raise failure(what, answer)
