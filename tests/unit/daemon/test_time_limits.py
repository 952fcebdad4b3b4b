"""Requests whose time ends, method by method: what is stored then, what is active, what is told."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from datapath.of13.rule import flow_mod
from datapath.rule import FlowCommand, parse_rule
from tests.kit.world import Switch, World
from vswitch.daemon.methods import methods
from vswitch.errors import Exit
from vswitch.rpc.descriptors import Lent
from vswitch.rpc.protocol import Call
from vswitch.rpc.server import Server
from vswitch.schema import Bridge

CHANGES: dict[str, dict[str, Any]] = {
    "bridge.add": {"name": "br1"},
    "bridge.set": {"name": "br0", "mac_age": 7},
    "bridge.rm": {"name": "br0"},
    "port.add": {"bridge": "br0", "name": "p1", "kind": "tap"},
    "port.set": {"bridge": "br0", "name": "stored", "tag": 7},
    "port.rm": {"bridge": "br0", "name": "stored"},
    "queue.add": {"bridge": "br0", "port": "stored", "number": 1, "max_rate": "1Mbps"},
    "queue.set": {"bridge": "br0", "port": "stored", "number": 7, "max_rate": "1Mbps"},
    "queue.rm": {"bridge": "br0", "port": "stored", "number": 7},
    "apply": {"desired": {"bridges": [{"name": "br2"}]}},
}
"""Of what is stored: each needs the forwarder."""

PASSING: dict[str, dict[str, Any]] = {
    "port.add": {"bridge": "br0", "name": "c3", "kind": "tap", "ephemeral": True},
    "port.set": {"bridge": "br0", "name": "c1", "tag": 7},
    "port.rm": {"bridge": "br0", "name": "c1"},
    "queue.add": {"bridge": "br0", "port": "c1", "number": 1, "max_rate": "1Mbps"},
    "queue.rm": {"bridge": "br0", "port": "c1", "number": 7},
    "flow.add": {"bridge": "br0", "flow": "udp,actions=drop"},
    "flow.rm": {"bridge": "br0"},
    "group.add": {"bridge": "br0", "group": "group_id=1,type=all"},
    "meter.add": {"bridge": "br0", "meter": "meter=1,kbps,band=type=drop,rate=1"},
    "mac.flush": {"bridge": "br0"},
}
"""Of what is not."""


async def call(world: World, method: str, params: dict[str, Any], timeout: float = 0.3) -> Any:
    """What the operator API answers: the result's or the error's part."""
    server = Server("/unused", methods(world.daemon))
    line = Call(1, method, params, timeout=timeout).encode()[:-1]
    reply = json.loads(await server.answer(line))
    return reply.get("result", reply.get("error"))


async def set_up(world: World) -> None:
    await world.add_ports()
    await world.add_flow("br0")


async def picture(world: World) -> Any:
    """All that is wanted and all that runs."""
    rules = await world.rules("br0") if "br0" in world.daemon.live.bridges else None
    config = world.store.read().config.to_json()
    ports = {port.record.name: port.record for _, port in world.daemon.live.ports()}
    return config, world.daemon.live.observed().to_json(), ports, world.ports(), rules


@contextmanager
def stopped(world: World) -> Iterator[None]:
    """The forwarder answers nothing for now."""
    forwarder = world.life.forwarder
    assert forwarder
    assert forwarder.sock
    loop = asyncio.get_running_loop()
    loop.remove_reader(forwarder.sock)
    yield
    loop.add_reader(forwarder.sock, forwarder._serve, forwarder.sock)


@pytest.mark.parametrize(
    ("method", "params"), [*CHANGES.items(), *list(PASSING.items())[:5]],
    ids=[*CHANGES, *[f"{name} (passing)" for name in list(PASSING)[:5]]],
)  # fmt: skip
def test_a_change_that_does_not_get_its_turn_changes_nothing(
    world: Switch, method: str, params: dict[str, Any]
) -> None:
    async def test(world: World) -> None:
        await set_up(world)
        before = await picture(world)
        async with world.daemon.changing:
            told = await call(world, method, params, 0.05)
            assert told["data"]["exit"] == Exit.TIMED_OUT
            assert "nothing has changed" in told["message"]
        async with world.daemon.changing:
            pass
        assert await picture(world) == before
        told = await call(world, method, params, 5)  # the control
        assert not isinstance(told, dict) or "data" not in told
        assert await picture(world) != before

    world(test)


@pytest.mark.parametrize(("method", "params"), CHANGES.items(), ids=CHANGES)
def test_a_stored_change_is_stored_and_becomes_active_by_itself(
    world: Switch, method: str, params: dict[str, Any]
) -> None:
    async def test(world: World) -> None:
        await set_up(world)
        _, active, *_ = await picture(world)
        with stopped(world):
            told = await call(world, method, params)
            assert told["data"]["exit"] == Exit.NOT_ACTIVE
            assert world.store.read().config.to_json() != active
        async with world.daemon.changing:
            pass
        stored, active, *_ = await picture(world)
        assert stored == active
        assert not world.daemon.unmade

    world(test)


@pytest.mark.parametrize(("method", "params"), PASSING.items(), ids=PASSING)
def test_what_is_not_stored_says_that_it_may_still_happen(
    world: Switch, method: str, params: dict[str, Any]
) -> None:
    async def test(world: World) -> None:
        await set_up(world)
        with stopped(world):
            told = await call(world, method, params)
            assert told["data"]["exit"] == Exit.TIMED_OUT
            assert "it may still happen, and can't be undone" in told["message"]

    world(test)


def test_an_ephemeral_port_that_comes_too_late_is_taken_off_again(world: Switch) -> None:
    """Whoever asked for it has been told that it failed, and has ended its container."""

    async def test(world: World) -> None:
        await set_up(world)
        before = world.ports()
        with stopped(world):
            await call(world, "port.add", PASSING["port.add"])
        async with world.daemon.changing:
            pass
        assert world.ports() == before
        assert await call(world, "port.add", PASSING["port.add"], 5)  # its name and number are free
        assert world.ports().keys() - before.keys() == {"c3"}

    world(test)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("port.list", {"bridge": "br0"}), ("queue.list", {}), ("flow.list", {"bridge": "br0"}),
        ("group.list", {"bridge": "br0"}), ("meter.list", {"bridge": "br0"}),
        ("mac.list", {"bridge": "br0"}),
        ("trace", {"bridge": "br0", "packet": "in_port=1,tcp"}),
    ],
)  # fmt: skip
def test_a_question_is_given_up_and_can_be_asked_again(
    world: Switch, method: str, params: dict[str, Any]
) -> None:
    async def test(world: World) -> None:
        await set_up(world)
        with stopped(world):
            told = await call(world, method, params)
            assert told["data"]["exit"] == Exit.TIMED_OUT
            assert "nothing has changed" in told["message"]
        answer = await call(world, method, params, 5)
        assert not isinstance(answer, dict) or "data" not in answer

    world(test)


def test_what_needs_no_forwarder_is_answered_all_the_same(world: Switch) -> None:
    """How else could an operator see what is wrong?"""

    async def test(world: World) -> None:
        await world.daemon.change(lambda config: config.with_bridge(Bridge("br0")))
        with stopped(world):
            assert (await call(world, "status", {}))["bridges"] == 1
            assert len(await call(world, "bridge.list", {})) == 1
            assert "operations" in await call(world, "plan", {"desired": {"bridges": []}})

    world(test)


async def load(world: World, flow_mods: bytes, timeout: float) -> Any:
    """flow.load of a file that is lent."""
    server = Server("/unused", methods(world.daemon))
    line = Call(1, "flow.load", {"bridge": "br0"}, ("flow_mods",), timeout).encode()[:-1]
    lent = Lent()
    lent.add([fd := os.memfd_create("flows")])
    os.write(fd, flow_mods)
    return json.loads(await server.answer(line, lent))


@pytest.mark.parametrize("many", [True, False], ids=["many", "few"])
def test_a_file_of_flows_takes_effect_with_its_last_part_or_never(
    world: Switch, many: bool
) -> None:
    """What fits in one part may still happen; of many the first ones are only kept ready."""

    async def test(world: World) -> None:
        await world.add("br0")
        number = 2000 if many else 3
        texts = [f"priority={n + 1},tcp,actions=drop" for n in range(number)]
        rules = [parse_rule(text, FlowCommand.ADD) for text in texts]
        mods = b"".join(flow_mod(rule, FlowCommand.ADD, xid=1) for rule in rules)
        with stopped(world):
            told = await load(world, mods, 0.3)
            assert told["error"]["data"]["exit"] == Exit.TIMED_OUT
            assert ("nothing has changed" in told["error"]["message"]) == many
        assert await world.rules("br0") == (0 if many else number)
        assert (await load(world, mods, 9))["result"] == {"flow_mods": number}  # the control
        assert await world.rules("br0") == number

    world(test)
