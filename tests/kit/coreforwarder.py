"""Forwarders inside the test's own process: the C core behind a socket pair, without ports.

A `Life` stands for what `vswitch.daemon.forwarder.reach` finds: the forwarder that is there, or a
new one, as soon as one may start.  So a daemon can be tested whole, deaths included, without
another process.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

from datapath.ffi import Core
from datapath.frames import FRAME_MAX, Command, Frame
from vswitch.daemon.forwarder import Forwarder
from vswitch.daemon.link import ForwarderLink, greet


class CoreForwarder:
    """One forwarder; it serves one daemon after the other.  'told' is what it was told; of the
    command 'last' it dies before it has done anything about it."""

    def __init__(self, last: Command | None = None) -> None:
        self.core = Core(1)
        self.sock: socket.socket | None = None
        self.last = last
        self.told: list[Frame] = []
        self.dead = False

    def connect(self) -> socket.socket:
        """The daemon's end of a new connection."""
        theirs, self.sock = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.setblocking(False)
        asyncio.get_running_loop().add_reader(self.sock, self._serve, self.sock)
        return theirs

    def _serve(self, sock: socket.socket) -> None:
        data, ancillary, _, _ = sock.recvmsg(FRAME_MAX, socket.CMSG_SPACE(4))
        if not data:
            self._part(sock)
            return
        fds = [fd for _, _, raw in ancillary for fd in array.array("i", raw)]
        self.told.append(Frame.unpack(data))
        if self.told[-1].type == self.last:
            for fd in fds:
                os.close(fd)
            self.die()
            return
        self.core.command(data, 1, fds[0] if fds else -1)
        while (event := self.core.event()) is not None:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [event[1]]))]
            sock.sendmsg([event[0]], rights if event[1] >= 0 else [])

    def _part(self, sock: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(sock)
        sock.close()

    def die(self) -> None:
        if self.dead:
            return
        self.dead = True
        if self.sock and self.sock.fileno() >= 0:
            self._part(self.sock)
        self.core.close()


class _Watch:
    """Of a process that is none, and so has ended whenever that is waited for."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended.set_result(None)

    def close(self) -> None:
        """Nothing is watched."""


class Life:
    """Forwarders one after the other; `kill` ends the one there is, `allow` lets the next start."""

    def __init__(self) -> None:
        self.forwarder: CoreForwarder | None = None
        self.last_words: list[Command] = []
        """What each of the next forwarders dies of."""
        self._may_start = asyncio.Event()
        self._may_start.set()

    async def reach(
        self, folders: Any, ephemeral: bool, on_event: Callable[[Frame], None],
        on_congested: Callable[[bool], None], journal: int, adopt: bool = False,
    ) -> Forwarder:  # fmt: skip
        """As `vswitch.daemon.forwarder.reach`."""
        adopted = self.forwarder is not None and not self.forwarder.dead
        if self.forwarder is None or self.forwarder.dead:
            await self._may_start.wait()
            self.forwarder = CoreForwarder(self.last_words.pop(0) if self.last_words else None)
        link = ForwarderLink(self.forwarder.connect(), on_event, on_congested)
        hello, own = await greet(link, -1 if adopted else journal)
        watch: Any = _Watch()
        return Forwarder(link, hello, own, watch, adopted)

    def kill(self) -> None:
        """The forwarder dies, and no other comes before `allow`."""
        assert self.forwarder
        self._may_start.clear()
        self.forwarder.die()
        self.forwarder = None

    def allow(self) -> None:
        self._may_start.set()

    def close(self) -> None:
        if self.forwarder:
            self.forwarder.die()
            self.forwarder = None
