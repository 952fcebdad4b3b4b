"""Containers whose port goes: told as detached, and plugged in again as they were."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.lab import Lab, ended, kill, laboratory
from tests.kit.pod import Pod, eventually, is_gone, pods
from vswitch.errors import Failure

STORED, EPHEMERAL = "stored", "ephemeral"


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture(params=[STORED, EPHEMERAL])
def again(request: pytest.FixtureRequest, lab: Lab) -> Callable[[], None]:
    """Starts a daemon with a bridge, the first time and every time."""

    def stored() -> None:
        lab.start()
        if not lab.call("bridge.list"):
            lab.call("bridge.add", name="br0", fail_mode="standalone")

    def ephemeral() -> None:
        lab.start("--ephemeral", "--bridge", "br0")

    return stored if request.param == STORED else ephemeral


@pytest.fixture
def pod(lab: Lab, again: Callable[[], None]) -> Iterator[Pod]:
    again()
    for pod in pods(lab.run):
        yield pod
        for name in [entry["name"] for entry in pod.ps()]:
            pod.vswitch("rm", "-f", name)
        for pid in keepers(lab):
            assert ended(pid), "a keeper ends with the last container"


def keepers(lab: Lab) -> list[int]:
    """Processes that look after the containers of this run folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"containers.keeper" in words and os.fsencode(os.path.realpath(lab.run)) in words:
            found.append(int(folder.name))
    return found


def start(pod: Pod, name: str, address: str, *options: str) -> None:
    words = ["run", "-d", "--name", name, "--bridge", "br0", "--address", f"{address}/24"]
    result = pod.vswitch(*words, *options, "--", "sleep", "1000")
    assert result.code == 0, result.err


def states(pod: Pod) -> dict[str, str]:
    return {entry["name"]: entry["status"] for entry in pod.ps()}


def reason(pod: Pod, name: str) -> str:
    return next(str(entry["reason"]) for entry in pod.ps() if entry["name"] == name)


def reaches(pod: Pod, name: str, address: str) -> bool:
    return pod.vswitch("exec", name, "ping", "-c1", "-W1", address).code == 0


def shape(lab: Lab, name: str) -> dict[str, Any]:
    """What a port is like, but for its counters, once it is there: its interface is so before."""
    eventually(lambda: any(row["name"] == name for row in lab.call("port.list")))
    keys = ("name", "number", "mac", "mtu", "vlan_mode", "tag", "trunks", "ephemeral", "state")
    (row,) = (row for row in lab.call("port.list", bridge="br0") if row["name"] == name)
    return {key: row[key] for key in keys}


def inside(pod: Pod, name: str, interface: str = "eth0") -> list[str]:
    """Addresses and routes that a container has."""
    show = f"ip -o addr show {interface}; ip route; ip -6 route"
    text = pod.vswitch("exec", name, "sh", "-c", show).out
    plain = (line.partition(" valid_lft")[0] for line in text.splitlines())
    return sorted(re.sub(r"^\d+: ", "", line) for line in plain)


def end_daemon(lab: Lab, number: int) -> None:
    lab.daemons[-1].send_signal(number)
    lab.daemons[-1].wait(10)


def both_are_killed(lab: Lab) -> None:
    pid = lab.forwarder_pid()
    for victim in (pid, lab.daemons[-1].pid):
        os.kill(victim, signal.SIGSTOP)  # else the daemon starts another one
    kill(lab.daemons[-1].pid)
    kill(pid)
    lab.daemons[-1].wait()
    assert ended(pid)


def shut_down(lab: Lab) -> None:
    lab.call("shutdown")
    lab.daemons[-1].wait(10)


@pytest.mark.parametrize("happens", [both_are_killed, shut_down])
def test_a_container_gets_its_port_back_as_it_was(
    lab: Lab, pod: Pod, again: Callable[[], None], happens: Callable[[Lab], None]
) -> None:
    """Numbers, addresses, VLANs, queues: also what the operator has set since it started."""
    start(pod, "x", "10.0.0.9", "--number", "5")
    options = ["--gateway", "10.0.0.1", "--mtu", "1400", "--address", "fd00::2/64"]
    start(pod, "a", "10.0.0.2", "--port", "web", "--interface", "lan0", *options)
    start(pod, "b", "10.0.0.3")
    for name in ("web", "b"):
        lab.call("port.set", bridge="br0", name=name, tag=10)
    lab.call("queue.add", bridge="br0", port="web", number=7, max_rate="10Mbps")
    assert reaches(pod, "a", "10.0.0.3")
    before = {name: shape(lab, name) for name in ("web", "b", "x")}
    seen = inside(pod, "a", "lan0")
    happens(lab)
    eventually(lambda: states(pod) == dict.fromkeys("abx", "detached"))
    eventually(lambda: "start vswitchd" in reason(pod, "a"))
    again()
    began = time.monotonic()
    eventually(lambda: states(pod) == dict.fromkeys("abx", "running"))
    assert time.monotonic() - began < 5
    eventually(lambda: {name: shape(lab, name) for name in ("web", "b", "x")} == before)
    assert [entry["reason"] for entry in pod.ps()] == [None] * 3
    eventually(lambda: inside(pod, "a", "lan0") == seen)
    (queue,) = lab.call("queue.list", bridge="br0", port="web")
    assert (queue["number"], queue["max_rate"]) == (7, "10Mbps")
    eventually(lambda: reaches(pod, "a", "10.0.0.3"))
    assert not reaches(pod, "x", "10.0.0.2"), "a VLAN is kept"


@pytest.mark.parametrize("happens", [both_are_killed, shut_down])
def test_an_attached_container_gets_its_port_back(
    lab: Lab, pod: Pod, again: Callable[[], None], happens: Callable[[Lab], None]
) -> None:
    words = ["run", "--name", "a", "--bridge", "br0", "--address", "10.0.0.2/24"]
    runner = pod.popen(*words, "--", "sleep", "1000")
    eventually(lambda: states(pod) == {"a": "running"})
    before = shape(lab, "a")
    happens(lab)
    eventually(lambda: states(pod) == {"a": "detached"})
    again()
    eventually(lambda: states(pod) == {"a": "running"})
    assert shape(lab, "a") == before
    assert keepers(lab) == []
    runner.terminate()
    runner.wait(10)
    eventually(lambda: lab.call("port.list") == [])


def test_nothing_is_noticed_of_a_daemon_or_forwarder_that_dies_alone(
    lab: Lab, pod: Pod, again: Callable[[], None]
) -> None:
    start(pod, "a", "10.0.0.2")
    before = shape(lab, "a")
    pid = lab.forwarder_pid()
    kill(pid)
    assert ended(pid)
    eventually(lambda: lab.has_forwarder_beside(pid))
    assert states(pod) == {"a": "running"}
    eventually(lambda: [row["name"] for row in lab.call("port.list")] == ["a"])
    assert shape(lab, "a") == before
    if lab.state.exists():  # an ephemeral one's forwarder ends with it
        end_daemon(lab, signal.SIGKILL)
        assert states(pod) == {"a": "running"}
        again()
        assert shape(lab, "a") == before
    os.kill(lab.daemons[-1].pid, signal.SIGSTOP)
    assert states(pod) == {"a": "running"}
    os.kill(lab.daemons[-1].pid, signal.SIGCONT)


@pytest.mark.parametrize("detached", [True, False])
def test_what_the_operator_takes_off_stays_off_until_it_is_connected(
    lab: Lab, pod: Pod, again: Callable[[], None], detached: bool
) -> None:
    if detached:
        start(pod, "a", "10.0.0.2")
    else:
        words = ["run", "--name", "a", "--bridge", "br0", "--address", "10.0.0.2/24"]
        pod.popen(*words, "--", "sleep", "1000")
        eventually(lambda: states(pod) == {"a": "running"})
    lab.call("port.set", bridge="br0", name="a", tag=7)
    before = shape(lab, "a")
    lab.call("port.rm", bridge="br0", name="a")
    eventually(lambda: "was taken off bridge br0; vswitch connect a" in reason(pod, "a"))
    time.sleep(3)  # longer than anybody waits with asking again
    assert lab.call("port.list") == []
    shut_down(lab)
    again()
    time.sleep(3)
    assert lab.call("port.list") == []
    assert states(pod) == {"a": "detached"}
    assert pod.vswitch("connect", "a").code == 0
    assert states(pod) == {"a": "running"}
    assert shape(lab, "a") == before
    both_are_killed(lab)
    again()
    eventually(lambda: states(pod) == {"a": "running"})
    assert shape(lab, "a") == before


def test_connecting_says_what_is_missing(lab: Lab, pod: Pod) -> None:
    assert pod.vswitch("connect", "nobody").code == 3
    assert pod.vswitch("connect").code == 2
    assert pod.vswitch("run", "-d", "--name", "lone", "--", "sleep", "1000").code == 0
    assert "without a bridge" in pod.vswitch("connect", "lone").err
    assert keepers(lab) == [], "nobody has a port"
    start(pod, "a", "10.0.0.2")
    assert pod.vswitch("connect", "a").code == 0, "it is there"
    lab.call("bridge.rm", name="br0")
    eventually(lambda: "bridge br0: there is none" in reason(pod, "a"))
    assert "bridge br0" in pod.vswitch("connect", "a").err
    lab.call("bridge.add", name="br0")
    eventually(lambda: states(pod)["a"] == "running")


def test_a_port_among_many_interfaces_is_seen(lab: Lab, pod: Pod) -> None:
    """The kernel tells of thirty at a time, those that were there first before the others."""
    start(pod, "a", "10.0.0.2")
    (entry,) = pod.ps()
    for number in range(40):
        add = ("ip", "tuntap", "add", "dev", f"another{number}", "mode", "tap")
        subprocess.run(["nsenter", "-t", str(entry["pid"]), "-n", *add], check=True)
    lab.call("port.rm", bridge="br0", name="a")
    eventually(lambda: states(pod) == {"a": "detached"})
    assert pod.vswitch("connect", "a").code == 0
    assert states(pod) == {"a": "running"}


def test_a_keeper_is_one_and_comes_again(lab: Lab, pod: Pod, again: Callable[[], None]) -> None:
    start(pod, "a", "10.0.0.2")
    eventually(lambda: len(keepers(lab)) == 1)
    (first,) = keepers(lab)
    start(pod, "b", "10.0.0.3")
    assert keepers(lab) == [first]
    kill(first)
    eventually(lambda: is_gone(first))
    both_are_killed(lab)
    again()
    eventually(lambda: states(pod) == {"a": "running", "b": "running"})  # to look is enough
    assert len(keepers(lab)) == 1


def test_a_number_that_was_given_again_is_no_obstacle(
    lab: Lab, pod: Pod, again: Callable[[], None]
) -> None:
    start(pod, "a", "10.0.0.2")
    assert shape(lab, "a")["number"] == 1
    os.kill(keepers(lab)[0], signal.SIGSTOP)
    try:
        shut_down(lab)
        again()
        lab.call("port.add", bridge="br0", name="t1", kind="tap")
    finally:
        os.kill(keepers(lab)[0], signal.SIGCONT)
    eventually(lambda: states(pod) == {"a": "running"})
    assert (shape(lab, "t1")["number"], shape(lab, "a")["number"]) == (1, 2)


def test_a_port_of_one_that_ends_while_no_daemon_is_there_does_not_come_back(
    lab: Lab, pod: Pod, again: Callable[[], None]
) -> None:
    start(pod, "a", "10.0.0.2")
    start(pod, "b", "10.0.0.3")
    shut_down(lab)
    assert pod.vswitch("rm", "-f", "a").code == 0
    again()
    eventually(lambda: states(pod) == {"b": "running"})
    assert [row["name"] for row in lab.call("port.list")] == ["b"]


@pytest.mark.slow
def test_a_hundred_at_once(lab: Lab, pod: Pod, again: Callable[[], None]) -> None:
    for number in range(100):
        start(pod, f"c{number}", f"10.0.0.{number + 1}")
    before = {row["name"]: (row["number"], row["mac"]) for row in lab.call("port.list")}
    both_are_killed(lab)
    again()

    def back() -> bool:
        try:
            rows = lab.call("port.list")
        except Failure:
            return False
        return {row["name"]: (row["number"], row["mac"]) for row in rows} == before

    began = time.monotonic()
    eventually(back, 60)
    print(f"100 containers are back after {time.monotonic() - began:.1f} s")
    assert len(keepers(lab)) == 1
