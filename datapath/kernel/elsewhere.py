"""TAPs that are in another network namespace: what they are like there, and when to look again.

An interface that was moved to a container is the container's: its root may give it another MTU or
switch it off.  A socket that was opened in there would keep the namespace alive, and nobody would
learn that the container has ended.  So the TAP's own descriptor leads there for the moment of a
question, and a socket of ours listens to every namespace that has a number in ours, which moving an
interface gives it.

What that socket hears is made by strangers, as often as they like.  Nothing of it is believed or
even decoded: it says where to look again, and whoever reads it decides how often.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

from datapath.kernel.link import Link, link
from datapath.kernel.netlink import converse
from datapath.kernel.problem import kernel_error
from datapath.kernel.tap import tap_interface

# linux/if_tun.h
_TUNGETDEVNETNS = 0x54E3
# linux/netlink.h
_SOL_NETLINK, _LISTEN_ALL_NSID = 270, 8
_RTMGRP_LINK = 0x1
_AT_ONCE = 1000
_NUMBER = struct.Struct("=i")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a TAP's interface is, and what it is like: `namespace` is the number that ours has for
    its namespace; None: it has none, as ours itself."""

    namespace: int | None
    link: Link


def whereabouts(tap: int) -> Whereabouts:
    """Of the TAP with the descriptor `tap`.  KernelError: it is gone, or may not be looked at.

    Blocks for 2 to 4 ms; any thread.
    """
    there, name = _way(tap)
    try:
        found = link(name, there)
        if found is None:  # it got another name, or moved on, while it was asked for
            raise kernel_error(f"interface {name}", errno.ENODEV)
        return Whereabouts(converse(lambda talk: talk.number_of(there)), found)
    finally:
        os.close(there)


def _way(tap: int) -> tuple[int, str]:
    """A descriptor of the namespace, and the interface's name in it."""
    try:
        there = fcntl.ioctl(tap, _TUNGETDEVNETNS, 0)
    except OSError as error:
        raise kernel_error("namespace of a TAP", error.errno or errno.EIO) from error
    name = tap_interface(tap)
    if not name:
        os.close(there)
        raise kernel_error("name of a TAP", errno.ENODEV)
    return there, name


class NamespaceWatch:
    """Says in which other namespaces some interface has changed.  One thread."""

    def __init__(self) -> None:
        self._socket = _open_socket()

    def fileno(self) -> int:
        """The descriptor that is readable when something has changed; it stays the watch's."""
        return self._socket.fileno()

    def close(self) -> None:
        """Watches no more."""
        self._socket.close()

    def read(self) -> frozenset[int] | None:
        """Numbers of the namespaces, in no time; None: there was more than could be told, so it
        may be any."""
        found: set[int] = set()
        for _ in range(_AT_ONCE):
            try:
                _, ancillary, _, _ = self._socket.recvmsg(1, socket.CMSG_SPACE(_NUMBER.size))
            except BlockingIOError:
                return frozenset(found)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise kernel_error("watch namespaces", error.errno or errno.EIO) from error
                return None
            found.update(
                _NUMBER.unpack_from(data)[0]
                for level, kind, data in ancillary
                if (level, kind) == (_SOL_NETLINK, _LISTEN_ALL_NSID)
            )
        return None


def _open_socket() -> socket.socket:
    sock = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
    )
    try:
        sock.setsockopt(_SOL_NETLINK, _LISTEN_ALL_NSID, 1)
        sock.bind((0, _RTMGRP_LINK))
    except OSError as error:
        sock.close()
        raise kernel_error("watch namespaces", error.errno or errno.EIO) from error
    return sock
