"""Forwarders that die one after the other: what went meanwhile must not come back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from datapath.frames import Command, PortFlags, PortKind, PortSpec, QueueSpec
from tests.kit.world import Switch, World
from vswitch.daemon import ephemeral, events, supervise
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.forwarder import Forwarder
from vswitch.daemon.interfaces import Interface
from vswitch.daemon.methods import bridges, ports
from vswitch.daemon.operate import ports as port_doers
from vswitch.daemon.operate.kept import Kept
from vswitch.errors import Failure, StoreError
from vswitch.schema import Bridge, Port


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


DEATHS = {
    "bridge": [Command.BRIDGE_ADD],
    "journal": [Command.REPLAY],
    "port": [Command.PORT_ADD],
    "again and again": [Command.PORT_ADD, Command.BRIDGE_ADD, Command.REPLAY, Command.PORT_ADD],
}


@pytest.mark.parametrize("deaths", DEATHS.values(), ids=DEATHS.keys())
def test_nothing_is_lost_if_the_next_forwarder_dies_while_it_is_told(
    world: Switch, deaths: list[Command]
) -> None:
    """A container would never get another port; what controllers have made has no other place."""

    async def test(world: World) -> None:
        await world.add("br0")
        await world.add_flow("br0")
        await world.add_ports()
        before = world.ports()
        world.life.last_words = list(deaths)
        await world.lose_forwarder()
        world.life.allow()
        while world.life.last_words or world.ports() != before:
            await asyncio.sleep(0.001)
        assert await world.rules("br0") == 1

    world(test)


def test_each_port_is_told_with_its_queues(world: Switch) -> None:
    """Rules are there already: what a queue holds back must find it as soon as the port."""

    async def test(world: World) -> None:
        await world.add_ports()
        await world.lose_forwarder()
        await world.get_forwarder()
        assert world.life.forwarder
        told = world.life.forwarder.told
        ports = [frame.payload for frame in told if frame.type == Command.PORT_ADD]
        ends = [payload[PortSpec.FORMAT.size :] for payload in ports]
        rates = [QueueSpec.unpack(end).max_rate for end in ends]
        assert rates == [0, 1_000_000, 1_000_000]
        assert not [frame for frame in told if frame.type == Command.QUEUE_SET]

    world(test)


def test_a_bridge_that_can_t_be_removed_keeps_all_its_ports(
    world: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: nobody's container may lose its port for a command that is refused."""

    async def test(world: World) -> None:
        await world.add_ports()
        before = world.ports()
        with monkeypatch.context() as full:
            full.setattr(world.store, "transaction", refuse)
            with pytest.raises(StoreError):
                await bridges.remove(world.daemon, "br0")
        assert world.ports() == before
        await bridges.remove(world.daemon, "br0")
        assert world.ports() == {}
        for _, fd, _, _ in before.values():
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(fd)

    world(test)


def refuse(change: object) -> None:
    raise StoreError("store", "it can't be written", "free space on its disk")


def test_what_can_t_be_made_is_logged_once_and_again_when_it_fails_anew(
    world: Switch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried every second, for days perhaps."""

    async def missing(*args: object, **settings: object) -> Interface:
        raise Failure("port stored", "there is no such interface", "make it")

    def logged() -> int:
        return sum("no such interface" in line.getMessage() for line in caplog.records)

    async def test(world: World) -> None:
        with monkeypatch.context() as absent:
            absent.setattr(port_doers, "open_interface", missing)
            bridge = Bridge("br0", ports=(Port("stored", kind="tap"),))
            assert await world.daemon.change(lambda config: config.with_bridge(bridge))
            for _ in range(3):
                await world.daemon.try_again()
            assert logged() == 1
        await world.daemon.try_again()
        assert not world.daemon.unmade
        monkeypatch.setattr(port_doers, "open_interface", missing)
        await events.port_gone(world.daemon, *next(world.daemon.live.ports()))
        assert logged() == 2

    world(test)


def test_why_there_is_no_forwarder_is_logged_once_and_again_when_it_is_another_reason(
    world: Switch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reasons = ["none listens"] * 5 + ["it hangs"] * 5

    async def test(world: World) -> None:
        reach = supervise.reach

        async def refused(*args: Any) -> Forwarder:
            if reasons:
                raise Failure("forwarder", reasons.pop(), "start its service")
            return await reach(*args)

        monkeypatch.setattr(supervise, "reach", refused)
        await world.lose_forwarder()
        await world.get_forwarder()

    world(test)
    logged = [line.getMessage() for line in caplog.records if "no forwarder" in line.getMessage()]
    assert [("it hangs" in one, "none listens" in one) for one in logged] == [
        (True, False),
        (False, True),
    ]


def test_b10_who_waits_for_a_forwarder_makes_no_bridge_in_the_place_of_a_known_one(
    world: Switch,
) -> None:
    """Its name would be the same, and its rules those of nobody."""

    async def scene(w: World) -> None:
        await w.add("br0")
        await w.add_flow("br0")
        assert await w.rules("br0") == 1
        await w.lose_forwarder()
        await w.daemon.changing.acquire()
        waiting = asyncio.ensure_future(w.add("br1"))
        await asyncio.sleep(0)
        w.life.allow()
        while not w.daemon.forwarder:
            await asyncio.sleep(0.001)
        w.daemon.changing.release()
        await waiting
        await w.get_forwarder()
        assert await w.rules("br0") == 1
        assert await w.rules("br1") == 0

    world(scene)


@pytest.mark.parametrize(
    "ask",
    [
        lambda daemon: ports.add(daemon, "br0", "p", kind="tap", ephemeral=True),
        lambda daemon: ephemeral.set_(daemon, "br0", "p", {"tag": 5}),
    ],
)
def test_a_bridge_that_went_while_its_turn_was_awaited_is_told(
    world: Switch, ask: Callable[[Daemon], Coroutine[Any, Any, object]]
) -> None:
    """As what it is, not as a defect."""

    async def scene(w: World) -> None:
        await w.add("br0")
        await w.daemon.changing.acquire()
        going = asyncio.ensure_future(w.remove("br0"))
        await asyncio.sleep(0)
        asking = asyncio.ensure_future(ask(w.daemon))
        await asyncio.sleep(0)
        w.daemon.changing.release()
        await going
        with pytest.raises(Failure, match="bridge br0: it is not active"):
            await asking

    world(scene)


@pytest.mark.parametrize("stays", [False, True])
def test_b10_a_port_that_went_while_there_was_no_forwarder_is_let_go(
    world: Switch, stays: bool
) -> None:
    """Its descriptor too: the next port of its name is another one."""

    async def scene(w: World) -> None:
        await w.add("br0")
        await w.lose_forwarder()
        fd = os.open(os.devnull, os.O_RDONLY)
        spec = PortSpec(1, PortKind.TAP, "p", flags=PortFlags.EPHEMERAL)
        kept = Kept("br0", Interface(Port("p"), spec, fd), ())
        w.daemon.operator.kept["p"] = kept
        await (w.add("br1") if stays else w.remove("br0"))
        assert w.daemon.operator.kept == ({"p": kept} if stays else {})
        if stays:
            os.close(w.daemon.operator.kept.pop("p").interface.fd)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)

    world(scene)


def test_b10_a_bridge_that_is_changed_stays_who_it_is(world: Switch) -> None:
    async def scene(w: World) -> None:
        await w.add("br0")
        await w.add_flow("br0")
        changed = Bridge("br0", mac_age=60)
        assert await w.daemon.change(lambda config: config.with_bridge(changed)) == []
        await w.lose_forwarder()
        await w.get_forwarder()
        assert await w.rules("br0") == 1

    world(scene)
