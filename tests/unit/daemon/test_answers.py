"""Every method's real answers have the shapes that are declared."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from datapath.frames import Mac
from datapath.of13.rule import flow_mod
from datapath.rule import parse_rule
from tests.kit.world import Switch, World
from vswitch import answers, reference, shapes
from vswitch.answers import ANSWERS, SHAPES
from vswitch.daemon import interfaces
from vswitch.daemon.methods import macs, methods
from vswitch.errors import Failure
from vswitch.requests import REQUESTS
from vswitch.rpc import protocol
from vswitch.values import moment

TARGET = "unix:/nowhere/controller"
GROUP = "group_id=1,type=select,bucket=weight:2,watch_port:1,output:1,bucket=output:LOCAL"


class Caller:
    """Calls a daemon's methods as the server does, and holds answers against their shapes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: dict[str, Any] = {}

    async def __call__(self, method: str, lent: dict[str, int] | None = None, **params: Any) -> Any:
        known, lent = methods(self.world.daemon)[method], lent or {}
        answer = await known(**REQUESTS[method].check(params, [*lent]), **lent)
        told = protocol.read_answer(protocol.answer(1, answer), 1)
        assert list(ANSWERS[method].wrong(told, method)) == []
        if told or method not in self.seen:
            self.seen[method] = told
        return told


async def everything(call: Caller) -> None:
    """Each method once at least, with something to tell."""
    await call("bridge.add", name="br0", dpid="1", listen=[], fail_mode="standalone")
    await call("bridge.set", name="br0", mac_age=60)
    await call("port.add", bridge="br0", name="p1", kind="tap", tag=10)
    await call("port.add", bridge="br0", name="br0", kind="tap", number="LOCAL")
    await call("port.add", bridge="br0", name="c1", kind="tap", ephemeral=True, owner="me")
    await call("port.set", bridge="br0", name="p1", tag="none", trunks="1-5,7")
    await call("port.set", bridge="br0", name="c1", tag=7)
    await call("queue.add", bridge="br0", port="p1", number=0, max_rate="10Mbps")
    await call("queue.add", bridge="br0", port="c1", number=1, max_rate="unlimited")
    await call("queue.set", bridge="br0", port="p1", number=0, max_packets=5)
    await call("queue.set", bridge="br0", port="c1", number=1, max_rate="2.5Gbps")
    await call("controller.add", bridge="br0", target=TARGET)
    await call("group.add", bridge="br0", group=GROUP)
    await call("group.mod", bridge="br0", group=GROUP)
    for bands in (
        "kbps,stats,band=type=drop,rate=1",
        "pktps,burst,band=type=dscp_remark,rate=9,prec_level=1,burst_size=3",
    ):
        await call("meter.add", bridge="br0", meter=f"meter={len(bands)},{bands}")
    await call("meter.mod", bridge="br0", meter="meter=32,kbps,band=type=drop,rate=2")
    await call(
        "flow.add",
        bridge="br0",
        flow="cookie=5,priority=9,in_port=1,tcp,idle_timeout=60,actions=meter:32,set_queue:0,group:1,output:LOCAL",
    )
    await call("flow.add", bridge="br0", flow="priority=3,in_port=LOCAL,actions=NORMAL")
    await call("flow.mod", bridge="br0", flow="in_port=7,actions=drop")
    memory = os.memfd_create("flows")
    os.write(memory, flow_mod(parse_rule("priority=1,actions=drop")))
    assert await call("flow.load", bridge="br0", lent={"flow_mods": memory}) == {"flow_mods": 1}
    os.close(memory)
    for packet in (
        "in_port=1,tcp,dl_src=02:00:00:00:00:07",
        "in_port=LOCAL,udp,dl_src=02:00:00:00:00:08",
        "in_port=1,dl_type=0x1234",
    ):
        await call("trace", bridge="br0", packet=packet)
    for method in ("status", "bridge.list", "port.list", "queue.list", "controller.list"):
        await call(method)
    await call("bridge.show", name="br0")
    for noun in ("mac", "flow", "group", "meter"):
        await call(f"{noun}.list", bridge="br0")
    stored = call.world.store.read().config.to_json()
    assert await call("export") == stored
    await call("export", bridge="br0")
    await call("plan", desired=stored)
    await call(
        "plan", desired={"bridges": [{"name": "b2", "ports": [{"name": "b2", "number": "LOCAL"}]}]}
    )
    await call("apply", desired=stored)
    await call("apply", desired={"bridges": [*stored["bridges"], {"name": "b2"}]})
    for noun, params in (
        ("mac.flush", {}), ("flow.rm", {"match": "tcp"}), ("meter.rm", {}), ("group.rm", {}),
        ("controller.rm", {"target": TARGET}), ("queue.rm", {"port": "p1", "number": 0}),
        ("port.rm", {"name": "p1"}),
    ):  # fmt: skip
        await call(noun, bridge="br0", **params)
    assert await call("bridge.rm", name="br0") == ["c1"]
    await call("shutdown")


def test_every_answer_has_its_shape(world: Switch) -> None:
    async def test(world: World) -> None:
        call = Caller(world)
        await everything(call)
        assert call.seen.keys() == ANSWERS.keys() == REQUESTS.keys()
        silent = {method for method, told in call.seen.items() if not told}
        assert silent == {m for m, kind in ANSWERS.items() if kind is shapes.NULL} | {"mac.list"}

    world(test)


def test_a_noun_is_told_the_same_when_it_is_added_listed_and_shown(world: Switch) -> None:
    async def test(world: World) -> None:
        call = Caller(world)
        added = await call("bridge.add", name="br0", dpid="1")
        assert [added] == await call("bridge.list") == [await call("bridge.show", name="br0")]
        port = await call("port.add", bridge="br0", name="p1", kind="tap", tag=10)
        assert [port] == await call("port.list") == await call("port.list", bridge="br0")
        local = await call("port.add", bridge="br0", name="br0", kind="tap", number="LOCAL")
        assert local["number"] == 0xFFFFFFFE
        set_ = await call("port.set", bridge="br0", name="p1", tag=11)
        assert [set_, local] == await call("port.list")
        queue = await call("queue.add", bridge="br0", port="p1", number=0, max_rate="10Mbps")
        (listed,) = await call("queue.list")
        assert {**queue, "duration": listed["duration"]} == listed
        controller = await call("controller.add", bridge="br0", target=TARGET)
        assert [controller] == await call("controller.list")
        bridge = await call("bridge.show", name="br0")
        assert (bridge["ports"], bridge["queues"]) == (["p1", "br0"], ["p1 0"])
        assert bridge["controllers"] == [TARGET]

    world(test)


def test_a_port_that_is_only_stored_has_the_same_shape(
    world: Switch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def missing(*args: object, **settings: object) -> None:
        raise Failure("port p1", "there is no interface p1", "make it")

    async def test(world: World) -> None:
        call = Caller(world)
        await call("bridge.add", name="br0")
        with monkeypatch.context() as absent:
            absent.setattr("vswitch.daemon.operate.ports.open_interface", missing)
            with pytest.raises(Failure, match="stored but not active"):
                await call("port.add", bridge="br0", name="p1", kind="tap", number=5)
            (row,) = await call("port.list")
            assert (row["state"], row["number"], row["rx_packets"]) == ("missing", 5, 0)
            (why,) = (await call("status"))["not_active"]
            assert "no interface p1" in why

    world(test)


def test_numbers_of_ports_are_numbers_wherever_they_are_told(world: Switch) -> None:
    """And words in sentences: nobody knows 4294967294."""

    async def test(world: World) -> None:
        call = Caller(world)
        wanted = {"bridges": [{"name": "b", "ports": [{"name": "b", "number": "LOCAL"}]}]}
        (_, step) = (await call("plan", desired=wanted))["operations"]
        assert step["params"]["number"] == 0xFFFFFFFE
        assert "number LOCAL" in step["text"]
        await everything(call)
        sentences = [text for text in texts(call.seen) if "4294967294" in text]
        assert sentences == []

    world(test)


def texts(value: Any) -> list[str]:
    """Every text in it."""
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return [text for item in inside for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_a_plan_says_which_ports_of_containers_go(world: Switch) -> None:
    async def test(world: World) -> None:
        call = Caller(world)
        await call("bridge.add", name="br0")
        for name in ("c1", "c2"):
            await call("port.add", bridge="br0", name=name, kind="tap", ephemeral=True)
        await call("bridge.add", name="br1")
        first, second = (await call("plan", desired={}))["operations"]
        assert first["loses"] == ["c1", "c2"]
        assert first["text"] == (
            "remove bridge br0, which takes ports c1, c2 from containers or whoever asked for them"
        )
        assert (second["loses"], second["text"]) == ([], "remove bridge br1")
        assert len(world.ports()) == 2
        assert (await call("apply", desired={}))["operations"] == [first, second]
        assert world.ports() == {}

    world(test)


def test_a_station_has_its_shape(world: Switch) -> None:
    async def test(world: World) -> None:
        await Caller(world)("bridge.add", name="br0")
        await Caller(world)("port.add", bridge="br0", name="p1", kind="tap", number=3)
        live = world.daemon.live.bridges["br0"]
        for port, name in ((3, "p1"), (9, None)):
            row = macs.row(Mac(bytes(6), 0, port, 2.0), live.port_names())
            assert list(answers.STATION.wrong(row, "mac")) == []
            assert row["name"] == name

    world(test)


class Wire:
    """An interface with an MTU of 1500."""

    mtu, mac, carrier = 1500, "02:00:00:00:00:01", True


def test_an_mtu_that_an_interface_does_not_have_is_refused(
    world: Switch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It could only be a bound: whoever asks for more would get less without a word."""
    monkeypatch.setattr("datapath.kernel.link", lambda name: Wire)

    async def test(world: World) -> None:
        call = Caller(world)
        await call("bridge.add", name="br0")
        port: dict[str, Any] = {"name": "eth1", "kind": "packet", "mtu": 9000}
        desired = {"bridges": [{"name": "br0", "ports": [port]}]}
        for ask in (
            lambda: call("port.add", bridge="br0", **port),
            lambda: call("plan", desired=desired),
            lambda: call("apply", desired=desired),
        ):
            with pytest.raises(Failure) as told:
                await ask()
            assert str(told.value) == (
                "port eth1 mtu 9000: its interface takes packets of at most 1500 bytes; "
                "ask for less, or `ip link set eth1 mtu 9000` first"
            )
        assert await call("port.list") == []
        for mtu in (1500, 1400):
            await interfaces.require_mtu(interfaces.Port("eth1", mtu=mtu))

    world(test)


# ---- shapes themselves -------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (shapes.NUMBER, (0, 1 << 64), (-1, 1.0, True, "1", None)),
        (shapes.SECONDS, (0.0, 1.5), (1, -1.0, "1", None, True)),
        (shapes.MOMENT, ("2026-01-02T03:04:05Z",), ("2026-01-02 03:04:05", 1767323045.5, None)),
        (shapes.MAC, ("02:00:00:00:00:0a",), ("02:00:00:00:00:0A", "02", None)),
        (shapes.RATE, ("10Mbps", "2.5Gbps", "unlimited"), ("10", 10, None)),
        (shapes.PORT_NUMBER, (1, 0xFFFFFFFE), ("LOCAL", 0, None)),
        (shapes.TEXT | shapes.NULL, ("", None), (1, [])),
        (shapes.many(shapes.TEXT), ([], ["a"]), ([1], (), None, {})),
        (shapes.counts("reason"), ({}, {"ttl": 1}), ({"ttl": "1"}, [], None)),
        (shapes.choice("a", "b"), ("a",), ("c", None)),
    ],
    ids=lambda kind: getattr(kind, "name", None),
)
def test_a_kind_knows_its_values(kind: shapes.Kind, right: Any, wrong: Any) -> None:
    assert [value for value in right if any(kind.wrong(value, "x"))] == []
    assert [value for value in wrong if not any(kind.wrong(value, "x"))] == []


def test_a_shape_says_what_is_missing_and_what_is_too_much() -> None:
    told = list(answers.OUTPUT.wrong({"port": "LOCAL", "name": None, "packet": "ff", "x": 1}, "o"))
    assert told == [
        "o.x: no output has it", "o.port: 'LOCAL' is no port number", "o.changed: it is missing",
    ]  # fmt: skip


def test_every_field_is_explained_and_every_noun_is_in_the_reference() -> None:
    for shape in SHAPES:
        assert shape.help.endswith(".")
        assert all(field.help and not field.help.endswith(".") for field in shape.fields)
        assert set(re.findall(r"{(\w+)}", shape.name)) <= {field.name for field in shape.fields}


def test_the_reference_page_is_up_to_date() -> None:
    """Made by `python -m vswitch.reference`."""
    page = Path(reference.__file__).with_name("REFERENCE.md")
    assert page.read_text() == reference.page()
    assert re.findall(r"^## (.+)$", reference.page(), re.M)[0] == "Methods"


def test_points_in_time_have_one_form() -> None:
    assert moment(1767323045.9) == "2026-01-02T03:04:05Z"
    assert moment(None) is None
