"""Interfaces that are not there: refused or waited for, and never replaced by a TAP of the name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kit.apps import eventually
from tests.kit.lab import Lab, ended, kill, laboratory, passes
from vswitch.errors import Exit
from vswitch.rpc.client import RpcError


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


def begin(lab: Lab) -> None:
    lab.start()
    lab.call("bridge.add", name="br0", fail_mode="standalone")


def rows(lab: Lab) -> dict[str, tuple[str, str]]:
    """Kind and state of every port, by name."""
    return {row["name"]: (row["kind"], row["state"]) for row in lab.call("port.list")}


def has(lab: Lab, name: str) -> bool:
    return lab.tried("ip", "link", "show", name).returncode == 0


def refusal(lab: Lab, method: str, **params: Any) -> RpcError:
    with pytest.raises(RpcError) as caught:
        lab.call(method, **params)
    return caught.value


@pytest.mark.parametrize("ephemeral", [False, True])
def test_a_name_that_is_not_there_makes_no_tap(lab: Lab, ephemeral: bool) -> None:
    begin(lab)
    refused = refusal(lab, "port.add", bridge="br0", name="eht1", ephemeral=ephemeral)
    assert refused.exit == Exit.FAILED
    assert "there is no interface eht1" in str(refused)
    assert "--kind tap" in str(refused)
    assert (rows(lab), has(lab, "eht1")) == ({}, False)
    lab.call("port.add", bridge="br0", name="eht1", ephemeral=ephemeral, kind="tap")
    assert (rows(lab), has(lab, "eht1")) == ({"eht1": ("tap", "up")}, True)


@pytest.mark.parametrize("said", [{}, {"kind": "packet"}])
def test_an_interface_that_goes_is_missed_and_comes_back(lab: Lab, said: dict[str, str]) -> None:
    begin(lab)
    with lab.wire("v1", "p1") as one:
        with lab.wire("v3", "p3"):
            for name in ("v1", "v3"):
                lab.call("port.add", bridge="br0", name=name, **said)
            assert rows(lab) == {"v1": ("packet", "up"), "v3": ("packet", "up")}
            lab.shell("ip", "link", "del", "v3")
            assert eventually(lambda: rows(lab)["v3"] == ("packet", "missing"))
            lab.call("port.set", bridge="br0", name="v1", trunks=["0"])  # it tries all again
            assert not has(lab, "v3")
            assert "there is no interface v3" in lab.call("status")["not_active"][0]
        with lab.wire("v3", "p3") as three:
            assert eventually(lambda: rows(lab)["v3"] == ("packet", "up"))
            assert passes(one, three, number=1)


def forwarder_dies(lab: Lab) -> None:
    pid = lab.forwarder_pid()
    kill(pid)
    assert ended(pid)
    assert eventually(lambda: lab.has_forwarder_beside(pid))


def daemon_dies(lab: Lab) -> None:
    lab.daemons[-1].kill()
    lab.daemons[-1].wait()
    lab.start()


def both_die(lab: Lab) -> None:
    pid = lab.forwarder_pid()
    lab.daemons[-1].kill()
    kill(pid)
    lab.daemons[-1].wait()
    assert ended(pid)
    lab.start()


def shut_down(lab: Lab) -> None:
    lab.call("shutdown")
    lab.daemons[-1].wait(10)
    lab.start()


@pytest.mark.parametrize("happens", [forwarder_dies, daemon_dies, both_die, shut_down])
def test_what_is_missing_stays_so_over_every_death(
    lab: Lab, happens: Callable[[Lab], None]
) -> None:
    begin(lab)
    with lab.wire("v3", "p3"):
        lab.call("port.add", bridge="br0", name="v3")
        lab.call("port.add", bridge="br0", name="t1", kind="tap")
        lab.shell("ip", "link", "del", "v3")
        assert eventually(lambda: rows(lab)["v3"] == ("packet", "missing"))
    happens(lab)
    assert eventually(lambda: rows(lab) == {"t1": ("tap", "up"), "v3": ("packet", "missing")})
    assert not has(lab, "v3")
    with lab.wire("v3", "p3"):
        assert eventually(lambda: rows(lab)["v3"] == ("packet", "up"))


def test_a_file_with_a_missing_interface_is_stored_and_makes_no_tap(lab: Lab) -> None:
    lab.start()
    ports = [
        {"name": "v3"}, {"name": "t1", "kind": "tap"}, {"name": "br0", "number": "LOCAL"},
        {"name": "t2", "addresses": ["10.0.0.1/24"]},
    ]  # fmt: skip
    desired = {"bridges": [{"name": "br0", "ports": ports}]}
    steps = lab.call("plan", desired=desired)["operations"]
    assert [step["params"].get("kind") for step in steps] == [None, "packet", *["tap"] * 3]
    refused = refusal(lab, "apply", desired=desired)
    assert refused.exit == Exit.NOT_ACTIVE
    assert "there is no interface v3" in str(refused)
    made = dict.fromkeys(("t1", "br0", "t2"), ("tap", "up"))
    assert rows(lab) == {**made, "v3": ("packet", "missing")}
    assert not has(lab, "v3")
    steps = lab.call("plan", desired=desired)["operations"]
    assert [step["params"]["name"] for step in steps] == ["v3"]


def test_a_tap_that_can_t_be_made_yet_stays_a_tap(lab: Lab) -> None:
    """A file that leaves its kind open changes nothing about it."""
    begin(lab)
    with lab.wire("t1", "p1"):  # the name is taken
        assert refusal(lab, "port.add", bridge="br0", name="t1", kind="tap").exit == 65
        bridge = {"name": "br0", "fail_mode": "standalone", "ports": [{"name": "t1"}]}
        assert refusal(lab, "apply", desired={"bridges": [bridge]}).exit == 65
        assert rows(lab) == {"t1": ("tap", "missing")}
        lab.shell("ip", "link", "del", "t1")
    assert eventually(lambda: rows(lab) == {"t1": ("tap", "up")})


def test_an_ephemeral_daemon_makes_no_tap_of_a_wrong_name(lab: Lab) -> None:
    line = ("--ephemeral", "--bridge", "br0", "--port", "t1", "--kind", "tap", "--port")
    daemon = lab.launch(*line, "eht1", "--run", str(lab.run))
    assert daemon.wait(10) == 1
    assert "there is no interface eht1" in lab.log.read_text()
    with lab.wire("v1", "p1"):
        lab.start(*line, "v1")
        assert rows(lab) == {"t1": ("tap", "up"), "v1": ("packet", "up")}


def renamed(lab: Lab) -> None:
    lab.shell("ip", "link", "set", "v1", "down")
    lab.shell("ip", "link", "set", "v1", "name", "other", "up")


@pytest.mark.parametrize("daemon_is_there", [True, False])
@pytest.mark.parametrize("again", ["renamed", "replaced"])
def test_a_port_is_of_its_name_and_not_of_an_interface_that_once_had_it(
    lab: Lab, daemon_is_there: bool, again: str
) -> None:
    begin(lab)
    with lab.wire("v1", "p1") as old, lab.wire("v2", "p2") as two:
        for name in ("v1", "v2"):
            lab.call("port.add", bridge="br0", name=name)
        assert passes(old, two, number=1)
        if not daemon_is_there:
            lab.daemons[-1].kill()
            lab.daemons[-1].wait()
        if again == "renamed":
            renamed(lab)
        else:
            lab.shell("ip", "link", "del", "v1")
        with lab.wire("v1", "p4") as new:
            if not daemon_is_there:
                lab.start()
            assert eventually(lambda: passes(new, two, number=2, seconds=0.1))
            assert eventually(lambda: rows(lab)["v1"] == ("packet", "up"))
            if again == "renamed":
                assert not passes(old, two, number=3, seconds=0.3)


def test_a_renamed_interface_is_missing_under_its_name(lab: Lab) -> None:
    begin(lab)
    with lab.wire("v1", "p1") as one, lab.wire("v2", "p2") as two:
        for name in ("v1", "v2"):
            lab.call("port.add", bridge="br0", name=name)
        renamed(lab)
        assert eventually(lambda: rows(lab)["v1"] == ("packet", "missing"))
        lab.shell("ip", "link", "set", "other", "down")
        lab.shell("ip", "link", "set", "other", "name", "v1", "up")
        assert eventually(lambda: rows(lab)["v1"] == ("packet", "up"))
        assert passes(one, two, number=1)


def leave_kinds_open(lab: Lab) -> None:
    """As a store of before has it."""
    with sqlite3.connect(lab.state / "vswitch.db") as store:
        store.execute("UPDATE port SET kind = 'auto'")
    store.close()


def test_a_store_of_before_keeps_what_runs_and_makes_nothing_of_what_is_gone(lab: Lab) -> None:
    """The TAP that runs is one from then on; of what does not run, only LOCAL and what has
    addresses is ours to make."""
    begin(lab)
    with lab.wire("v3", "p3"):
        lab.call("port.add", bridge="br0", name="v3")
        lab.call("port.add", bridge="br0", name="t1", kind="tap")
        lab.call("port.add", bridge="br0", name="br0", number="LOCAL")
        lab.daemons[-1].kill()
        lab.daemons[-1].wait()
        leave_kinds_open(lab)
        lab.start()
        kept = {"v3": ("packet", "up"), "t1": ("tap", "up"), "br0": ("tap", "up")}
        assert rows(lab) == kept
        both_die(lab)
        assert rows(lab) == kept, "what was decided is stored"
        lab.call("shutdown")
        lab.daemons[-1].wait(10)
        lab.shell("ip", "link", "del", "v3")
    leave_kinds_open(lab)
    lab.start()
    missing = ("packet", "missing")
    assert rows(lab) == {"v3": missing, "t1": missing, "br0": ("tap", "up")}
    assert not has(lab, "v3")
    assert not has(lab, "t1")


def test_a_tap_whose_name_went_before_it_is_left_alone(lab: Lab) -> None:
    """The kernel's word that the old one is gone comes when the new one is there."""
    begin(lab)
    for _ in range(5):
        with lab.wire("t1", "p1"):
            assert refusal(lab, "port.add", bridge="br0", name="t1", kind="tap").exit == 65
            lab.shell("ip", "link", "del", "t1")
        assert eventually(lambda: rows(lab) == {"t1": ("tap", "up")})
        lab.call("bridge.set", name="br0", mac_age=0)
        assert rows(lab) == {"t1": ("tap", "up")}
        lab.call("port.rm", bridge="br0", name="t1")
    assert lab.log.read_text().count("its interface is gone") == 0


@pytest.mark.parametrize("kind", ["packet", "tap"])
def test_descriptors_tell_what_their_interface_is_called(lab: Lab, kind: str) -> None:
    from datapath.kernel import (
        inside,
        make_tap,
        open_packet_port,
        packet_interface,
        tap_interface,
    )  # fmt: skip

    with lab.wire("v0" if kind == "tap" else "v1", "p1"):
        name = packet_interface if kind == "packet" else tap_interface
        make = (lambda: open_packet_port("v1")) if kind == "packet" else None
        fd = inside(lab.namespace, make or (lambda: make_tap("v1", persistent=False)))
        try:
            assert name(fd) == "v1"
            renamed(lab)
            assert name(fd) == "other"
            lab.shell("ip", "link", "del", "other")
            assert name(fd) == ""
        finally:
            os.close(fd)


def test_the_number_of_a_missing_port_waits_for_it(lab: Lab) -> None:
    """A container that comes meanwhile gets another one: else the port could never come back."""
    begin(lab)
    assert refusal(lab, "port.add", bridge="br0", name="v3", kind="packet").exit == 65
    made = lab.call("port.add", bridge="br0", name="t1", kind="tap", ephemeral=True)
    assert made["number"] == 2
    with lab.wire("v3", "p3"):
        assert eventually(lambda: rows(lab)["v3"] == ("packet", "up"))
    numbers = {row["name"]: row["number"] for row in lab.call("port.list")}
    assert numbers == {"v3": 1, "t1": 2}
