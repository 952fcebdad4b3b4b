"""A standalone bridge and its controllers: when it switches by itself, and how."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datapath.frames import BridgeSpec, Command, Standalone
from tests.kit.world import Switch, World
from tests.unit.agent.test_exchange import message
from tests.unit.agent.test_sessions import HELLO
from vswitch.daemon.methods import methods
from vswitch.daemon.operate import bridges as bridge_doers
from vswitch.errors import Failure
from vswitch.schema import Bridge, Controller

NOT, MISSES, EVERYTHING = Standalone.NOT, Standalone.MISSES, Standalone.ALL


class Place:
    """Where a controller is now and then."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "controller")
        self.target = f"unix:{self.path}"
        self._peers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            await message(reader)
            writer.write(HELLO)

    async def come(self) -> None:
        self._server = await asyncio.start_unix_server(self._meet, self.path)

    def go(self) -> None:
        assert self._server
        self._server.close()
        for peer in self._peers:
            peer.close()
        self._peers.clear()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_doers, "UNLED_SECONDS", 0.05)


def ways(world: World) -> list[int]:
    """How the forwarder was told to switch by itself, each change once."""
    assert world.life.forwarder
    frames = [f for f in world.life.forwarder.told if f.type == Command.BRIDGE_ADD]
    said = [BridgeSpec.unpack(frame.payload).standalone for frame in frames]
    return [way for at, way in enumerate(said) if at == 0 or said[at - 1] != way]


async def until(true: Callable[[], object]) -> None:
    while not true():
        await asyncio.sleep(0.001)


async def add(world: World, place: Place | None, fail_mode: str) -> None:
    controllers = (Controller(place.target),) if place else ()
    bridge = Bridge("br0", fail_mode=fail_mode, controllers=controllers)
    await world.daemon.change(lambda config: config.with_bridge(bridge))


def test_one_that_loses_its_controllers_switches_everything(world: Switch) -> None:
    async def test(world: World) -> None:
        place = Place(world.run)
        await place.come()
        await add(world, place, "standalone")
        await until(lambda: ways(world) == [MISSES, NOT])
        place.go()
        await until(lambda: ways(world) == [MISSES, NOT, EVERYTHING])
        await place.come()
        await until(lambda: ways(world)[3:] == [NOT])
        place.go()
        await until(lambda: ways(world)[4:] == [EVERYTHING])
        await world.daemon.change(lambda c: c.with_bridge(c.bridges[0].changed(controllers=())))
        await until(lambda: ways(world)[5:] == [MISSES])

    world(test)


@pytest.mark.parametrize("refused", [False, True])
def test_a_controller_that_comes_while_settings_change_takes_none_of_them_back(
    world: Switch, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    """The forwarder is told of both, in whichever order, and the daemon knows what it has."""

    def last(world: World) -> BridgeSpec:
        assert world.life.forwarder
        frames = [f for f in world.life.forwarder.told if f.type == Command.BRIDGE_ADD]
        return BridgeSpec.unpack(frames[-1].payload)

    async def test(world: World) -> None:
        await add(world, None, "standalone")
        bridge, operator = world.daemon.live.bridges["br0"], world.daemon.operator
        assert (last(world).mac_age, last(world).standalone) == (300, MISSES)
        ask = operator.ask

        async def meanwhile(*words: Any) -> None:
            monkeypatch.setattr(operator, "ask", ask)
            if refused:
                raise Failure("bridge br0", "no", "no")
            asked = asyncio.ensure_future(ask(*words))
            await asyncio.sleep(0)
            bridge.exchange._led = True
            bridge.exchange.on_led(True)
            await until(lambda: bridge.standalone == NOT)
            await asked

        monkeypatch.setattr(operator, "ask", meanwhile)
        world.daemon.retry_seconds = 1000
        change = bridge.record.changed(mac_age=77)
        unmade = await world.daemon.change(lambda config: config.with_bridge(change))
        await operator.ask("beat", Command.BEAT)
        assert len(unmade) == refused
        age, way = (300, MISSES) if refused else (77, NOT)
        assert (last(world).mac_age, last(world).standalone) == (age, way)
        assert (bridge.record.mac_age, bridge.standalone) == (age, way)

    world(test)


def test_one_whose_controllers_never_came_does_so_too(world: Switch) -> None:
    async def test(world: World) -> None:
        await add(world, Place(world.run), "standalone")
        await until(lambda: ways(world) == [MISSES, EVERYTHING])

    world(test)


def test_rules_count_at_once_when_the_lost_controller_is_taken_away(
    world: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        await add(world, Place(world.run), "standalone")
        await until(lambda: ways(world) == [MISSES, EVERYTHING])
        monkeypatch.setattr(bridge_doers, "UNLED_SECONDS", 1e6)
        await world.daemon.change(lambda c: c.with_bridge(c.bridges[0].changed(controllers=())))
        await asyncio.wait_for(until(lambda: ways(world)[2:] == [MISSES]), 5)

    world(test)


def test_a_trace_says_why_no_rule_counts(world: Switch) -> None:
    async def test(world: World) -> None:
        await world.add_ports()
        await world.add_flow("br0")
        bridge = world.store.read().config.bridges[0]
        place = Place(world.run)
        lost = bridge.changed(fail_mode="standalone", controllers=(Controller(place.target),))
        words = {"bridge": "br0", "packet": "in_port=1,tcp"}
        before = await methods(world.daemon)["trace"](**words)
        kinds = [step["kind"] for step in before["steps"]]  # type: ignore[index]
        assert "rule" in kinds
        await world.daemon.change(lambda config: config.with_bridge(lost))
        await until(lambda: ways(world)[-1] == EVERYTHING)
        after = await methods(world.daemon)["trace"](**words)
        kinds = [step["kind"] for step in after["steps"]]  # type: ignore[index]
        assert kinds[:2] == ["standalone", "normal"]
        assert "rule" not in kinds

    world(test)


@pytest.mark.parametrize(("fail_mode", "way"), [("secure", NOT), ("standalone", MISSES)])
def test_rules_count_where_nobody_was_to_lead_and_in_secure_mode(
    world: Switch, fail_mode: str, way: Standalone
) -> None:
    async def test(world: World) -> None:
        await add(world, Place(world.run) if fail_mode == "secure" else None, fail_mode)
        await asyncio.sleep(0.2)
        assert ways(world) == [way]

    world(test)


def test_the_next_daemon_waits_for_the_controllers_as_well(world: Switch) -> None:
    """While there is no daemon nothing changes; then a controller that comes back in time is led
    by its own rules all along."""

    async def test(world: World) -> None:
        place = Place(world.run)
        await place.come()
        await add(world, place, "standalone")
        await until(lambda: ways(world) == [MISSES, NOT])
        await world.die()
        await asyncio.sleep(0.2)
        await world.start()
        await until(lambda: world.daemon.live.bridges["br0"].exchange.led)
        await asyncio.sleep(0.2)
        assert ways(world) == [MISSES, NOT]
        await world.die()
        place.go()
        await world.start()
        await until(lambda: ways(world) == [MISSES, NOT, EVERYTHING])

    world(test)
