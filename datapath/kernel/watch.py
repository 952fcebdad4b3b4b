"""Watching interfaces come, change and go: a descriptor for an event loop, and what it says.

The watch remembers the links it knows, so every change is told as old and new, and
when the kernel had more to say than the socket could hold, the watch asks anew
and tells the difference: no change is missed for good.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import Any

from datapath.kernel.link import Link, link_from_message, links
from datapath.kernel.problem import kernel_error

_RTMGRP_LINK = 0x1
_RTM_NEWLINK, _RTM_DELLINK = 16, 17
_AF_UNSPEC = 0  # a bridge tells of its members in messages of its own family
_BUFFER = 1 << 18


@dataclass(frozen=True, slots=True)
class LinkChange:
    """An interface appeared (`old` is None), changed, or went (`new` is None)."""

    old: Link | None
    new: Link | None


class LinkWatch:
    """Changes of the interfaces of this namespace from now on.

    With asyncio: `loop.add_reader(watch.fileno(), lambda: handle(watch.read()))`.  One thread.
    """

    def __init__(self) -> None:
        self._socket = _open_socket()
        self._known = {link.index: link for link in links()}

    @property
    def known(self) -> tuple[Link, ...]:
        """The interfaces as last told."""
        return tuple(self._known.values())

    def fileno(self) -> int:
        """The descriptor that is readable when something has changed; it stays the watch's."""
        return self._socket.fileno()

    def close(self) -> None:
        """Watches no more."""
        self._socket.close()

    def __enter__(self) -> LinkWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> list[LinkChange]:
        """The changes that wait, oldest first; never blocks (a few ms after an overrun)."""
        changes: list[LinkChange] = []
        while True:
            try:
                data = self._socket.recv(_BUFFER)
            except BlockingIOError:
                return changes
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise kernel_error("watch interfaces", error.errno or errno.EIO) from error
                changes += self._ask_anew()
            else:
                for message in _parse(data):
                    changes += self._take(message)

    def _take(self, message: Any) -> list[LinkChange]:
        if message["family"] != _AF_UNSPEC:
            return []
        link = link_from_message(message)
        gone = message["header"]["type"] == _RTM_DELLINK
        return self._learn(link.index, None if gone else link)

    def _learn(self, index: int, new: Link | None) -> list[LinkChange]:
        old = self._known.pop(index, None)
        if new is not None:
            self._known[index] = new
        return [] if old == new else [LinkChange(old, new)]

    def _ask_anew(self) -> list[LinkChange]:
        now = {link.index: link for link in links()}
        changes: list[LinkChange] = []
        for index in sorted(self._known.keys() | now.keys()):
            changes += self._learn(index, now.get(index))
        return changes


def watch() -> LinkWatch:
    """A new watch; the caller closes it."""
    return LinkWatch()


def _open_socket() -> socket.socket:
    sock = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
    )
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind((0, _RTMGRP_LINK))
    except OSError as error:
        sock.close()
        raise kernel_error("watch interfaces", error.errno or errno.EIO) from error
    return sock


def _parse(data: bytes) -> list[Any]:
    """The link messages in a datagram from the kernel."""
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    messages: list[Any] = []
    at = 0
    while at + 16 <= len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        kind = int.from_bytes(data[at + 4 : at + 6], "little")
        if not 16 <= size <= len(data) - at:
            break
        if kind in (_RTM_NEWLINK, _RTM_DELLINK):
            message = ifinfmsg(data[at : at + size])
            message.decode()
            messages.append(message)
        at += (size + 3) & ~3
    return messages
