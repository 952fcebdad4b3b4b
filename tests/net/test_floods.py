"""A storm on one bridge costs another neither packets nor answers (HARDENING S14).

tests/c/test_shares.c counts the same exactly; here are the kernel's TAPs, the daemon, the clock.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from datapath.kernel import inside, new_namespace
from tests.kit.lab import Lab, laboratory

BROADCAST = b"\xff" * 6 + bytes.fromhex("02000000ffff88b5") + bytes(46)


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


class Storm:
    """Broadcasts by each of these interfaces in turn, as fast as they are taken."""

    def __init__(self, lab: Lab, interfaces: list[str]) -> None:
        self.sockets = inside(lab.namespace, lambda: list(map(opened, interfaces)))
        self.sent = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._rage)

    def __enter__(self) -> Storm:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        for sock in self.sockets:
            sock.close()

    def _rage(self) -> None:
        while not self.over.is_set():
            for sock in self.sockets:
                try:
                    self.sent += sock.send(BROADCAST) > 0
                except OSError:  # its queue is full: the switch is behind
                    continue
            time.sleep(0)


def opened(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    sock.bind((interface, 0))
    return sock


def endpoint(lab: Lab, name: str, address: str) -> int:
    namespace = new_namespace()
    lab.call(
        "port.add", {"namespace": namespace}, bridge="quiet", name=name, kind="tap",
        ephemeral=True, netns=f"/proc/{os.getpid()}/fd/{namespace}", addresses=[address],
    )  # fmt: skip
    return namespace


def pinging(namespace: int) -> subprocess.Popen[str]:
    line = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{namespace}"]
    line += ["ping", "-q", "-i", "0.01", "-c", "500", "-W", "5", "10.0.0.2"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("n_ports", [1000])
def test_a_storm_among_a_thousand_ports_costs_another_bridge_nothing(
    lab: Lab, n_ports: int
) -> None:
    """Without a limit of floods, so that only the shares stand between the two."""
    lab.start()
    lab.call("bridge.add", name="quiet", fail_mode="standalone")
    lab.call("bridge.add", name="loud", fail_mode="standalone", flood_rate=0)
    names = [f"t{number}" for number in range(n_ports)]
    for name in names:
        lab.call("port.add", bridge="loud", name=name, kind="tap")
    one, two = endpoint(lab, "q1", "10.0.0.1/24"), endpoint(lab, "q2", "10.0.0.2/24")
    answers = []
    with Storm(lab, names) as storm:
        time.sleep(1)
        ping = pinging(one)
        while ping.poll() is None:
            began = time.monotonic()
            lab.call("port.list", bridge="quiet")  # waits for the poll thread
            answers.append(time.monotonic() - began)
            time.sleep(0.05)
        said = ping.communicate()[0]
    assert storm.sent > n_ports, "there was a storm"
    floods = sum(row["rx_packets"] for row in lab.call("port.list", bridge="loud"))
    assert floods > 100, "and it got on"
    assert re.search(r"(\d+) packets transmitted, \1 received", said), said
    assert sorted(answers)[len(answers) // 2] < 0.5, answers
    assert max(answers) < 2, answers  # 0.1 s on a quiet machine
    os.close(one)
    os.close(two)
