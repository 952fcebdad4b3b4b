"""Open files beside the bytes of a stream: what a request lends rides with its first byte.

A name such as /proc/7/ns/net means something only to who says it: another process has the number 7
in another pid namespace.  So a caller opens what it means and lends the descriptor (SCM_RIGHTS).
The kernel ends a read behind the bytes that descriptors came with; so once no part of a line is
left over, whatever was lent and not claimed belongs to no request, and is closed.
"""

from __future__ import annotations

import os
import socket

__all__ = ["LENT_MAX", "Lent", "TooMany", "receive", "send"]

LENT_MAX = 4
"""Descriptors that one connection may have lent us without a request that claims them."""

_ROOM = socket.CMSG_SPACE(LENT_MAX * 4)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class TooMany(Exception):
    """A peer sent more descriptors than any request takes; they are closed."""


def send(connection: socket.socket, data: bytes, lent: Sequence[int]) -> None:
    """Sends all of 'data' on a blocking socket with descriptors beside it, which stay ours."""
    sent = socket.send_fds(connection, [data], lent) if lent else 0
    if sent < len(data):
        connection.sendall(memoryview(data)[sent:])


def receive(connection: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """Up to 'size' bytes (none: the end) and the descriptors that came along, now the caller's.

    They close on exec from the start.  TooMany when they were more than LENT_MAX.
    """
    data, beside, flags, _ = connection.recvmsg(size, _ROOM, socket.MSG_CMSG_CLOEXEC)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS)
    came = [fd for *kind, numbers in beside if tuple(kind) == rights for fd in _numbers(numbers)]
    if flags & socket.MSG_CTRUNC or len(came) > LENT_MAX:
        _close(came)
        raise TooMany
    return data, came


def _numbers(data: bytes) -> list[int]:
    """The kernel's array of int, a part of one at its end left out."""
    whole = memoryview(data)[: len(data) // 4 * 4]
    return list(whole.cast("i"))


class Lent:
    """What one connection has lent, in order, until requests claim it.  Used as a context: what is
    left at its end is closed."""

    def __init__(self) -> None:
        self._fds: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._fds)

    def add(self, fds: Sequence[int]) -> None:
        """Holds them as well; TooMany if that is more than a request takes: then all are closed."""
        self._fds += fds
        if len(self._fds) > LENT_MAX:
            self.close()
            raise TooMany

    def take(self, count: int) -> list[int]:
        """The first 'count', now the caller's; fewer if there are fewer."""
        taken, self._fds = self._fds[:count], self._fds[count:]
        return taken

    def close(self) -> None:
        """Closes what nobody claimed."""
        _close(self.take(len(self._fds)))


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
