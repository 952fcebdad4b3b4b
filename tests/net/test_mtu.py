"""MTUs of ports: the interface's own unless asked for less, followed wherever the interface is."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from datapath.kernel import new_namespace
from tests.kit.apps import eventually
from tests.kit.lab import Lab, ended, kill, laboratory

MACS = bytes.fromhex("020000000002020000000001")


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def container() -> Iterator[int]:
    """A namespace as a container has one."""
    fd = new_namespace()
    yield fd
    os.close(fd)


def set_mtu(lab: Lab, name: str, mtu: int) -> None:
    lab.shell("ip", "link", "set", name, "mtu", str(mtu))


def set_inside(container: int, *words: str) -> None:
    path = f"/proc/{os.getpid()}/fd/{container}"
    assert os.spawnlp(os.P_WAIT, "nsenter", "nsenter", f"--net={path}", *words) == 0


def mtus(lab: Lab) -> dict[str, int]:
    return {row["name"]: row["mtu"] for row in lab.call("port.list")}


def has(lab: Lab, **wanted: int) -> bool:
    return eventually(lambda: mtus(lab) == wanted)


def dropped(lab: Lab, name: str) -> dict[str, int]:
    (row,) = [row for row in lab.call("port.list") if row["name"] == name]
    assert isinstance(row["drops"], dict)
    return row["drops"]


def of(share: int) -> bytes:
    """A frame with so many bytes behind its Ethernet header."""
    return (MACS + b"\x88\xb5").ljust(14 + share, b"x")


def arrives(sender: socket.socket, receiver: socket.socket, share: int) -> bool:
    sender.send(of(share))
    receiver.settimeout(0.5)
    try:
        while receiver.recv(10_000) != of(share):
            pass
    except TimeoutError:
        return False
    return True


def begin(lab: Lab, *ports: str) -> None:
    lab.start()
    lab.call("bridge.add", name="br0", fail_mode="standalone")
    for name in ports:
        lab.call("port.add", bridge="br0", name=name)


def test_it_is_the_interface_s_and_bounds_what_leaves(lab: Lab) -> None:
    with lab.wire("v1", "p1") as one, lab.wire("v2", "p2") as two:
        for name in ("v1", "p1", "p2"):
            set_mtu(lab, name, 9000)
        begin(lab, "v1", "v2")
        lab.call("port.add", bridge="br0", name="t3", kind="tap")
        assert mtus(lab) == {"v1": 9000, "v2": 1500, "t3": 1500}
        assert arrives(one, two, 1500)
        assert not arrives(one, two, 1501)
        assert dropped(lab, "v2") == {"mtu": 1}
        set_mtu(lab, "v2", 4000)
        set_mtu(lab, "t3", 1400)
        assert has(lab, v1=9000, v2=4000, t3=1400)
        assert arrives(one, two, 4000)
        assert not arrives(one, two, 4001)
        assert dropped(lab, "v2") == {"mtu": 2}
        assert dropped(lab, "t3")["mtu"] >= 3, "flooded there as well"


def test_less_can_be_asked_for(lab: Lab) -> None:
    with lab.wire("v1", "p1") as one, lab.wire("v2", "p2") as two:
        begin(lab, "v1")
        lab.call("port.add", bridge="br0", name="v2", mtu=1000)
        assert mtus(lab) == {"v1": 1500, "v2": 1000}
        assert arrives(one, two, 1000)
        assert not arrives(one, two, 1001)
        set_mtu(lab, "v2", 900)
        assert has(lab, v1=1500, v2=900)
        set_mtu(lab, "v2", 1400)
        assert has(lab, v1=1500, v2=1000)


def test_it_is_known_after_forwarder_and_daemon_have_died(lab: Lab) -> None:
    with lab.wire("v1", "p1") as one, lab.wire("v2", "p2") as two:
        begin(lab, "v1", "v2")
        set_mtu(lab, "v2", 1300)
        assert has(lab, v1=1500, v2=1300)
        pid = lab.forwarder_pid()
        kill(pid)
        assert ended(pid)
        assert eventually(lambda: lab.has_forwarder_beside(pid))
        assert has(lab, v1=1500, v2=1300)
        assert eventually(lambda: arrives(one, two, 1300))
        assert not arrives(one, two, 1301)
        lab.daemons[-1].kill()
        lab.daemons[-1].wait()
        set_mtu(lab, "v2", 1200)  # nobody is there to see it
        lab.start()
        assert has(lab, v1=1500, v2=1200)
        assert not arrives(one, two, 1201)


def put_inside(lab: Lab, container: int, name: str, **settings: object) -> None:
    netns = f"/proc/self/fd/{container}"
    words = {"bridge": "br0", "name": name, "netns": netns, "ephemeral": True, **settings}
    lab.call("port.add", {"namespace": container}, **words)


def test_a_container_s_is_followed_too(lab: Lab, container: int) -> None:
    """Whoever lives at the time, and without keeping its namespace alive."""
    begin(lab)
    put_inside(lab, container, "c1", mtu=1400)
    put_inside(lab, container, "c2", interface="eth1")
    assert mtus(lab) == {"c1": 1400, "c2": 1500}
    set_inside(container, "ip", "link", "set", "eth0", "mtu", "1300")
    set_inside(container, "ip", "link", "set", "eth1", "mtu", "2000")
    assert has(lab, c1=1300, c2=2000)
    set_inside(container, "ip", "link", "set", "eth0", "name", "other")
    set_inside(container, "ip", "link", "set", "other", "mtu", "9000")
    assert has(lab, c1=1400, c2=2000), "no more than was asked for"
    lab.daemons[-1].kill()
    lab.daemons[-1].wait()
    set_inside(container, "ip", "link", "set", "eth1", "mtu", "2100")
    lab.start()
    assert eventually(lambda: mtus(lab)["c2"] == 2100)
    set_inside(container, "ip", "link", "set", "eth1", "mtu", "2200")
    assert eventually(lambda: mtus(lab)["c2"] == 2200)


def test_a_container_s_namespace_ends_with_it(lab: Lab) -> None:
    begin(lab)
    container = new_namespace()
    put_inside(lab, container, "c1")
    set_inside(container, "ip", "link", "set", "eth0", "mtu", "1300")
    assert has(lab, c1=1300)
    os.close(container)
    assert eventually(lambda: mtus(lab) == {})


def test_an_interface_that_is_off_in_its_container_is_a_link_that_is_down(
    lab: Lab, container: int
) -> None:
    begin(lab)
    put_inside(lab, container, "c1")

    def state() -> str:
        return str(lab.call("port.list")[0]["state"])

    assert state() == "up"
    set_inside(container, "ip", "link", "set", "eth0", "down")
    assert eventually(lambda: state() == "down")
    set_inside(container, "ip", "link", "set", "eth0", "up")
    assert eventually(lambda: state() == "up")
