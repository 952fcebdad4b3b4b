"""Containers on ports of a real switch: born there, talking through it, gone without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.kit.lab import Lab, laboratory
from tests.kit.pod import PROGRAM, Pod, children, eventually, kill, pods
from vswitch.errors import Failure


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def pod(lab: Lab) -> Iterator[Pod]:
    lab.start("--ephemeral", "--bridge", "br0", "--fail-mode", "standalone")
    lab.call("flow.add", bridge="br0", flow="priority=1,in_port=1,actions=output:2")
    lab.call("flow.add", bridge="br0", flow="priority=1,in_port=2,actions=output:1")
    yield from pods(lab.run)


def ports(lab: Lab) -> list[str]:
    return [port["name"] for port in lab.call("port.list")]


def ports_if_told(lab: Lab) -> list[str] | None:
    """None while there is no forwarder."""
    try:
        return ports(lab)
    except Failure:
        return None


def on_port(address: str, *options: str) -> list[str]:
    return ["run", "--bridge", "br0", "--address", f"{address}/24", *options]


def test_two_containers_talk_through_the_switch(lab: Lab, pod: Pod) -> None:
    assert pod.vswitch(*on_port("10.0.0.2", "-d", "--name", "a"), "--", "sleep", "1000").code == 0
    result = pod.vswitch(*on_port("10.0.0.3"), "--", "ping", "-c2", "-i0.1", "-W2", "10.0.0.2")
    assert result.code == 0, result.out + result.err
    assert ports(lab) == ["a"]


def test_the_interface_is_complete_before_the_command_starts(pod: Pod) -> None:
    options = ["--mac", "02:00:00:00:00:07", "--mtu", "1400", "--gateway", "10.0.0.1"]
    options += ["--interface", "lan0", "--number", "7", "--port", "p7"]
    show = "cat /sys/class/net/lan0/address /sys/class/net/lan0/mtu /proc/net/route"
    result = pod.vswitch(*on_port("10.0.0.3", *options), "--", "sh", "-c", show)
    assert result.lines()[:2] == ["02:00:00:00:00:07", "1400"]
    assert "lan0\t00000000\t0100000A" in result.out  # the default route, least byte first


def test_a_port_goes_with_its_container_whatever_kills_that(lab: Lab, pod: Pod) -> None:
    for victim in ("runner", "init", "command"):
        runner = pod.popen(*on_port("10.0.0.3", "--name", "c"), "--", "sleep", "1000")
        first = pod.pid("c")
        eventually(lambda pid=first: bool(children(pid)))  # type: ignore[misc]
        assert ports(lab) == ["c"]
        kill({"runner": runner.pid, "init": first, "command": children(first)[0]}[victim])
        runner.wait(10)
        eventually(lambda: ports(lab) == [])


HAND_OUT = """
import socket, time
parent = socket.socket(fileno=0)
own = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
own.bind(("eth0", 0))
socket.send_fds(parent, [b"take it"], [own.fileno()])
time.sleep(1000)
"""


@pytest.mark.parametrize("forwarder_dies", [False, True])
def test_a_port_goes_with_its_container_though_somebody_holds_a_socket_of_it(
    lab: Lab, pod: Pod, forwarder_dies: bool
) -> None:
    """Its network namespace stays, and its interface in it: the port must not."""
    ours, theirs = socket.socketpair()
    with ours:
        line = on_port("10.0.0.3", "--name", "c")
        runner = pod.popen(*line, "--", "python3", "-c", HAND_OUT, stdin=theirs)
        theirs.close()
        _, (fd,), _, _ = socket.recv_fds(ours, 16, 1)
        with socket.socket(fileno=fd) as held:
            frame = b"\xff" * 6 + bytes(6) + b"\x88\xb5" + bytes(50)
            assert held.send(frame) == len(frame)
            assert ports(lab) == ["c"]
            if forwarder_dies:
                kill(lab.call("status")["forwarder"]["pid"])
            kill(runner.pid)
            runner.wait(10)
            eventually(lambda: ports_if_told(lab) == [])
            result = pod.vswitch(*line, "--", "true")
            assert (result.code, result.err) == (0, "")
            eventually(lambda: ports(lab) == [])


def test_a_container_stays_when_the_daemon_is_gone_and_then_leaves_nothing(
    lab: Lab, pod: Pod
) -> None:
    pod.vswitch(*on_port("10.0.0.2", "-d", "--name", "a"), "--", "sleep", "1000")
    lab.daemons[-1].send_signal(signal.SIGKILL)
    lab.daemons[-1].wait()
    # An ephemeral one's forwarder ends with it, and the port with that.
    eventually(lambda: [entry["status"] for entry in pod.ps()] == ["detached"])
    assert pod.vswitch("exec", "a", "true").code == 0
    assert pod.vswitch("rm", "-f", "a").code == 0
    assert os.listdir(pod.run_folder / "containers") == [".lock"]


def test_a_port_whose_container_ended_without_a_daemon_goes_with_the_next_one(lab: Lab) -> None:
    lab.start()
    lab.call("bridge.add", name="br0")
    for pod in pods(lab.run):
        for name, address in (("a", "10.0.0.2"), ("b", "10.0.0.3")):
            pod.vswitch(*on_port(address, "-d", "--name", name), "--", "sleep", "1000")
        assert len(ports(lab)) == 2
        lab.daemons[-1].send_signal(signal.SIGKILL)
        lab.daemons[-1].wait()
        assert pod.vswitch("rm", "-f", "a").code == 0
        lab.start()
        eventually(lambda: len(ports(lab)) == 1)  # and that of the one that runs on stays


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--bridge", "nobr", "--address", "10.0.0.3/24"], 3, "bridge nobr"),
        (["--bridge", "br0", "--port", "a", "--address", "10.0.0.3/24"], 1, "port a"),
        (["--bridge", "br0", "--address", "10.0.0.3/24", "--gateway", "10.9.9.9"], 1, "10.9.9.9"),
    ],
)
def test_a_refused_port_leaves_nothing_and_takes_nobody_else_s(
    lab: Lab, pod: Pod, options: list[str], code: int, says: str
) -> None:
    pod.vswitch(*on_port("10.0.0.2", "-d", "--name", "a"), "--", "sleep", "1000")
    result = pod.run(*options, "--name", "b", "--", "true")
    assert result.code == code, result.err
    assert says in result.err
    assert ports(lab) == ["a"]
    assert [entry["name"] for entry in pod.ps()] == ["a"]


def test_a_command_that_is_not_there_leaves_no_port(lab: Lab, pod: Pod) -> None:
    assert pod.vswitch(*on_port("10.0.0.3"), "--", "no-such-program").code == 127
    assert ports(lab) == []


def test_a_name_can_be_used_again_at_once(lab: Lab, pod: Pod) -> None:
    for _ in range(5):
        result = pod.vswitch(*on_port("10.0.0.3", "--name", "c"), "--", "true")
        assert (result.code, result.err) == (0, "")
    assert ports(lab) == []


def deeper(pod: Pod, *words: str) -> list[str]:
    """The command line of `vswitch` in a pid namespace of its own, with a /proc that shows it."""
    return ["unshare", "-pf", "--mount-proc", sys.executable, "-c", PROGRAM, *words]


def test_a_runner_in_another_pid_namespace_gets_its_own_port(lab: Lab, pod: Pod) -> None:
    """Its process 1 has a low number there, which is somebody else's where the daemon is."""
    words = on_port("10.0.0.3", "--interface", "lan7")
    line = deeper(pod, *words, "--", "ls", "/sys/class/net")
    done = subprocess.run(line, env=pod.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["lan7", "lo"]
    eventually(lambda: ports(lab) == [])


def test_a_container_of_another_pid_namespace_is_seen_and_left_alone(lab: Lab, pod: Pod) -> None:
    line = deeper(pod, *on_port("10.0.0.3", "--name", "c"), "--", "sleep", "1000")
    runner = subprocess.Popen(line, env=pod.environment)
    try:
        eventually(lambda: [entry["status"] for entry in pod.ps()] == ["running"])
        assert [entry["pid"] for entry in pod.ps()] == [None]
        for words in (("stop", "c"), ("rm", "-f", "c"), ("exec", "c", "true")):
            refused = pod.vswitch(*words)
            assert (refused.code, "in another pid namespace" in refused.err) == (1, True)
        assert "there is one of that name" in pod.run("--name", "c", "--", "true").err
        assert ports(lab) == ["c"]
    finally:
        for child in children(runner.pid):  # process 1 there: everything there ends with it
            kill(child)
        runner.wait(10)
    eventually(lambda: pod.ps() == [] and ports(lab) == [])


def test_one_that_ended_takes_no_other_s_port_off(lab: Lab, pod: Pod) -> None:
    """Ports' names are used again; `stop` and `rm` of what is over must leave them."""
    said = ["--port", "web", "-d"]
    pod.vswitch(*on_port("10.0.0.2", "--name", "old", *said), "--", "true")
    eventually(lambda: ports(lab) == [])
    again = pod.vswitch(*on_port("10.0.0.2", "--name", "new", *said), "--", "sleep", "1000")
    assert again.code == 0, again.err
    for words in (("stop", "old"), ("rm", "old")):
        assert pod.vswitch(*words).code == 0
        assert ports(lab) == ["web"]
    assert pod.vswitch("rm", "-f", "new").code == 0
    assert ports(lab) == []


def test_no_container_reaches_the_daemon_s_store(lab: Lab) -> None:
    """To read is enough to lock it: the daemon could write no more."""
    lab.start()
    assert "vswitch.db" in os.listdir(lab.state)
    for pod in pods(lab.run):
        for folder in (lab.state, lab.run):
            result = pod.run("--rootfs", "/", "--", "ls", "-A", str(folder))
            assert (result.code, result.out) == (0, ""), result.err


def test_without_a_daemon_nothing_is_begun(pod: Pod, lab: Lab) -> None:
    lab.call("shutdown")
    lab.daemons[-1].wait(10)
    result = pod.vswitch(*on_port("10.0.0.3"), "--", "true")
    assert result.code == 1
    assert "start vswitchd" in result.err
