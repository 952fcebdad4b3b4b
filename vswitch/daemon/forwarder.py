"""A forwarder that this daemon drives: reached if one is there, started if not, dumped, ended.

Whatever way it was reached, the daemon asks it what it holds; a new one answers "nothing", an
adopted one answers with its bridges and a duplicate of every port's descriptor.  The journal is
memory that both hold: what controllers have made survives in it when the forwarder dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from datapath.frames import BridgeSpec, Command, Event, Frame, Hello, PortSpec
from vswitch.daemon import process
from vswitch.daemon.folders import Folders
from vswitch.daemon.link import Answer, ForwarderGone, Link, Refused, connect, greet
from vswitch.errors import Failure

log = logging.getLogger("vswitch.daemon")

BUSY_SECONDS = 2.0
"""How long a forwarder may take to notice that its last daemon died."""

END_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Forwarder:
    """A forwarder that has said hello.  'journal': where it writes what peers have made, or -1;
    whoever holds that descriptor can give it to the next forwarder."""

    link: Link
    hello: Hello
    journal: int
    watch: process.Watch
    adopted: bool
    child: process.Child | None = None

    def started(self) -> float:
        """When it was started, in Unix seconds."""
        return time.time() - (time.monotonic_ns() - self.hello.started_ns) / 1e9

    async def end(self) -> None:
        """Tells it to end and waits until it has; kills it if it won't."""
        with contextlib.suppress(Refused, ForwarderGone):
            await self.link.ask(Command.SHUTDOWN)
        self.link.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self.watch.ended), END_SECONDS)
        if not self.watch.ended.done():
            self.watch.kill()
            await self.watch.ended
        self.reap()

    def reap(self) -> None:
        """Lets go of a process that has ended."""
        self.watch.close()
        if self.child:
            self.child.ended()


@dataclass(frozen=True, slots=True)
class Held:
    """A bridge that a forwarder holds, with its number, and ports with their descriptors."""

    id: int
    spec: BridgeSpec
    ports: tuple[tuple[PortSpec, int], ...]


async def reach(
    folders: Folders,
    ephemeral: bool,
    on_event: Callable[[Frame], None],
    on_congested: Callable[[bool], None],
    journal: int,
) -> Forwarder:
    """Adopts the forwarder of the run folder, or starts one, which gets 'journal' (-1: none).

    Failure says why neither works.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        child = None
        try:
            sock = await connect(folders.forwarder)
        except OSError:
            sock, child = await process.start(folders, ephemeral)
        link = Link(sock, on_event, on_congested)
        try:
            hello, own = await greet(link, journal if child else -1)
        except (ForwarderGone, Refused) as error:
            link.close()
            if isinstance(error, Refused) or time.monotonic() > deadline:
                do = "end it with `vswitch shutdown` of the release that started it"
                raise Failure("forwarder", str(error), do) from None
            await asyncio.sleep(process.STEP_SECONDS)  # its last daemon died a moment ago
            continue
        watch = process.Watch(hello.pid)
        return Forwarder(link, hello, own, watch, adopted=child is None, child=child)


async def dump(link: Link) -> list[Held]:
    """What the forwarder holds; the descriptors now belong to the caller."""
    answers = await link.ask(Command.DUMP)
    ports: dict[int, list[tuple[PortSpec, int]]] = {}
    for answer in answers:
        if answer.frame.type == Event.PORT:
            ports.setdefault(answer.frame.bridge, []).append(_port(answer))
    return [
        Held(
            a.frame.bridge, BridgeSpec.unpack(a.frame.payload), tuple(ports.get(a.frame.bridge, ()))
        )
        for a in answers
        if a.frame.type == Event.BRIDGE
    ]


def _port(answer: Answer) -> tuple[PortSpec, int]:
    return PortSpec.unpack(answer.frame.payload), answer.fd
