"""One connection to a peer: bytes to the exchange and back, never more in memory than allowed.

Writing is gathered for one turn of the event loop, so a burst of packet-ins costs one system
call.  A peer that does not read is not read from either; past TX_MAX its packet-ins are dropped
and counted, and past TX_LIMIT, which only answers and removed flows can reach, it is hung up on
(HARDENING S7).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, cast

log = logging.getLogger("vswitch.openflow")

TX_MAX = 8 << 20
"""Bytes for a peer above which its packet-ins are dropped."""

TX_LIMIT = 64 << 20
"""Bytes for a peer above which the connection is closed."""

TX_SLOW = 1 << 20
"""Bytes for a peer above which it is not read from."""


class Owner(Protocol):
    """Who handles the connection's events."""

    def connected(self, connection: Connection) -> int:
        """A new connection; returns its session's number."""

    def received(self, session: int, data: bytes) -> None: ...

    def writable(self, session: int) -> None:
        """The peer, which had been slow, has read what was sent."""

    def disconnected(self, session: int) -> None: ...


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
        self.dropped = 0
        """Packet-ins that were not sent since the peer was too slow."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.slow = False
        """More is unread than TX_SLOW."""
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._stops: set[str] = set()

    # ---- what asyncio calls ------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=TX_SLOW)
        self.session = self.owner.connected(self)

    def data_received(self, data: bytes) -> None:
        self.owner.received(self.session, data)

    def pause_writing(self) -> None:
        self.slow = True
        self.stop("it reads slowly", True)

    def resume_writing(self) -> None:
        self.slow = False
        self.stop("it reads slowly", False)
        self.owner.writable(self.session)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._out.clear()
        self.owner.disconnected(self.session)
        if not self.closed.done():
            self.closed.set_result(None)

    # ---- what the exchange calls -------------------------------------------

    def write(self, data: bytes, lossy: bool = False) -> bool:
        """Sends whole messages; 'lossy' ones may be dropped when the peer is slow.

        False when they were not taken.
        """
        if self._transport is None:
            return False
        waiting = self._transport.get_write_buffer_size() + self._out_bytes + len(data)
        if lossy and waiting > TX_MAX:
            self.dropped += 1
            return False
        if waiting > TX_LIMIT:
            self.abort(f"it left {waiting} bytes unread")
            return False
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)
        self._out_bytes += len(data)
        return True

    def _flush(self) -> None:
        data, self._out, self._out_bytes = b"".join(self._out), [], 0
        if self._transport is not None and data:
            self._transport.write(data)

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
        """Closes the connection once everything written so far is sent."""
        if self._transport is None or self._transport.is_closing():
            return
        log.info("%s: closed: %s", self.peer, why)
        self._flush()
        self._transport.close()

    def abort(self, why: str) -> None:
        """Closes the connection at once."""
        log.warning("%s: closed: %s", self.peer, why)
        if self._transport is not None:
            self._transport.abort()
