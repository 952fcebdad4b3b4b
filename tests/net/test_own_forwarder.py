"""`vswitchd --adopt`: forwarders that somebody else starts and starts again, as services do."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.kit.apps import eventually
from tests.kit.lab import Lab, ended, kill, laboratory, passes

Wires = tuple[socket.socket, socket.socket]


class Manager:
    """Starts forwarders where the daemon of a lab looks for one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> int:
        self._lab.run.mkdir(mode=0o700, exist_ok=True)
        program = self._lab.environment["VSWITCH_FORWARDER"]
        line = self._lab.there(program, "--listen", str(self._lab.run / "forwarder.sock"))
        self._started.append(subprocess.Popen(line))
        return self._started[-1].pid

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def manager(lab: Lab) -> Iterator[Manager]:
    manager = Manager(lab)
    yield manager
    manager.close()


@pytest.fixture
def wires(lab: Lab) -> Iterator[Wires]:
    left, right = lab.wire("v1", "p1"), lab.wire("v2", "p2")
    with left, right:
        yield left, right


def test_rules_and_ports_go_to_the_forwarder_that_a_service_starts_anew(
    lab: Lab, manager: Manager, wires: Wires
) -> None:
    first = manager.start()
    daemon = lab.start("--adopt")
    lab.call("bridge.add", name="br0", fail_mode="secure")
    for name in ("v1", "v2"):
        lab.call("port.add", bridge="br0", name=name)
    assert not passes(*wires, number=1, seconds=0.2)
    lab.call("flow.add", bridge="br0", flow="in_port=1,actions=output:2")
    assert passes(*wires, number=2)
    assert lab.forwarder_pid() == first

    kill(first)
    assert ended(first)
    assert not passes(*wires, number=3, seconds=0.3)  # no other comes by itself
    second = manager.start()
    assert passes(*wires, number=4)  # rules were in no store: the daemon had them from the first
    eventually(lambda: lab.has_forwarder_beside(first))
    assert lab.forwarder_pid() == second

    daemon.terminate()
    assert daemon.wait(5) == 0
    assert passes(*wires, number=5)  # neither ends the other
    lab.start("--adopt")
    assert lab.forwarder_pid() == second
    lab.call("shutdown")
    assert ended(second)
