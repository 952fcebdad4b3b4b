"""Echoes of a session of a real daemon while a hundred thousand flows are listed: under 10 ms.

Measured in the daemon's own processor time: what the machine does besides is not counted.  That a
daemon which computes on its loop is seen so, `tests/unit/daemon/test_turns.py` shows.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from perf.controller import Controller, rule
from tests.kit.apps import eventually
from tests.kit.echoes import Echoes, now
from tests.kit.lab import Lab, laboratory
from vswitch.rpc.client import Client

LIMIT = 0.010
FLOWS = 100_000


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


def with_flows(lab: Lab, number: int) -> int:
    """A bridge with so many flows; the daemon's process."""
    daemon = lab.start()
    lab.call("bridge.add", name="br0")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(lab.run / "br0.mgmt"))
        with Controller(sock) as controller:
            controller.barrier(b"".join(map(rule, range(number))))
    return daemon.pid


def listed(lab: Lab) -> int:
    with Client(lab.run, timeout=120) as client:
        return len(client.call("flow.list", bridge="br0"))


@pytest.mark.slow
def test_echoes_while_a_hundred_thousand_flows_are_listed(lab: Lab) -> None:
    """999 of 1,000, in the quietest of three lists: what is done in one step is so each time."""
    process = with_flows(lab, FLOWS)
    worst = []
    with Echoes(lab.run / "br0.mgmt", process) as echoes, ThreadPoolExecutor(1) as pool:
        assert eventually(lambda: len(echoes.seen()) > 20)
        for _ in range(3):
            begin = now()
            listing = pool.submit(listed, lab)
            assert eventually(listing.done, 120)
            assert listing.result() == FLOWS
            costs = sorted(echo.computed for echo in echoes.between(begin, now()))
            worst.append(costs[len(costs) * 999 // 1000])
    assert min(worst) < LIMIT
