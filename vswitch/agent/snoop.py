"""RUN/<bridge>.snoop: whoever connects sees what the bridge and its controllers say to each other.

    ovs-ofctl -O OpenFlow13 snoop unix:RUN/br0.snoop

After hellos like everybody's a snooper is sent a copy of each OpenFlow message of the bridge's
sessions with its controllers, both directions, in the order in which the switch handled them.
What it says itself is not listened to.  It never holds anything up: what a slow one leaves unread
beyond UNREAD_MAX it loses, message by message, and the losses are counted (HARDENING S7).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from datapath.problems import ProtocolProblem
from vswitch.agent.session import HELLO_SECONDS
from vswitch.openflow import Frames, answer, decode, encode, negotiate, own_hello, refusal
from vswitch.openflow.messages.session import Hello

log = logging.getLogger("vswitch.openflow")

UNREAD_MAX = 1 << 20
"""Bytes that a snooper may leave unread before it loses messages."""

SNOOPERS_MAX = 8
"""Snoopers of a bridge at a time: more are turned away."""


class Snoop:
    """The snoopers of a bridge that offers 'versions'; 'watched' hears whether there are any."""

    def __init__(self, versions: tuple[int, ...], watched: Callable[[bool], None]) -> None:
        self.versions = versions
        self.lost = 0
        """Copies that snoopers were too slow for."""
        self._watched = watched
        self._snoopers: set[Snooper] = set()

    def copy(self, data: bytes) -> None:
        """Whole messages that a session sent or received."""
        for snooper in self._snoopers:
            if not snooper.send(data):
                snooper.lost += 1
                self.lost += 1

    def came(self, snooper: Snooper) -> bool:
        """A snooper has said hello; False if there are too many."""
        if len(self._snoopers) >= SNOOPERS_MAX:
            return False
        self._snoopers.add(snooper)
        self._watched(True)
        return True

    def went(self, snooper: Snooper) -> None:
        """A snooper is gone."""
        self._snoopers.discard(snooper)
        self._watched(bool(self._snoopers))

    def close(self) -> None:
        """Hangs up on everybody."""
        for snooper in list(self._snoopers):
            snooper.end()


class Snooper(asyncio.Protocol):
    """One connection of somebody who watches."""

    def __init__(self, snoop: Snoop) -> None:
        self.lost = 0
        self._snoop = snoop
        self._frames: Frames | None = Frames()
        """What it says before its hello is whole; None once nobody listens any more."""
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(encode(own_hello(self._snoop.versions)))
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(HELLO_SECONDS, self.end)

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            return
        try:
            for message in self._frames.feed(data):
                self._greet(message)
                return
        except ProtocolProblem as problem:
            self._refuse(encode(answer(problem)))

    def _greet(self, message: bytes) -> None:
        """Takes the first message, which has to be a hello, and begins to copy."""
        self._frames = None
        theirs = decode(message)
        if not isinstance(theirs, Hello):
            self.end()
        elif not negotiate(self._snoop.versions, theirs):
            self._refuse(encode(refusal(self._snoop.versions, theirs)))
        elif not self._snoop.came(self):
            self.end()
        elif self._patience:
            self._patience.cancel()

    def _refuse(self, error: bytes) -> None:
        self._frames = None
        if self._transport:
            self._transport.write(error)
        self.end()

    def send(self, data: bytes) -> bool:
        """Sends a copy; False if it was lost since too much is unread."""
        if self._transport is None or self._transport.is_closing():
            return True
        if self._transport.get_write_buffer_size() + len(data) > UNREAD_MAX:
            return False
        self._transport.write(data)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._patience:
            self._patience.cancel()
        if self.lost:
            log.info("a snooper read too slowly: it lost %d copies", self.lost)
        self._snoop.went(self)

    def end(self) -> None:
        """Closes the connection; whatever it leaves unread is given up."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()
