"""The operator's way to flows, groups, meters: an OpenFlow session like all, without a socket.

Each request is a session of its own: messages go to the forwarder with a barrier behind them, and
what comes back up to the barrier's reply is the answer.  So the system has one way to change a
rule, whoever asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from datapath.frames import Command, Frame, SessionSpec
from datapath.problems import SyntaxProblem, TooLong
from vswitch.agent.framing import BARRIER_REPLY, HEADER, HEADER_SIZE
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.refusals import failure
from vswitch.errors import Exit, Failure, shown
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.session import BarrierRequest, ErrorMessage

VERSION = 4
"""OpenFlow 1.3 on the wire: what the operator's session speaks."""

BARRIER_XID = 0xFFFFFFFF


async def ask(daemon: Daemon, bridge: LiveBridge, messages: Iterable[bytes]) -> list[Message]:
    """Sends whole messages and returns what answered them, in order.

    Failure when the forwarder goes away meanwhile.
    """
    link = daemon.operator.connected()
    session = daemon.live.next_session()
    received: list[bytes] = []
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hear(frame: Frame) -> None:
        for message in split(frame.payload):
            if message[1] == BARRIER_REPLY:
                done.set_result(None)
            else:
                received.append(message)

    daemon.on_openflow[session] = hear
    try:
        spec = SessionSpec(VERSION, 0, 0, 0)
        link.post(Command.SESSION, spec.pack(), bridge.id, session)
        data = b"".join(messages) + encode(BarrierRequest(xid=BARRIER_XID))
        link.post(Command.OPENFLOW, data, bridge.id, session)
        await asyncio.wait({done, link.closed}, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise Failure("forwarder", "it ended before it answered", "try again in a moment")
    finally:
        del daemon.on_openflow[session]
        link.post(Command.SESSION_END, b"", bridge.id, session)
    # A long list of flows takes a while to decode: on a thread, so that sessions go on.
    return await asyncio.to_thread(lambda: [decode(message) for message in received])


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
