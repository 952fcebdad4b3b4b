"""Plans: from what is there to what is wanted, and nothing more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from tests.kit.configs import configs
from vswitch.reconcile import Add, Operation, apply, plan, settle
from vswitch.requests import REQUESTS
from vswitch.schema import Bridge, Config, Controller, Port, Queue

LIVE = {"tag": None, "trunks": (), "vlan_mode": "auto"}
"""Settings of a port that change while it carries packets, at their defaults."""


def texts(operations: list[Operation]) -> list[str]:
    return [operation.text for operation in operations]


def unordered(config: Config) -> dict[str, object]:
    """A configuration whose order doesn't count."""
    return {
        bridge.name: bridge.changed(
            ports=sorted(bridge.ports, key=lambda p: p.name),
            queues=sorted(bridge.queues, key=lambda q: q.key),
            controllers=sorted(bridge.controllers, key=lambda c: c.target),
        )
        for bridge in config.bridges
    }


@given(desired=configs(), observed=configs(open=False))
def test_a_plan_applied_gives_what_is_wanted(desired: Config, observed: Config) -> None:
    reached = apply(plan(desired, observed), observed)
    assert unordered(reached) == unordered(settle(desired, observed))


@given(desired=configs(), observed=configs(open=False))
def test_a_second_plan_is_empty(desired: Config, observed: Config) -> None:
    assert plan(desired, apply(plan(desired, observed), observed)) == []


@given(observed=configs(open=False))
def test_what_is_there_already_needs_no_plan(observed: Config) -> None:
    assert plan(observed, observed) == []


@given(desired=configs(), observed=configs(open=False))
def test_what_is_settled_keeps_all_that_was_chosen(desired: Config, observed: Config) -> None:
    settled = settle(desired, observed)
    for bridge in desired.bridges:
        found = settled.bridge(bridge.name)
        assert found
        assert bridge.dpid in (None, found.dpid)
        for port in bridge.ports:
            same = found.port(port.name)
            assert same
            assert same.number is not None
            assert port.number in (None, same.number)
            assert port.kind in ("auto", same.kind)
            assert same.kind != "auto"


@given(desired=configs(), observed=configs(open=False))
def test_a_port_is_disturbed_only_if_a_chosen_setting_differs(
    desired: Config, observed: Config
) -> None:
    settled = settle(desired, observed)
    removed = {op.params()["name"] for op in plan(desired, observed) if op.method == "port.rm"}
    for bridge in observed.bridges:
        for port in bridge.ports:
            wanted = settled.bridge(bridge.name)
            there = wanted.port(port.name) if wanted else None
            kept = there is not None and there.changed(**LIVE) == port.changed(**LIVE)
            assert (port.name in removed) is not kept


@given(desired=configs(), observed=configs(open=False))
def test_each_operation_is_a_request_that_the_api_takes(desired: Config, observed: Config) -> None:
    for operation in plan(desired, observed):
        params = json.loads(json.dumps(operation.params()))
        REQUESTS[operation.method].check(params)
        assert operation.text.isprintable()


def test_what_goes_comes_before_what_comes() -> None:
    observed = Config(
        (Bridge("old", dpid=1, ports=(Port("p", number=1),), controllers=(Controller("tcp:c"),)),)
    )
    desired = Config(
        (Bridge("new", dpid=1, ports=(Port("p", mtu=9000),), controllers=(Controller("tcp:c"),)),)
    )
    assert texts(plan(desired, observed)) == [
        "part bridge old from controller tcp:c:6653",
        "take port p off bridge old",
        "remove bridge old",
        "make bridge new with dpid 0000000000000001",
        "put port p on bridge new with number 1, kind packet, mtu 9000",
        "connect bridge new to controller tcp:c:6653",
    ]


def test_settings_of_a_bridge_change_while_its_ports_stay() -> None:
    observed = Config((Bridge("b", dpid=1, ports=(Port("p", number=1, kind="tap"),)),))
    desired = Config((Bridge("b", fail_mode="standalone", listen=("ptcp:1",), ports=(Port("p"),)),))
    assert texts(plan(desired, observed)) == [
        "set fail mode standalone, listen ptcp:1:127.0.0.1 of bridge b"
    ]


def test_vlans_of_a_port_change_while_it_carries_packets() -> None:
    observed = Config((Bridge("b", dpid=1, ports=(Port("p", number=1, kind="tap", tag=5),)),))
    trunk = Port("p", trunks=("10", "20-30"))
    desired = Config((Bridge("b", mac_age=60, ports=(trunk,)),))
    assert texts(plan(desired, observed)) == [
        "set mac age 60 of bridge b",
        "set tag none, trunks 10+20-30 of port p on bridge b",
    ]
    moved = Config((Bridge("b", ports=(trunk.changed(number=2),)),))
    assert [step.method for step in plan(moved, observed)] == ["port.rm", "port.add"]


def test_a_chosen_number_moves_the_port_that_has_it_by_chance() -> None:
    observed = Config((Bridge("b", dpid=1, ports=(Port("a", number=1),)),))
    desired = Config((Bridge("b", ports=(Port("a"), Port("z", number=1))),))
    assert texts(plan(desired, observed)) == [
        "take port a off bridge b",
        "put port a on bridge b with number 2",
        "put port z on bridge b with number 1, kind packet",
    ]


def test_queues_come_after_their_ports_and_go_before_them() -> None:
    before = Bridge("b", dpid=1, ports=(Port("a", number=1), Port("z", number=2)),
                    queues=(Queue("a", 0), Queue("a", 1), Queue("z", 0)))  # fmt: skip
    after = before.changed(
        ports=(Port("a", number=1), Port("n", number=3)),
        queues=(Queue("a", 1, 10**7, 50), Queue("n", 4, 10**9)),
    )
    assert texts(plan(Config((after,)), Config((before,)))) == [
        "take queue 0 off port a of bridge b",
        "take port z off bridge b",
        "put port n on bridge b with number 3, kind packet",
        "set max rate 10Mbps, max packets 50 of queue 1 of port a",
        "give port n of bridge b queue 4 with max rate 1Gbps",
    ]


def test_a_port_that_is_made_anew_gets_its_queues_again() -> None:
    before = Bridge("b", dpid=1, ports=(Port("a", number=1),), queues=(Queue("a", 0),))
    after = before.changed(ports=(Port("a", number=1, mtu=9000),))
    assert texts(plan(Config((after,)), Config((before,)))) == [
        "take port a off bridge b",
        "put port a on bridge b with number 1, mtu 9000",
        "give port a of bridge b queue 0",
    ]


def test_numbers_of_ephemeral_ports_are_not_given_again() -> None:
    desired = Config((Bridge("b", ports=(Port("a"), Port("z"))),))
    steps = plan(desired, Config(), {"b": [1, 3]})
    assert [step.params().get("number") for step in steps] == [None, 2, 4]


def test_an_operation_that_does_not_fit_is_a_key_error() -> None:
    steps = plan(Config((Bridge("b", ports=(Port("p"),)),)), Config())
    with pytest.raises(KeyError):
        apply(steps[1:], Config())
    with pytest.raises(KeyError):
        apply([*steps, steps[0]], Config())
    with pytest.raises(KeyError):
        apply([*steps, steps[1]], Config())


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, "packet"),
        ({"mtu": 1400, "tag": 7}, "packet"),
        ({"number": "LOCAL"}, "tap"),
        ({"addresses": ("10.0.0.1/24",)}, "tap"),
        ({"netns": "/run/netns/x"}, "tap"),
        ({"netns": "/run/netns/x", "interface": "lan0"}, "tap"),
        ({"kind": "tap"}, "tap"),
        ({"kind": "packet"}, "packet"),
    ],
)
def test_the_kind_that_is_left_open_follows_from_the_record(
    said: dict[str, Any], kind: str
) -> None:
    """On a bridge that is new, and on one that is there."""
    desired = Config((Bridge("b", ports=(Port("p", **said),)),))
    for observed in (Config(), Config((Bridge("b", dpid=1),))):
        added = [one.record for one in plan(desired, observed) if isinstance(one, Add)]
        assert [port.kind for port in added if isinstance(port, Port)] == [kind]


def test_a_kind_that_was_decided_stays_until_it_can_t() -> None:
    before = Config((Bridge("b", dpid=1, ports=(Port("p", number=1, kind="tap"),)),))
    assert plan(Config((Bridge("b", ports=(Port("p"),)),)), before) == []
    was_packet = Config((Bridge("b", dpid=1, ports=(Port("p", number=1, kind="packet"),)),))
    addressed = Port("p", addresses=("10.0.0.1/24",))
    settled = settle(Config((Bridge("b", ports=(addressed,)),)), was_packet)
    assert settled.bridges[0].ports[0].kind == "tap"


# ---- how long it takes ---------------------------------------------------------------------


def of_bridges(number: int) -> Config:
    return Config(tuple(Bridge(f"b{n}", dpid=n + 1) for n in range(number)))


def of_ports(number: int) -> Config:
    ports = tuple(Port(f"p{n}", kind="tap") for n in range(number))
    return Config((Bridge("br0", dpid=1, ports=ports).numbered(),))


def of_queues(number: int) -> Config:
    queues = tuple(Queue("p0", n % 256) for n in range(min(number, 256)))
    ports = tuple(Port(f"p{n}", kind="tap") for n in range(number // 16 + 1))
    more = tuple(Queue(f"p{n}", k) for n in range(1, number // 16 + 1) for k in range(16))
    return Config((Bridge("br0", dpid=1, ports=ports, queues=(*queues, *more)).numbered(),))


def seconds(make: Callable[[], object]) -> float:
    """Processor time of the quickest of some."""
    found = []
    for _ in range(4):
        began = time.process_time()
        make()
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize("kind", [of_bridges, of_ports, of_queues])
@pytest.mark.parametrize("what", ["come", "stay", "go", "are told"])
def test_four_times_as_much_takes_some_four_times_as_long(
    kind: Callable[[int], Config], what: str
) -> None:
    """Sixteen times would be quadratic."""

    def taken(number: int) -> float:
        much, none = kind(number), Config()
        steps = plan(much, none)
        made: dict[str, Callable[[], object]] = {
            "come": lambda: plan(much, none),
            "stay": lambda: plan(much, much),
            "go": lambda: plan(none, much),
            "are told": lambda: [(one.text, one.method, one.params()) for one in steps],
        }
        return seconds(made[what])

    assert taken(2_000) < 9 * taken(500) + 0.001
