"""Rare messages and their answers: one small function each, found by the message's class.

A handler gets all sessions, the one and the decoded message, and yields effects.  What can't be
done is raised as a `ProtocolProblem` and answered in one place with an error that carries the
beginning of the message (OpenFlow 1.3.5, 7.4.4).  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from datapath.frames import PortRef
from datapath.problems import Error, ProtocolProblem
from vswitch.agent import abilities, describe
from vswitch.agent.effects import Effect, SetPort
from vswitch.agent.framing import ECHO_REPLY, ERROR, HELLO, Rare
from vswitch.agent.hot import HOT
from vswitch.agent.limits import ALL_TABLES, N_TABLES
from vswitch.agent.session import Session
from vswitch.agent.sessions import Sessions
from vswitch.agent.view import CONFIG_BITS, configured
from vswitch.openflow import answer, decode
from vswitch.openflow.messages import session as se
from vswitch.openflow.messages import switch as sw
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.port import PortMod
from vswitch.openflow.messages.table import CONFIG_MASK, TableMod

Handler = Callable[[Sessions, Session, Any], Iterator[Effect]]

STATE_UNCHANGED = 0xFFFFFFFF
"""In a PortRef for PORT_SET: leave the state as it is."""

_IGNORED = frozenset({HELLO, ERROR, ECHO_REPLY})


def handle(sessions: Sessions, session: Session, message: Rare) -> Iterator[Effect]:
    """Answers one rare message."""
    if message.type in _IGNORED and message.version == session.version:
        return
    try:
        yield from _answer(sessions, session, message)
    except ProtocolProblem as problem:
        whole = ProtocolProblem(problem.error, problem.why, message.data, message.xid)
        yield sessions.send(session, answer(whole))


def _answer(sessions: Sessions, session: Session, message: Rare) -> Iterator[Effect]:
    if message.version != session.version:
        raise ProtocolProblem(Error.BAD_REQUEST_BAD_VERSION, f"version {message.version}")
    if message.type in HOT[session.version].writes and not session.writable:
        raise ProtocolProblem(Error.BAD_REQUEST_IS_SLAVE, "a slave may not write")
    decoded = session.parts.add(decode(message.data), len(message.data))
    if decoded is None:  # more is to come
        return
    if reply := REPLIES.get(type(decoded)):
        for part in reply(sessions, session, decoded):
            yield sessions.send(session, part)
    elif handler := HANDLERS.get(type(decoded)):
        yield from handler(sessions, session, decoded)
    else:
        raise ProtocolProblem(_refusal(decoded), f"{type(decoded).__name__} from a peer")


def _refusal(message: Message) -> Error:
    """How a message is refused that is understood but has no place here."""
    if isinstance(message, se.Experimenter | se.ExperimenterMultipartRequest):
        return Error.BAD_REQUEST_BAD_EXPERIMENTER
    return Error.BAD_REQUEST_BAD_TYPE


# ---- answers that change nothing -----------------------------------------------


def _echo(sessions: Sessions, session: Session, asked: se.EchoRequest) -> Iterator[Message]:
    yield se.EchoReply(asked.data, xid=asked.xid)


def _get_config(
    sessions: Sessions, session: Session, asked: sw.GetConfigRequest
) -> Iterator[Message]:
    yield sw.GetConfigReply(session.fragments, session.miss_send_len, xid=asked.xid)


def _get_async(
    sessions: Sessions, session: Session, asked: se.GetAsyncRequest
) -> Iterator[Message]:
    yield se.GetAsyncReply(**_masks(session.masks), xid=asked.xid)


def _masks(masks: se.AsyncMasks) -> dict[str, int]:
    return {f.name: getattr(masks, f.name) for f in fields(masks) if f.name != "xid"}


# ---- messages that change something ----------------------------------------------


def _set_config(sessions: Sessions, session: Session, wanted: sw.SetConfig) -> Iterator[Effect]:
    """Fragments are told apart by the ip_frag field alone, so they always pass (7.3.2)."""
    if wanted.flags:
        raise ProtocolProblem(Error.SWITCH_CONFIG_FAILED_BAD_FLAGS, "fragments are not handled")
    session.miss_send_len = wanted.miss_send_len
    yield sessions.subscribe(session)


def _set_async(sessions: Sessions, session: Session, wanted: se.SetAsync) -> Iterator[Effect]:
    session.masks = se.AsyncMasks(**_masks(wanted))
    yield sessions.subscribe(session)


def _role(sessions: Sessions, session: Session, asked: se.RoleRequest) -> Iterator[Effect]:
    ordered = asked.role in (se.Role.MASTER, se.Role.SLAVE)
    if ordered and not sessions.generation.accept(asked.generation_id):
        raise ProtocolProblem(Error.ROLE_REQUEST_FAILED_STALE, "a newer generation was here")
    if asked.role == se.Role.MASTER:
        yield from sessions.become_master(session)
    elif asked.role != se.Role.NOCHANGE:
        session.role = asked.role
        yield sessions.subscribe(session)
    generation = asked.generation_id if ordered else sessions.generation.shown
    yield sessions.send(session, se.RoleReply(session.role, generation, xid=asked.xid))


def _port_mod(sessions: Sessions, session: Session, wanted: PortMod) -> Iterator[Effect]:
    port = sessions.view.ports.get(wanted.number)
    if port is None:
        raise ProtocolProblem(Error.PORT_MOD_FAILED_BAD_PORT, f"port {wanted.number}")
    if wanted.hw_addr != port.hw_addr:
        raise ProtocolProblem(Error.PORT_MOD_FAILED_BAD_HW_ADDR, "it has another address")
    if (wanted.config | wanted.mask) & ~CONFIG_BITS:
        raise ProtocolProblem(Error.PORT_MOD_FAILED_BAD_CONFIG, "unknown bits")
    changed = configured(port, wanted.config, wanted.mask)
    yield SetPort(PortRef(port.number, int(wanted.config), STATE_UNCHANGED, int(wanted.mask)))
    yield from sessions.port_changed(changed)


def _table_mod(sessions: Sessions, session: Session, wanted: TableMod) -> Iterator[Effect]:
    """The bits of a table's configuration mean nothing in 1.3; they are kept and told again
    (7.3.3)."""
    if wanted.config & ~CONFIG_MASK:
        raise ProtocolProblem(Error.TABLE_MOD_FAILED_BAD_CONFIG, "unknown bits")
    tables = sessions.view.tables
    numbers = range(N_TABLES) if wanted.table == ALL_TABLES else (wanted.table,)
    for number in numbers:
        tables[number] = replace(tables[number], config=wanted.config)
    return iter(())


HANDLERS: dict[type[Message], Handler] = {
    sw.SetConfig: _set_config,
    se.SetAsync: _set_async,
    se.RoleRequest: _role,
    PortMod: _port_mod,
    TableMod: _table_mod,
}

REPLIES: dict[type[Message], Callable[[Sessions, Session, Any], Iterator[Message]]] = {
    se.EchoRequest: _echo,
    sw.GetConfigRequest: _get_config,
    se.GetAsyncRequest: _get_async,
    **describe.REPLIES,
    **abilities.REPLIES,
}
