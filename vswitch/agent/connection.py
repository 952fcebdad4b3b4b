"""One connection to a peer: bytes to the exchange and back, never more in memory than allowed.

Three kinds of bytes go to a peer.  What the agent *says* (echoes, answers to rare messages) is
gathered for one turn of the event loop.  What the forwarder *answers* comes in long pieces and is
written at once.  *Packet-ins* wait here, not in the transport or in the kernel, until the peer has
read what went before: so what the agent says overtakes them, an echo never stands behind a flood
(HARDENING S15), and past PACKET_INS_MAX they are dropped and counted.  Answers overtake nothing:
packet-ins that were made before a barrier's reply are written before it.

A peer that does not read is not read from either, and past TX_LIMIT, which only answers and
removed flows can reach, it is hung up on (HARDENING S7).  So is a controller that has taken nothing
of what waits for it in twice the time after which a silent one is asked for an echo: what it says
meanwhile is no sign that it leads.  Whoever is hung up on has LAST_WORDS_SECONDS to read what was
written before: an end that waits for a peer to read would never come.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from typing import Protocol, cast

log = logging.getLogger("vswitch.openflow")

PACKET_INS_MAX = 512 << 10
"""Bytes of packet-ins waiting for a peer above which further ones are dropped."""

TX_LIMIT = 64 << 20
"""Bytes for a peer above which the connection is closed."""

TX_SLOW = 1 << 20
"""Bytes for a peer above which it is not read from."""

PIECE = 16 << 10
"""Bytes of packet-ins that go to the transport at a time."""

LAST_WORDS_SECONDS = 1.0
"""How long a connection that ends waits for its peer to read what it was sent."""

UNSENT_MAX = 32 << 10
"""Bytes that the kernel holds for a peer and has not sent yet (TCP_NOTSENT_LOWAT); what is on its
way to a distant peer doesn't count."""


class Owner(Protocol):
    """Who handles the connection's events."""

    def connected(self, connection: Connection) -> int:
        """A new connection; returns its session's number."""

    def received(self, session: int, data: bytes) -> None:
        """Bytes came from the peer."""

    def writable(self, session: int) -> None:
        """The peer, which had been slow, has read what was sent."""

    def disconnected(self, session: int) -> None:
        """The connection is over; its number is not used again."""


class Connection(asyncio.Protocol):
    """A stream with an OpenFlow peer; 'peer' is for the log."""

    def __init__(self, owner: Owner, peer: str, *, service: bool, probe: float) -> None:
        self.owner = owner
        self.peer = peer
        self.service = service
        self.probe = probe
        self.session = 0
        self.spoke = False
        """Once it is over: hellos had been exchanged."""
        self.why = ""
        """Once it is over, or about to be: why, in words."""
        self.dropped = 0
        """Packet-ins that were not sent since the peer was too slow."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.slow = False
        """More is unread than TX_SLOW."""
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        """What goes at the end of this turn."""
        self._out_bytes = 0
        self._packet_ins: deque[bytes] = deque()
        self._packet_in_bytes = 0
        self._blocked = False
        """The transport holds bytes that the kernel did not take."""
        self._written = 0
        """Bytes that the transport was given, ever."""
        self._stuck: tuple[int, float] | None = None
        """How many of these the kernel had when it was looked last and took no more, and since
        when."""
        self._flushing = False
        """A flush at the end of this turn is on its way."""
        self._stops: set[str] = set()

    # ---- what asyncio calls ------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)
        sock = transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_MAX)
        self.session = self.owner.connected(self)

    def data_received(self, data: bytes) -> None:
        self.owner.received(self.session, data)

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        if self.slow:  # before any packet-in goes: a flood of these must not keep it so
            self.slow = False
            self.stop("it reads slowly", False)
            self.owner.writable(self.session)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.why = self.why or f"the peer closed it{f': {exc}' if exc else ''}"
        self._out.clear()
        self._forget_packet_ins()
        self.owner.disconnected(self.session)
        if not self.closed.done():
            self.closed.set_result(None)

    # ---- what the exchange calls -------------------------------------------

    def say(self, data: bytes) -> bool:
        """Sends whole messages of the agent's own.  False when they were not taken."""
        if not self._has_room(len(data)):
            return False
        self._out.append(data)
        self._out_bytes += len(data)
        self._flush_later()
        return True

    def answer(self, data: bytes) -> bool:
        """Sends whole messages of the forwarder's, behind all that came before."""
        if not self._has_room(len(data)):
            return False
        self._out += [*self._packet_ins, data]
        self._out_bytes += self._packet_in_bytes + len(data)
        self._forget_packet_ins()
        self._flush()
        return True

    def offer(self, data: bytes) -> bool:
        """Sends packet-ins, or drops them when too many wait."""
        if self._is_over():
            return False
        if self._packet_in_bytes + len(data) > PACKET_INS_MAX:
            self.dropped += 1
            return False
        self._packet_ins.append(data)
        self._packet_in_bytes += len(data)
        if self._packet_in_bytes >= PIECE:
            self._flush()
        elif not self._blocked:
            self._flush_later()
        return True

    def stuck(self, now: float) -> str:
        """Why the peer has to be given up since it reads nothing, or ''; asked now and then.

        One that is never asked for an echo (a unix listener's) may take all the time it likes.
        """
        if not self._blocked or not self.probe or self._transport is None:
            self._stuck = None
            return ""
        unread = self._transport.get_write_buffer_size()
        taken = self._written - unread
        if self._stuck is None or self._stuck[0] != taken:
            self._stuck = taken, now
        if now - self._stuck[1] < 2 * self.probe:
            return ""
        return f"it has read nothing for {2 * self.probe:g} s, and {unread} bytes wait for it"

    def _is_over(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _has_room(self, size: int) -> bool:
        """Whether so many bytes more may wait; ends the connection if not."""
        if self._transport is None or self._transport.is_closing():
            return False
        unread = self._transport.get_write_buffer_size()
        waiting = unread + self._out_bytes + self._packet_in_bytes + size
        if waiting > TX_LIMIT:
            self.abort(f"it left {waiting} bytes unread")
            return False
        return True

    def _flush_later(self) -> None:
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flushing = False
        self._flush()

    def _flush(self) -> None:
        """To the transport: all that is no packet-in, then packet-ins until it is full."""
        if self._out:
            self._write(b"".join(self._out))
            self._out.clear()
            self._out_bytes = 0
        while self._packet_ins and not self._blocked:
            self._write(self._next_piece())

    def _forget_packet_ins(self) -> None:
        self._packet_ins.clear()
        self._packet_in_bytes = 0

    def _next_piece(self) -> bytes:
        piece, size = [], 0
        while self._packet_ins and size < PIECE:
            piece.append(self._packet_ins.popleft())
            size += len(piece[-1])
        self._packet_in_bytes -= size
        return b"".join(piece)

    def _write(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._transport.write(data)
        self._written += len(data)
        if not self.slow and self._transport.get_write_buffer_size() > TX_SLOW:
            self.slow = True
            self.stop("it reads slowly", True)

    def stop(self, why: str, stopped: bool) -> None:
        """Stops reading from the peer for a reason, or takes that reason back."""
        before = bool(self._stops)
        (self._stops.add if stopped else self._stops.discard)(why)
        if self._transport is None or before == bool(self._stops):
            return
        if self._stops:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def hang_up(self, why: str) -> None:
        """Closes the connection once everything written so far is sent, but for packet-ins, or
        after LAST_WORDS_SECONDS: a peer may never read it."""
        if self._transport is None or self._transport.is_closing():
            return
        self.why = self.why or why
        log.info("%s: closed: %s", self.peer, why)
        self._forget_packet_ins()
        self._flush()
        self._transport.close()
        if self._transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, self._transport.abort)

    def abort(self, why: str) -> None:
        """Closes the connection at once."""
        self.why = self.why or why
        log.warning("%s: closed: %s", self.peer, why)
        if self._transport is not None:
            self._transport.abort()
