"""Queues of real ports: the rate that they deliver, and the deaths that they survive."""

from __future__ import annotations

import shutil
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from datapath.kernel import inside
from tests.kit import lab as labs
from tests.kit.apps import eventually
from tests.kit.lab import Lab, frame, kill, laboratory, passes
from vswitch.errors import RpcError

RATE = 10_000_000
BITS = 10_000
SECONDS = 2.0
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # socket(7): Python names neither


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def sender(lab: Lab) -> Iterator[socket.socket]:
    """What it sends goes into port 1 (v1), and from there through queue 7 of port 2."""
    with lab.wire("v1", "p1") as sock:
        yield sock


def veth(lab: Lab) -> socket.socket:
    sock = lab.wire("out", "p2")
    lab.call("port.add", bridge="br0", name="out")
    return sock


def tap(lab: Lab) -> socket.socket:
    lab.call("port.add", bridge="br0", name="out", kind="tap")
    return inside(lab.namespace, lambda: labs.tester("out"))


def bridge(lab: Lab) -> None:
    lab.call("bridge.add", name="br0")
    lab.call("port.add", bridge="br0", name="v1")
    lab.call("flow.add", bridge="br0", flow="in_port=1,actions=set_queue:7,output:2")


def queue(lab: Lab, **settings: object) -> dict[str, Any]:
    added: dict[str, Any] = lab.call("queue.add", bridge="br0", port="out", number=7, **settings)
    return added


@pytest.mark.parametrize("out", [veth, tap])
def test_a_queue_delivers_its_rate_within_5_percent(
    lab: Lab, sender: socket.socket, out: Any
) -> None:
    """3.2 s of traffic wait in the queue, so that no slow sender has a part in what is measured."""
    lab.start()
    bridge(lab)
    with out(lab) as receiver:
        queue(lab, max_rate="10Mbps", max_packets=65536)
        assert passes(sender, receiver, number=1)
        whole = frame(2).ljust(BITS // 8, b"\0")
        for _ in range(3200):
            sender.send(whole)
        bits = received_bits(receiver, SECONDS)
    assert abs(bits / SECONDS / RATE - 1) < 0.05


def received_bits(receiver: socket.socket, seconds: float) -> int:
    """What arrives within 'seconds', after what was saved up while the queue was empty.

    By the kernel's time stamps, so that a busy machine, where this process waits for its turn,
    measures the same.
    """
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    receiver.settimeout(10)
    bits, began, at = 0, 0.0, 0.0
    while not began or at < began + seconds:
        data, ancillary, _, _ = receiver.recvmsg(2048, 64)
        if len(data) != BITS // 8 or not ancillary:
            continue
        whole, nanoseconds = struct.unpack("=qq", ancillary[0][2][:16])
        at = whole + nanoseconds / 1e9
        began = began or at + 0.1
        bits += len(data) * 8 if began <= at < began + seconds else 0
    return bits


def test_a_queue_survives_the_forwarder_and_the_daemon(lab: Lab, sender: socket.socket) -> None:
    daemon = lab.start()
    bridge(lab)
    with veth(lab) as receiver:
        assert queue(lab, max_rate="1Mbps", max_packets=50)["max_rate"] == "1Mbps"
        assert passes(sender, receiver, number=1)
        daemon.kill()
        daemon.wait()
        lab.start()
        (adopted,) = lab.call("queue.list", bridge="br0")
        assert (adopted["active"], adopted["max_rate"], adopted["max_packets"]) == (
            True, "1Mbps", 50,
        )  # fmt: skip
        assert adopted["tx_packets"] > 0
        assert lab.call("plan", desired=stored(lab)) == {"operations": []}
        if shutil.which("ovs-ofctl"):
            assert "max_rate:0.1%" in lab.ofctl("queue-get-config", "2")
        kill(lab.forwarder_pid())
        assert passes(sender, receiver, number=2)
        (again,) = lab.call("queue.list", bridge="br0")
        assert (again["active"], again["max_rate"], again["max_packets"]) == (True, "1Mbps", 50)
        assert again["tx_packets"] > 0
        burst(sender)
        assert dropped(lab) > 0


def stored(lab: Lab) -> dict[str, Any]:
    """The configuration as a file would have it."""
    row = lab.call("bridge.show", name="br0")
    parts = {
        where: [{key: one[key] for key in keys} for one in lab.call(f"{noun}.list", bridge="br0")]
        for where, noun, keys in (
            ("ports", "port", ("name", "number", "kind")),
            ("queues", "queue", ("port", "number", "max_rate", "max_packets")),
        )
    }
    return {"bridges": [{**{name: row[name] for name in ("name", "dpid", "fail_mode")}, **parts}]}


def burst(sender: socket.socket) -> None:
    for number in range(200):
        sender.send(frame(number))


def dropped(lab: Lab) -> int:
    """Packets for which queues had no room, once something has been counted."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        ports = {port["name"]: port["drops"] for port in lab.call("port.list")}
        if count := ports["out"].get("queue-full", 0):
            return int(count)
        time.sleep(0.02)
    return 0


def test_a_new_rate_and_length_hold_at_once_and_a_removed_queue_holds_nothing_up(
    lab: Lab, sender: socket.socket
) -> None:
    lab.start()
    bridge(lab)
    with veth(lab) as receiver:
        queue(lab, max_rate="1kbps")
        burst(sender)
        time.sleep(0.1)
        assert not passes(sender, receiver, number=1000, seconds=0.3)
        lab.call("queue.set", bridge="br0", port="out", number=7, max_rate="unlimited")
        assert passes(sender, receiver, number=1001)
        changed = lab.call("queue.set", bridge="br0", port="out", number=7, max_packets=3)
        assert (changed["max_rate"], changed["max_packets"]) == ("unlimited", 3)
        lab.call("queue.set", bridge="br0", port="out", number=7, max_rate="1kbps")
        burst(sender)
        assert dropped(lab) > 0
        lab.call("queue.rm", bridge="br0", port="out", number=7)
        assert lab.call("queue.list") == []
        assert passes(sender, receiver, number=1002)


def test_a_queue_goes_with_its_port_and_waits_for_its_interface(lab: Lab) -> None:
    lab.start()
    lab.call("bridge.add", name="br0")
    with lab.wire("out", "p2"):
        lab.call("port.add", bridge="br0", name="out", kind="packet")
        queue(lab, max_rate="1Gbps")
        lab.shell("ip", "link", "del", "out")
        assert eventually(lambda: active(lab) == [False])
    with lab.wire("out", "p2"):
        assert eventually(lambda: active(lab) == [True])
        lab.call("port.rm", bridge="br0", name="out")
        assert lab.call("queue.list") == []
        assert lab.call("bridge.show", name="br0")["queues"] == []


def active(lab: Lab) -> list[bool]:
    return [one["active"] for one in lab.call("queue.list")]


def test_an_ephemeral_ports_queue_is_as_ephemeral(lab: Lab) -> None:
    daemon = lab.start()
    lab.call("bridge.add", name="br0")
    lab.call("port.add", bridge="br0", name="out", kind="tap", ephemeral=True)
    queue(lab, max_rate="5Mbps")
    lab.call("queue.set", bridge="br0", port="out", number=7, max_packets=9)
    assert lab.call("bridge.show", name="br0")["queues"] == []
    daemon.kill()
    daemon.wait()
    lab.start()
    assert lab.call("queue.list")[0]["max_packets"] == 9
    pid = lab.forwarder_pid()
    kill(pid)
    assert eventually(lambda: lab.has_forwarder_beside(pid))
    assert eventually(lambda: active(lab) == [True])
    (found,) = lab.call("queue.list")
    assert (found["max_rate"], found["max_packets"]) == ("5Mbps", 9)
    lab.call("queue.rm", bridge="br0", port="out", number=7)
    assert lab.call("queue.list") == []


def test_what_is_not_there_is_told_with_exit_3_and_what_is_there_already_with_1(lab: Lab) -> None:
    port = ("--port", "out:4", "--kind", "tap", "--queue", "4:7:10Mbps")
    lab.start("--ephemeral", "--bridge", "br0", *port)
    assert lab.call("queue.list")[0]["max_rate"] == "10Mbps"
    for method, port, number, code in (
        ("queue.add", "out", 7, 1), ("queue.add", "gone", 7, 3), ("queue.set", "out", 8, 3),
        ("queue.rm", "out", 8, 3), ("queue.rm", "gone", 7, 3),
    ):  # fmt: skip
        with pytest.raises(RpcError) as caught:
            lab.call(method, bridge="br0", port=port, number=number)
        assert (method, caught.value.exit) == (method, code)
