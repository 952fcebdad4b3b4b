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
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from datapath.frames import BridgeSpec, Command, Event, ForwarderHello, Frame, PortSpec, QueueSpec
from vswitch.daemon import process
from vswitch.daemon.folders import Folders
from vswitch.daemon.heart import Heart
from vswitch.daemon.link import (
    Answer,
    ForwarderGone,
    ForwarderLink,
    ForwarderRefused,
    connect,
    greet,
)
from vswitch.errors import Failure

log = logging.getLogger("vswitch.daemon")

BUSY_SECONDS = 2.0
"""How long a forwarder may take to notice that its last daemon died."""

END_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Forwarder:
    """A forwarder that has said hello.  'journal': where it writes what peers have made, or -1;
    whoever holds that descriptor can give it to the next forwarder."""

    link: ForwarderLink
    hello: ForwarderHello
    journal: int
    watch: process.Watch
    adopted: bool
    child: process.Child | None = None
    heart: Heart | None = None
    instead_of: str = ""
    """What the one before had done that hung when it was met, and was killed."""

    def started(self) -> float:
        """When it was started, in Unix seconds."""
        return time.time() - (time.monotonic_ns() - self.hello.started_ns) / 1e9

    async def end(self) -> None:
        """Tells it to end and waits until it has; kills it if it won't, or hears nothing."""
        with contextlib.suppress(ForwarderRefused, ForwarderGone, TimeoutError):
            await asyncio.wait_for(self.link.ask(Command.SHUTDOWN), END_SECONDS)
        self.link.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self.watch.ended), END_SECONDS)
        if not self.watch.ended.done():
            self.watch.kill()
            with contextlib.suppress(TimeoutError):  # what a cgroup has frozen ends when it thaws
                await asyncio.wait_for(asyncio.shield(self.watch.ended), END_SECONDS)
        self.reap()

    def reap(self) -> None:
        """Lets go of a process that has ended."""
        self.watch.close()
        if self.child:
            self.child.ended()


@dataclass(frozen=True, slots=True)
class HeldPort:
    """A port that a forwarder holds, with its descriptor and its queues."""

    spec: PortSpec
    fd: int
    queues: tuple[QueueSpec, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A bridge that a forwarder holds, with its number and ports."""

    id: int
    spec: BridgeSpec
    ports: tuple[HeldPort, ...]


async def reach(
    folders: Folders,
    ephemeral: bool,
    on_event: Callable[[Frame], None],
    on_congested: Callable[[bool], None],
    journal: int,
    adopt: bool = False,
) -> Forwarder:
    """Adopts the forwarder of the run folder, or starts one, or waits for one if 'adopt'.

    One that has no bridges yet gets 'journal' (-1: none).  Failure says why neither works.
    """
    deadline, hung = time.monotonic() + BUSY_SECONDS, ""
    while True:
        child = None
        try:
            sock = await connect(folders.forwarder)
        except OSError:
            sock, child = await (
                process.wait(folders) if adopt else process.start(folders, ephemeral)
            )
        pid = process.peer(sock)
        link, watch = ForwarderLink(sock, on_event, on_congested), process.Watch(pid)
        heart = Heart(link, watch, lambda: folders.forwarder.unlink(missing_ok=True))
        try:
            hello, own = await greet(link, journal)
        except (ForwarderGone, ForwarderRefused) as error:
            link.close()
            watch.close()
            if heart.why and not hung:  # the next one is new, and what this one knew is lost
                hung = heart.why
                continue
            if isinstance(error, ForwarderRefused) or time.monotonic() > deadline:
                raise Failure("forwarder", str(error), _how_to_end(pid, adopt)) from None
            await asyncio.sleep(process.STEP_SECONDS)  # its last daemon died a moment ago
            continue
        return Forwarder(link, hello, own, watch, child is None, child, heart, hung)


def _how_to_end(pid: int, adopt: bool) -> str:
    """What to do about a forwarder of another release, whose daemon is dead; 0: it has no number
    here."""
    if adopt:
        return f"restart its service (`systemctl restart {process.SERVICE}`)"
    start = "start the vswitchd that it belongs to and use its `vswitch shutdown`"
    return f"end it with `kill {pid}`, or {start}" if pid else start


async def dump(link: ForwarderLink) -> list[Held]:
    """What the forwarder holds; the descriptors now belong to the caller."""
    return held(await link.ask(Command.DUMP))


def held(answers: Iterable[Answer]) -> list[Held]:
    """The bridges that the answers to a DUMP tell of, each with its ports, each with its queues."""
    bridges: list[Answer] = []
    ports: dict[int, list[Answer]] = {}
    queues: dict[tuple[int, int], list[QueueSpec]] = {}
    for answer in answers:
        id = answer.frame.bridge
        if answer.frame.type == Event.BRIDGE:
            bridges.append(answer)
        elif answer.frame.type == Event.PORT:
            ports.setdefault(id, []).append(answer)
        elif answer.frame.type == Event.QUEUE:
            queue = QueueSpec.unpack(answer.frame.payload)
            queues.setdefault((id, queue.port), []).append(queue)

    def port(answer: Answer) -> HeldPort:
        spec = PortSpec.unpack(answer.frame.payload)
        found = queues.get((answer.frame.bridge, spec.number), ())
        return HeldPort(spec, answer.fd, tuple(found))

    def bridge(answer: Answer) -> Held:
        id = answer.frame.bridge
        spec = BridgeSpec.unpack(answer.frame.payload)
        return Held(id, spec, tuple(map(port, ports.get(id, ()))))

    return list(map(bridge, bridges))
