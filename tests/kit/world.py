"""A whole daemon in the test's own process: a store in memory, the C core behind a socket pair.

Its ports have no interfaces.  The forwarder dies and comes back as the test says.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from datapath.frames import PortFlags, PortKind, PortSpec
from tests.kit.coreforwarder import Life
from vswitch.daemon import ephemeral, supervise
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.folders import Folders
from vswitch.daemon.interfaces import Interface
from vswitch.daemon.methods import flows
from vswitch.daemon.operate import ports as port_doers
from vswitch.schema import Bridge, Port, Queue
from vswitch.store.memory import MemoryStore

Switch = Callable[[Callable[["World"], Coroutine[Any, Any, None]]], None]


class World:
    """A daemon with its store, and the forwarders that it meets."""

    def __init__(self, run: Path, life: Life) -> None:
        self.run, self.life, self.store = run, life, MemoryStore()
        self.daemon: Daemon

    async def start(self) -> None:
        self.daemon = Daemon(Folders(self.run, None), self.store, ephemeral=False)
        self.daemon.retry_seconds = 0.001
        await supervise.start(self.daemon)

    async def die(self) -> None:
        """The daemon goes; its forwarder stays, the store too."""
        await supervise.stop(self.daemon, forwarder=False)

    async def add(self, name: str) -> None:
        await self.daemon.change(lambda config: config.with_bridge(Bridge(name)))

    async def remove(self, name: str) -> None:
        await self.daemon.change(lambda config: config.without_bridge(name))

    async def add_flow(self, bridge: str) -> None:
        await flows.add(self.daemon, bridge, "priority=7,tcp,actions=drop")

    async def rules(self, bridge: str) -> int:
        return len(await flows.list_(self.daemon, bridge))

    async def add_ports(self) -> None:
        """On br0: 'stored', and two that are a container's; each with a queue."""
        bridge = Bridge("br0", ports=(Port("stored", kind="tap"),), queues=(Queue("stored", 7),))
        await self.daemon.change(lambda config: config.with_bridge(bridge))
        for name in ("c1", "c2"):
            await ephemeral.add(
                self.daemon, "br0", Port(name, kind="tap"), owner=f"who runs {name}"
            )
            queue = Queue(name, 7, max_rate=1_000_000)
            await ephemeral.set_queue(self.daemon, "br0", name, 7, lambda _, new=queue: new)

    def ports(self) -> dict[str, tuple[int, int, str | None, tuple[Queue, ...]]]:
        """By name: number, descriptor, owner, queues."""
        ports = [port for _, port in self.daemon.live.ports()]
        return {
            p.record.name: (p.spec.number, p.fd, p.owner, tuple(p.queues.values())) for p in ports
        }

    async def lose_forwarder(self) -> None:
        """It dies, and the daemon knows."""
        self.life.kill()
        while self.daemon.forwarder:
            await asyncio.sleep(0)

    async def get_forwarder(self) -> None:
        """The next one has all it is to have."""
        self.life.allow()
        while not self.daemon.forwarder:
            await asyncio.sleep(0.001)
        async with self.daemon.changing:
            pass


async def opened(
    port: Port, mac: str, *, ephemeral: bool, namespace: int | None = None
) -> Interface:
    """As `vswitch.daemon.interfaces.open_interface`, without a kernel's interface."""
    flags = PortFlags.EPHEMERAL if ephemeral else PortFlags.NONE
    assert port.number
    spec = PortSpec(port.number, PortKind.MEM, port.name, flags=flags)
    return Interface(port, spec, os.open(os.devnull, os.O_RDONLY))


def worlds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Switch:
    """What runs a test in a world of its own."""

    def run(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            life = Life()
            monkeypatch.setattr(supervise, "reach", life.reach)
            monkeypatch.setattr(port_doers, "open_interface", opened)
            world = World(folder, life)
            await world.start()
            try:
                await asyncio.wait_for(test(world), 10)
            finally:
                await world.die()
                life.close()

        asyncio.run(main())

    return run
