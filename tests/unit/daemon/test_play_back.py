"""Forwarders that die one after the other: what went meanwhile must not come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.kit.coreforwarder import Life
from vswitch.daemon import daemon as daemons
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.folders import Folders
from vswitch.daemon.methods import flows
from vswitch.schema import Bridge
from vswitch.store.memory import MemoryStore

Switch = Callable[[Callable[["World"], Coroutine[Any, Any, None]]], None]


class World:
    """A daemon with its store, and the forwarders that it meets."""

    def __init__(self, run: Path, life: Life) -> None:
        self.run, self.life, self.store = run, life, MemoryStore()
        self.daemon: Daemon

    async def start(self) -> None:
        self.daemon = Daemon(Folders(self.run, None), self.store, ephemeral=False)
        await self.daemon.start()

    async def die(self) -> None:
        """The daemon goes; its forwarder stays, the store too."""
        await self.daemon.stop(forwarder=False)

    async def add(self, name: str) -> None:
        await self.daemon.change(lambda config: config.with_bridge(Bridge(name)))

    async def remove(self, name: str) -> None:
        await self.daemon.change(lambda config: config.without_bridge(name))

    async def add_flow(self, bridge: str) -> None:
        await flows.add(self.daemon, bridge, "priority=7,tcp,actions=drop")

    async def rules(self, bridge: str) -> int:
        return len(await flows.list_(self.daemon, bridge))

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


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Switch:
    def run(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            life = Life()
            monkeypatch.setattr(daemons, "reach", life.reach)
            world = World(tmp_path, life)
            await world.start()
            try:
                await asyncio.wait_for(test(world), 10)
            finally:
                await world.die()
                life.close()

        asyncio.run(main())

    return run


def test_rules_come_back_with_the_next_forwarder(world: Switch) -> None:
    async def test(world: World) -> None:
        await world.add("br0")
        await world.add_flow("br0")
        await world.lose_forwarder()
        await world.get_forwarder()
        assert await world.rules("br0") == 1

    world(test)


def test_a_bridge_that_is_made_again_while_there_is_no_forwarder_is_another(world: Switch) -> None:
    async def test(world: World) -> None:
        for name in ("br0", "br1"):
            await world.add(name)
            await world.add_flow(name)
        await world.lose_forwarder()
        await world.remove("br1")
        await world.add("br1")
        await world.get_forwarder()
        assert (await world.rules("br0"), await world.rules("br1")) == (1, 0)

    world(test)


def test_a_number_that_is_given_again_brings_nothing_back(world: Switch) -> None:
    """The next daemon counts from the bridges that it finds."""

    async def test(world: World) -> None:
        for name in ("br0", "br1"):
            await world.add(name)
            await world.add_flow(name)
        number = world.daemon.live.bridges["br1"].id
        await world.lose_forwarder()
        await world.remove("br1")
        await world.get_forwarder()
        await world.die()
        await world.start()
        await world.add("br2")
        assert world.daemon.live.bridges["br2"].id == number
        await world.lose_forwarder()
        await world.get_forwarder()
        assert (await world.rules("br0"), await world.rules("br2")) == (1, 0)

    world(test)
