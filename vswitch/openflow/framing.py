"""Whole messages cut out of a stream of bytes, by their headers alone.

Feed what came, in whatever pieces; take whole messages.  A header that can't be
true ends the stream: with the length wrong, nobody knows where the next message
begins (S2).  At most one message and one feed's bytes are held.
"""

from __future__ import annotations

from collections.abc import Iterator

from datapath.problems import Error, ProtocolProblem
from vswitch.openflow.codec import HEADER, HELLO_TYPE


class Frames:
    """One direction of one connection.

    'version' is what the peers agreed on, None before: then any is let through.  A hello
    may always have its own.
    """

    def __init__(self, version: int | None = None) -> None:
        self.version = version
        self._held = bytearray()

    @property
    def held(self) -> int:
        """Bytes that wait for the rest of their message."""
        return len(self._held)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes 'data' at once; yields the messages that are whole by now, one at a time.

        What is not taken from the iterator comes with the next feed.  ProtocolProblem,
        behind the messages before it, for a header that can't be true: close the
        connection.
        """
        self._held += data
        return self._whole()

    def _whole(self) -> Iterator[bytes]:
        while len(self._held) >= HEADER.size:
            size = self._checked_size()
            if len(self._held) < size:
                return
            message = bytes(self._held[:size])
            del self._held[:size]
            yield message

    def _checked_size(self) -> int:
        """The size of the message at the front."""
        version, number, size, xid = HEADER.unpack_from(self._held)
        front = bytes(self._held[: HEADER.size])
        if size < HEADER.size:
            raise ProtocolProblem(
                Error.BAD_REQUEST_BAD_LEN, f"a message of {size} bytes", front, xid
            )
        if self.version not in (None, version) and number != HELLO_TYPE:
            why = f"version {version} where {self.version} was agreed"
            raise ProtocolProblem(Error.BAD_REQUEST_BAD_VERSION, why, front, xid)
        return int(size)
