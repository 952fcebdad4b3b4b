"""The OpenFlow side of one bridge: all its sessions, decided purely.

The agent is told what happened and answers with effects in order.  No socket, no clock; one thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from datapath.problems import Error
from vswitch.agent.effects import Effect, HangUp, Heard, Later, Pause, Relay, Send
from vswitch.agent.framing import Broken, Run
from vswitch.agent.handlers import handle
from vswitch.agent.opening import greet, hello
from vswitch.agent.session import Session
from vswitch.agent.sessions import Sessions
from vswitch.openflow.messages.session import EchoRequest, ErrorMessage

TURN_MAX = 24 << 10
"""Bytes of messages that we read ourselves, and of answers, after which a peer waits for its next
turn: a few bytes can ask for many, and others want to be heard meanwhile (HARDENING S7)."""

STEPS_MAX = 32
"""Messages and effects after which it waits too: each takes its time, however short it is."""

PROBE_XID = 0x70726F62
"""Of our own echo requests, so that captures tell them apart ("prob")."""


class Agent(Sessions):
    """Sessions whose bytes come in here, and whose time passes.

    Every method returns effects for the caller to carry out in order.
    """

    def opened(self, id: int, now: float, *, service: bool, probe: float) -> list[Effect]:
        """A connection is there; 'id' is its session's number from now on."""
        self.sessions[id] = Session(id, service, probe, now)
        return [Send(id, hello(self.versions))]

    def closed(self, id: int) -> None:
        """A connection is gone."""
        self.sessions.pop(id, None)

    def received(self, id: int, data: bytes, now: float) -> list[Effect]:
        """Bytes came from a peer."""
        session = self.sessions.get(id)
        if session is None:
            return []
        try:
            session.receive(data, now)
        except Broken as broken:
            return [HangUp(id, str(broken))]
        return [] if session.busy else self._go_on(session)

    def go_on(self, id: int) -> list[Effect]:
        """What `Later` asked for: the answers so far are on their way."""
        session = self.sessions.get(id)
        if session is None:
            return []
        session.busy = False
        return self._go_on(session)

    def relayed(self, id: int, data: bytes, slow: bool = False) -> list[Effect]:
        """The forwarder's messages 'data' were written to a peer: what waited may go on, if the
        peer is not 'slow' to read them, or else once it has."""
        session = self.sessions.get(id)
        if session is None or not session.relayed(data) or session.busy:
            return []
        session.busy = slow
        return [Pause(id, False), *([Later(id)] if slow else self._go_on(session))]

    def tick(self, now: float) -> list[Effect]:
        """Asks silent peers for an echo and gives up on those that stay silent."""
        effects: list[Effect] = []
        for session in self.sessions.values():
            if why := session.overdue(now):
                effects.append(HangUp(session.id, why, at_once=True))
            elif session.needs_probe(now):
                effects.append(self.send(session, EchoRequest(xid=PROBE_XID)))
        return effects

    def _go_on(self, session: Session) -> list[Effect]:
        """One turn of a session; where it breaks off the next one goes on, amid an answer too."""
        effects: list[Effect] = []
        size = 0
        work, session.unfinished = session.unfinished or self._handle_all(session), None
        try:
            for steps, step in enumerate(work, 1):
                if isinstance(step, int):
                    size += step
                else:
                    effects.append(step)
                    size += len(step.data) if isinstance(step, Send) else 0
                if isinstance(step, HangUp):
                    return effects
                if size > TURN_MAX or steps == STEPS_MAX:
                    session.busy, session.unfinished = True, work
                    return [*effects, Later(session.id)]
        except Broken as broken:
            # The answer first: the peer learns why it is hung up on (HARDENING S2).
            if session.agreed:
                effects.append(self.send(session, ErrorMessage(Error.BAD_REQUEST_BAD_LEN)))
            return [*effects, HangUp(session.id, str(broken))]
        return [*effects, Pause(session.id, True)] if session.held else effects

    def _handle_all(self, session: Session) -> Iterator[Effect | int]:
        """Handles one message after the other; a number: how many bytes of it were read."""
        for message in session.pending():
            if self.snooped and not session.service:
                yield Heard(session.id, message.data)
            if isinstance(message, Run):
                yield Relay(session.id, message.data)
                continue
            yield from (handle if session.agreed else greet)(self, session, message)
            yield len(message.data)
