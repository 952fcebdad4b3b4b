"""The sockets of one bridge's OpenFlow side: carries out what its agent decides.

Between peers and forwarder stands this exchange: bytes of a peer go to the agent, the agent's
effects go to the peers or, as frames, to the forwarder; what the forwarder sends for a session
is written to its connection unchanged.  While there is no forwarder there are no sessions: peers
are hung up on and connect again, since a new forwarder knows nothing of what they had asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from datapath.frames import Command, Frame, FrameFlags
from vswitch.agent.agent import Agent
from vswitch.agent.connection import Connection
from vswitch.agent.effects import (
    Effect,
    HangUp,
    Heard,
    Later,
    Pause,
    Relay,
    Send,
    SetPort,
    Subscribe,
)
from vswitch.agent.snoop import Snoop
from vswitch.openflow.messages.port import PortDesc

log = logging.getLogger("vswitch.openflow")

TICK_SECONDS = 0.5

TURNS_SECONDS = 0.002
"""How long sessions that asked for much have turns, until everybody else is looked at again."""

SERVICES_MAX = 2000
"""Connections that others made to the bridge; more are hung up on (HARDENING S8)."""


class FrameSink(Protocol):
    """Where frames go: `vswitch.daemon.link.ForwarderLink`, or a list in tests."""

    def post(
        self, command: Command, payload: bytes = b"", bridge: int = 0, session: int = 0
    ) -> None:
        """Sends a frame that has no answer; lost if the forwarder is gone."""


class Exchange:
    """Connections of the bridge with number 'bridge'; 'next_session' gives unused numbers."""

    def __init__(self, agent: Agent, bridge: int, next_session: Callable[[], int]) -> None:
        self.agent = agent
        self.bridge = bridge
        self.ready = asyncio.Event()
        """A forwarder is there."""
        self.connections: dict[int, Connection] = {}
        self.snoop = Snoop(agent.versions, self._watched)
        self.on_led: Callable[[bool], None] = lambda led: None
        """Hears whether a controller is connected, each time that changes."""
        self._led = False
        self._waiting: set[int] = set()
        """Sessions that go on once what they were sent is on its way."""
        self._turns: deque[int] = deque()
        """Of these, who may go on, in order; `_take_turns` is on its way if there is anybody."""
        self._services = 0
        """Connections that others made."""
        self._next_session = next_session
        self._link: FrameSink | None = None
        self._ticker = asyncio.get_running_loop().create_task(self._tick())

    # ---- the forwarder -----------------------------------------------------

    def attach(self, link: FrameSink) -> None:
        """A forwarder has the bridge: peers may come."""
        self._link = link
        self.ready.set()

    def detach(self) -> None:
        """The forwarder is gone, and with it what peers had asked for."""
        self._link = None
        self.ready.clear()
        for connection in list(self.connections.values()):
            connection.hang_up("the forwarder is gone; connect again")

    def from_forwarder(self, frame: Frame) -> None:
        """An OPENFLOW event for one of the sessions."""
        connection = self.connections.get(frame.session)
        if connection is None:  # just closed
            return
        lossy = frame.flags & FrameFlags.LOSSY
        taken = (connection.offer if lossy else connection.answer)(frame.payload)
        self._show(connection, frame.payload, taken)
        self.carry_out(self.agent.relayed(frame.session, frame.payload, connection.slow))

    def congested(self, congested: bool) -> None:
        """The forwarder takes nothing more for now, or does again."""
        for connection in self.connections.values():
            connection.stop("the forwarder is busy", congested)

    # ---- connections -------------------------------------------------------

    def connected(self, connection: Connection) -> int:
        """Takes a connection in, or hangs up on one too many; its session's number."""
        session = self._next_session()
        self.connections[session] = connection
        self._services += connection.service
        if self._link is None:
            connection.hang_up("there is no forwarder; connect again")
            return session
        if connection.service and self._services > SERVICES_MAX:
            connection.hang_up(f"there are {SERVICES_MAX} connections already")
            return session
        now = asyncio.get_running_loop().time()
        self.carry_out(
            self.agent.opened(
                session, now, service=connection.service, probe=connection.probe
            )
        )  # fmt: skip
        return session

    def received(self, session: int, data: bytes) -> None:
        """Hands a peer's bytes to the agent and carries out what follows."""
        self.carry_out(self.agent.received(session, data, asyncio.get_running_loop().time()))

    def writable(self, session: int) -> None:
        """Lets a peer go on that had been too slow to be answered."""
        if session in self._waiting:
            self._queue(session)

    def disconnected(self, session: int) -> None:
        """Forgets a session, here and in the forwarder."""
        self._waiting.discard(session)
        state = self.agent.sessions.get(session)
        connection = self.connections.pop(session)
        self._services -= connection.service
        connection.spoke = state is not None and state.agreed
        self.agent.closed(session)
        if connection.spoke:  # else the forwarder never heard of it
            self._post(Command.SESSION_END, b"", session)
        if not connection.service:  # thousands may end at once
            self._check_led()

    def _check_led(self) -> None:
        sessions = self.agent.sessions.values()
        led = any(session.agreed and not session.service for session in sessions)
        if led != self._led:
            self._led = led
            self.on_led(led)

    @property
    def led(self) -> bool:
        """A controller is connected."""
        return self._led

    def introduce(self, dpid: int, versions: tuple[int, ...]) -> None:
        """The bridge has another identity: peers are hung up on, to meet it anew."""
        self.agent.view.dpid, self.agent.versions = dpid, versions
        self.snoop.versions = versions
        for connection in list(self.connections.values()):
            connection.hang_up("the bridge has a new datapath id or other protocols")

    # ---- ports -------------------------------------------------------------

    def port_added(self, port: PortDesc) -> None:
        """Tells peers of a port that is new."""
        self.carry_out(self.agent.port_added(port))

    def port_removed(self, number: int) -> None:
        """Tells peers of a port that is gone."""
        self.carry_out(self.agent.port_removed(number))

    def port_changed(self, port: PortDesc) -> None:
        """Tells peers of a port that is another way now."""
        self.carry_out(self.agent.port_changed(port))

    # ---- effects -----------------------------------------------------------

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Does what the agent decided, in order."""
        for effect in effects:
            _DOERS[type(effect)](self, effect)

    def _send(self, effect: Send) -> None:
        if connection := self.connections.get(effect.session):
            self._show(connection, effect.data, connection.say(effect.data))

    def _show(self, connection: Connection, data: bytes, taken: bool) -> None:
        """What a controller is sent, to those who snoop."""
        if taken and not connection.service:
            self.snoop.copy(data)

    def _heard(self, effect: Heard) -> None:
        self.snoop.copy(effect.data)

    def _watched(self, watched: bool) -> None:
        self.agent.snooped = watched

    def _relay(self, effect: Relay) -> None:
        self._post(Command.OPENFLOW, effect.data, effect.session)

    def _subscribe(self, effect: Subscribe) -> None:
        self._post(Command.SESSION, effect.spec.pack(), effect.session)
        self._check_led()

    def _set_port(self, effect: SetPort) -> None:
        self._post(Command.PORT_SET, effect.port.pack(), 0)

    def _pause(self, effect: Pause) -> None:
        if connection := self.connections.get(effect.session):
            connection.stop("it waits for a barrier", effect.paused)

    def _later(self, effect: Later) -> None:
        """The session goes on when it is its turn, unless it reads slowly."""
        if connection := self.connections.get(effect.session):
            connection.stop("it asked for much", True)
            self._waiting.add(effect.session)
            self._queue(effect.session)

    def _queue(self, session: int) -> None:
        self._turns.append(session)
        if len(self._turns) == 1:
            asyncio.get_running_loop().call_soon(self._take_turns)

    def _take_turns(self) -> None:
        """Turns for TURNS_SECONDS: many sessions that asked for much, together, must not keep the
        others waiting either."""
        loop = asyncio.get_running_loop()
        end = loop.time() + TURNS_SECONDS
        while self._turns:
            self._next_turn(self._turns[0])
            self._turns.popleft()
            if self._turns and loop.time() >= end:
                loop.call_soon(self._take_turns)
                return

    def _next_turn(self, session: int) -> None:
        connection = self.connections.get(session)
        if connection is None or connection.slow or session not in self._waiting:
            return
        self._waiting.discard(session)
        connection.stop("it asked for much", False)
        self.carry_out(self.agent.go_on(session))

    def _hang_up(self, effect: HangUp) -> None:
        if connection := self.connections.get(effect.session):
            (connection.abort if effect.at_once else connection.hang_up)(effect.reason)

    def _post(self, command: Command, payload: bytes, session: int) -> None:
        if self._link is not None:
            self._link.post(command, payload, self.bridge, session)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            self.carry_out(self.agent.tick(now))
            for connection in list(self.connections.values()):
                if why := connection.stuck(now):
                    connection.abort(why)

    def close(self) -> None:
        """Ends every session; the bridge is gone from the forwarder."""
        self._link = None
        self._ticker.cancel()
        self.snoop.close()
        for connection in list(self.connections.values()):
            connection.hang_up("the bridge is gone")


_DOERS: dict[type[Any], Callable[[Exchange, Any], None]] = {
    Send: Exchange._send,
    Relay: Exchange._relay,
    Heard: Exchange._heard,
    Subscribe: Exchange._subscribe,
    SetPort: Exchange._set_port,
    Pause: Exchange._pause,
    Later: Exchange._later,
    HangUp: Exchange._hang_up,
}
