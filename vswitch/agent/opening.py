"""The opening of a session: hellos, and which version is spoken (OpenFlow 1.3.5, 6.3.1).  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from datapath.problems import ProtocolProblem
from vswitch.agent.effects import Effect, HangUp, Send
from vswitch.agent.framing import HELLO, Rare
from vswitch.agent.session import Session
from vswitch.agent.sessions import Sessions
from vswitch.openflow import answer, decode, encode, negotiate, own_hello, refusal
from vswitch.openflow.messages.session import Hello


def hello(versions: tuple[int, ...]) -> bytes:
    """Our hello."""
    return encode(own_hello(versions))


def greet(sessions: Sessions, session: Session, message: Rare) -> Iterator[Effect]:
    """Handles what comes before the peers have agreed on a version: a hello, or the end."""
    if message.type != HELLO:
        yield HangUp(session.id, f"a message of type {message.type} came before any hello")
        return
    try:
        theirs = decode(message.data)
    except ProtocolProblem as problem:
        yield Send(session.id, encode(answer(problem), max(sessions.versions)))
        yield HangUp(session.id, f"its hello makes no sense: {problem.why}")
        return
    assert isinstance(theirs, Hello)
    if version := negotiate(sessions.versions, theirs):
        session.agree(version)
        yield sessions.subscribe(session)
    else:
        yield Send(session.id, encode(refusal(sessions.versions, theirs), max(sessions.versions)))
        yield HangUp(session.id, f"it speaks version {theirs.version}, this bridge doesn't")
