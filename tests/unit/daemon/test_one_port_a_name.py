"""However requests meet, a name has one port, and a number of a bridge too."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from datapath.frames import Command
from tests.kit.world import Switch, World
from vswitch.daemon import ephemeral
from vswitch.daemon.forwarder import dump
from vswitch.daemon.link import ForwarderGone
from vswitch.daemon.methods import methods, ports, traces
from vswitch.errors import Failure
from vswitch.schema import Bridge, Config, Port

Request = tuple[str, dict[str, Any]]

STORED: Request = ("port.add", {"bridge": "br0", "name": "p", "kind": "tap"})
ELSEWHERE: Request = ("port.add", {"bridge": "br1", "name": "p", "kind": "tap"})
RUN: Request = ("port.add", {**STORED[1], "ephemeral": True, "owner": "whoever runs it"})
APPLIED: Request = (
    "apply",
    {"desired": Config((Bridge("br0", ports=(Port("p", kind="tap"),)), Bridge("br1")))},
)
WAYS = {"port add": STORED, "on another bridge": ELSEWHERE, "run": RUN, "apply": APPLIED}


async def ask(world: World, request: Request) -> bool:
    """Whether it succeeds; a Failure is an answer, everything else a defect."""
    method, params = request
    try:
        await methods(world.daemon)[method](**params)
    except Failure:
        return False
    return True


async def check(world: World) -> None:
    """What the forwarder has is what the daemon thinks, each name once, each number once."""
    held = None
    while held is None:  # it may die once more
        with contextlib.suppress(Failure, ForwarderGone):
            async with world.daemon.changing:
                held = await dump(world.daemon.operator.connected())
                known = {port.record.name for _, port in world.daemon.live.ports()}
        await asyncio.sleep(0)
    names = Counter(port.spec.name for bridge in held for port in bridge.ports)
    assert set(names.values()) <= {1}, names
    for bridge in held:
        numbers = Counter(port.spec.number for port in bridge.ports)
        assert set(numbers.values()) <= {1}, numbers
    assert known == set(names)
    for bridge in held:
        for one in bridge.ports:
            if one.fd >= 0:
                os.close(one.fd)


def is_without_forwarder(world: World) -> bool:
    link = world.daemon.operator.link
    return link is None or link.closed.done()


async def is_done(world: World) -> bool:
    """Nobody is changing anything, and all that is stored is active."""
    async with world.daemon.changing:
        return not world.daemon.unmade and not is_without_forwarder(world)


async def set_up(world: World) -> None:
    for name in ("br0", "br1"):
        await world.add(name)


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize(
    ("first", "second"), [*itertools.product(WAYS.values(), repeat=2)],
    ids=[" beside ".join(pair) for pair in itertools.product(WAYS, repeat=2)],
)  # fmt: skip
def test_two_that_want_one_name_at_once(
    world: Switch, first: Request, second: Request, turns: int
) -> None:
    """The second comes so many turns of the event loop after the first."""

    async def test(world: World) -> None:
        await set_up(world)
        one = asyncio.ensure_future(ask(world, first))
        for _ in range(turns):
            await asyncio.sleep(0)
        other = await ask(world, second)
        said = [await one, other]
        await check(world)
        ports = [port.record.name for _, port in world.daemon.live.ports()]
        assert ports == ["p"]
        # An apply of what is there is no second port, and one may take a port elsewhere.
        assert sum(said) == 1 or APPLIED in (first, second)

    world(test)


@pytest.mark.parametrize(
    "request_", [STORED, ELSEWHERE, APPLIED], ids=["port add", "on another bridge", "apply"]
)
def test_the_name_of_a_container_s_port_is_its_own_without_a_forwarder_too(
    world: Switch, request_: Request
) -> None:
    """Or else the stored one would get the container's descriptor."""

    async def test(world: World) -> None:
        await set_up(world)
        assert await ask(world, RUN)
        before = world.ports()
        await world.lose_forwarder()
        assert not await ask(world, request_)
        await world.get_forwarder()
        assert world.ports() == before
        await check(world)

    world(test)


def test_a_number_of_a_container_s_port_is_its_own_without_a_forwarder_too(world: Switch) -> None:
    async def test(world: World) -> None:
        await set_up(world)
        assert await ask(world, RUN)
        before = world.ports()
        await world.lose_forwarder()
        await ask(world, ("port.add", {"bridge": "br0", "name": "q", "kind": "tap"}))
        await world.get_forwarder()
        assert world.ports()["p"] == before["p"]
        assert world.ports().keys() == {"p", "q"}
        await check(world)

    world(test)


def test_a_plan_says_that_a_name_is_a_container_s(world: Switch) -> None:
    async def test(world: World) -> None:
        await set_up(world)
        await ask(world, RUN)
        for method in ("plan", "apply"):
            with pytest.raises(Failure, match="port p: bridge br0 has an ephemeral one"):
                await methods(world.daemon)[method](**APPLIED[1])
        gone = Config((Bridge("br1", ports=(Port("p", kind="tap"),)),))
        assert await ask(world, ("apply", {"desired": gone}))  # br0 goes, and with it that port
        await check(world)

    world(test)


@pytest.mark.parametrize("seed", range(20))
def test_many_at_once_with_a_forwarder_that_dies_in_between(world: Switch, seed: int) -> None:
    rng = random.Random(seed)
    removals: list[Request] = [
        ("port.rm", {"bridge": bridge, "name": name})
        for bridge in ("br0", "br1") for name in ("p", "q")
    ]  # fmt: skip
    others: list[Request] = [
        ("port.add", {"bridge": "br0", "name": "q", "kind": "tap", "ephemeral": True}),
        ("port.add", {"bridge": "br1", "name": "q", "kind": "tap"}),
    ]
    requests = [*WAYS.values(), *removals, *others]

    async def later(world: World, request: Request) -> None:
        for _ in range(rng.randrange(40)):
            await asyncio.sleep(0)
        await ask(world, request)

    async def test(world: World) -> None:
        await set_up(world)
        world.life.last_words = rng.choices([Command.PORT_ADD, Command.BRIDGE_ADD], k=2)
        for _ in range(4):
            await asyncio.gather(*(later(world, r) for r in rng.sample(requests, 6)))
            if rng.random() < 0.5:
                await world.lose_forwarder()
                await asyncio.gather(*(later(world, r) for r in rng.sample(requests, 4)))
                world.life.allow()
            while is_without_forwarder(world):
                await asyncio.sleep(0.001)
        while not await is_done(world):
            await asyncio.sleep(0.001)
        await check(world)

    world(test)


def test_two_that_want_one_queue_of_a_container_s_port_at_once(world: Switch) -> None:
    async def test(world: World) -> None:
        await world.add_ports()
        queue = {"bridge": "br0", "port": "c1", "number": 9}
        add = [("queue.add", {**queue, "max_rate": rate}) for rate in (1_000_000, 2_000_000)]
        assert sorted(await asyncio.gather(*(ask(world, one) for one in add))) == [False, True]
        changes = ({"max_rate": 5_000_000}, {"max_packets": 5})
        change: list[Request] = [("queue.set", {**queue, **one}) for one in changes]
        assert await asyncio.gather(*(ask(world, one) for one in change)) == [True, True]
        made = next(queue for queue in world.ports()["c1"][3] if queue.number == 9)
        assert (made.max_rate, made.max_packets) == (5_000_000, 5)
        remove: list[Request] = [("queue.rm", queue)] * 2
        assert sorted(await asyncio.gather(*(ask(world, one) for one in remove))) == [False, True]

    world(test)


Meanwhile = Callable[[World], Coroutine[Any, Any, object]]


def while_counted(
    monkeypatch: pytest.MonkeyPatch, where: Any, world: World, happens: Meanwhile
) -> None:
    """Something happens while the forwarder tells its counters for the first time."""
    counters = where._counters

    async def first(*words: Any) -> Any:
        monkeypatch.setattr(where, "_counters", counters)
        found = await counters(*words)
        await happens(world)
        return found

    monkeypatch.setattr(where, "_counters", first)


def test_what_is_removed_while_it_is_told_is_told_so(
    world: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def remove(world: World) -> None:
        await ephemeral.remove(world.daemon, "br0", "c1")

    async def test(world: World) -> None:
        await world.add_ports()
        known = methods(world.daemon)
        while_counted(monkeypatch, ports, world, remove)
        with pytest.raises(Failure, match="port c1: it was removed meanwhile") as told:
            await known["port.set"](bridge="br0", name="c1", tag=5)
        assert told.value.exit == 3
        row = await known["port.set"](bridge="br0", name="c2", tag=5)
        assert row["tag"] == 5  # type: ignore[index]

    world(test)


def test_a_bridge_that_is_gone_when_its_turn_comes_is_told_so(
    world: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forwarder answers no message to it."""

    async def test(world: World) -> None:
        await world.add_ports()
        known, words = methods(world.daemon), {"bridge": "br0", "packet": "in_port=1,tcp"}
        await known["group.add"](bridge="br0", group="group_id=1,type=all,bucket=output:2")
        await known["flow.add"](bridge="br0", flow="priority=5,actions=group:1")
        assert "group" in str(await known["trace"](**words))
        described = traces.described

        async def removed(*which: Any) -> Any:
            await world.remove("br0")
            return await described(*which)

        monkeypatch.setattr(traces, "described", removed)
        with pytest.raises(Failure, match="bridge br0: it was removed meanwhile") as told:
            await asyncio.wait_for(known["trace"](**words), 5)
        assert told.value.exit == 3

    world(test)


@pytest.mark.parametrize("gone", ["br0", "br1"])
def test_a_bridge_that_goes_while_all_ports_are_listed_is_left_out(
    world: Switch, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    async def remove(world: World) -> None:
        await world.remove(gone)
        if gone == "br0":
            raise Failure("port counters", "the bridge is not there", "try again")

    async def test(world: World) -> None:
        await world.add_ports()
        await world.add("br1")
        await ask(world, ("port.add", {"bridge": "br1", "name": "p", "kind": "tap"}))
        known = methods(world.daemon)
        while_counted(monkeypatch, ports, world, remove)
        rows: Any = await known["port.list"]()
        there = {"br0": {"stored", "c1", "c2"}, "br1": {"p"}}
        del there[gone]
        assert {row["name"] for row in rows} == set().union(*there.values())
        with pytest.raises(Failure, match="there is none"):  # one that was named is missed
            await known["port.list"](bridge=gone)

    world(test)
