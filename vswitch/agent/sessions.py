"""The sessions of one bridge together: what it tells them, and what one does to the others.

What one session does may concern others (a new master, a changed port), so they live together
here.  No socket, no clock; one thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from datapath.frames import SessionSpec
from vswitch.agent.effects import Effect, Send, Subscribe
from vswitch.agent.roles import Generation
from vswitch.agent.session import Session
from vswitch.agent.view import PortQueue, View
from vswitch.openflow import encode
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.port import PortDesc, PortReason, PortStatus
from vswitch.openflow.messages.session import Role


class Sessions:
    """Sessions by number, of the bridge 'view', offered the wire versions 'versions' (as (4,)).

    What returns effects leaves them to the caller, to be carried out in order.
    """

    def __init__(self, view: View, versions: tuple[int, ...]) -> None:
        self.view = view
        self.versions = versions
        self.generation = Generation()
        self.sessions: dict[int, Session] = {}
        self.snooped = False
        """Somebody wants to see what controllers say."""

    def send(self, session: Session, message: Message) -> Effect:
        """A message for the peer, in the version that was agreed on."""
        return Send(session.id, encode(message, session.version))

    # ---- what the forwarder is told ----------------------------------------

    def subscribe(self, session: Session) -> Effect:
        """What the forwarder may send to a session, as its role and settings are now."""
        wants = session.wants
        return Subscribe(
            session.id,
            SessionSpec(
                session.version, wants.packet_in, wants.flow_removed, session.miss_send_len
            ),
        )

    def become_master(self, session: Session) -> Iterator[Effect]:
        """Makes a session the only master: another one becomes a slave (6.3.5)."""
        for other in self.sessions.values():
            if other is not session and other.role == Role.MASTER:
                other.role = Role.SLAVE
                yield self.subscribe(other)
        session.role = Role.MASTER
        yield self.subscribe(session)

    # ---- ports -------------------------------------------------------------

    def port_added(self, port: PortDesc) -> list[Effect]:
        """A port is there: it is told to who wants to know."""
        self.view.ports[port.number] = port
        return self._tell(PortReason.ADD, port)

    def port_removed(self, number: int) -> list[Effect]:
        """A port is gone, if it was there, with its queues."""
        port = self.view.ports.pop(number, None)
        self.view.queues.pop(number, None)
        return self._tell(PortReason.DELETE, port) if port else []

    def port_changed(self, port: PortDesc) -> list[Effect]:
        """The port as it is now, in the place of the one with its number."""
        if self.view.ports.get(port.number) == port:
            return []
        self.view.ports[port.number] = port
        return self._tell(PortReason.MODIFY, port)

    def queues_changed(self, number: int, queues: tuple[PortQueue, ...]) -> None:
        """The queues that a port has now; OpenFlow 1.3 has no message to tell peers unasked."""
        self.view.queues[number] = queues

    def _tell(self, reason: PortReason, port: PortDesc) -> list[Effect]:
        """A port-status (7.4.3) for everyone who wants that reason."""
        return [
            self.send(session, PortStatus(reason, port))
            for session in self.sessions.values()
            if session.wants.port_status >> reason & 1
        ]
