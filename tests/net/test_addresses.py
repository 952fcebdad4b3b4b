"""Ethernet addresses that stay, and endpoints that make themselves known when they don't."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from datapath.kernel import new_namespace
from tests.kit.apps import eventually
from tests.kit.lab import Lab, ended, kill, laboratory
from vswitch.daemon.address import derived


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


class Endpoint:
    """A namespace that a port leads to, as a container has it."""

    def __init__(self, lab: Lab, name: str, number: int, **settings: object) -> None:
        self.lab, self.name = lab, name
        self.namespace = new_namespace()
        self.mac = lab.call(
            "port.add", {"namespace": self.namespace}, bridge="br0", name=name, kind="tap",
            ephemeral=True, netns=f"/proc/{os.getpid()}/fd/{self.namespace}",
            addresses=[f"10.0.0.{number}/24", f"fd00::{number}/64"], **settings,
        )["mac"]  # fmt: skip

    def sh(self, *command: str) -> subprocess.CompletedProcess[str]:
        line = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.namespace}", *command]
        return subprocess.run(line, capture_output=True, text=True, timeout=20, check=False)

    def neighbours(self) -> dict[str, str]:
        """Which Ethernet address it would send to, by IP address."""
        rows = json.loads(self.sh("ip", "-j", "neigh").stdout)
        return {row["dst"]: row["lladdr"] for row in rows if "lladdr" in row}

    def reaches(self, *addresses: str) -> bool:
        """By the first packet, within a fraction of a second."""
        return all(self.sh("ping", "-c1", "-W0.5", to).returncode == 0 for to in addresses)

    def end(self) -> None:
        self.lab.call("port.rm", bridge="br0", name=self.name)
        os.close(self.namespace)


def macs(lab: Lab) -> dict[str, str]:
    """As the switch tells them, which is as the kernel has them."""
    told = {row["name"]: row["mac"] for row in lab.call("port.list")}
    links = json.loads(lab.shell("ip", "-j", "link"))
    assert told == {link["ifname"]: link["address"] for link in links if link["ifname"] in told}
    return told


def test_an_address_stays_whoever_dies(lab: Lab) -> None:
    daemon = lab.start()
    lab.call("bridge.add", name="br0", dpid="2a")
    lab.call("port.add", bridge="br0", name="br0", number="LOCAL", addresses=["10.0.0.1/24"])
    lab.call("port.add", bridge="br0", name="t1", kind="tap")
    lab.call("port.add", bridge="br0", name="t2", kind="tap", mac="02:00:00:00:00:07")
    before = macs(lab)
    assert before == {
        "br0": derived(0x2A, "br0").hex(":"),
        "t1": derived(0x2A, "t1").hex(":"),
        "t2": "02:00:00:00:00:07",
    }
    pid = lab.forwarder_pid()
    kill(pid)
    assert ended(pid)
    assert eventually(lambda: lab.has_forwarder_beside(pid))
    assert macs(lab) == before
    daemon.kill()
    daemon.wait()
    daemon = lab.start()
    assert macs(lab) == before
    pid = lab.forwarder_pid()
    daemon.kill()
    daemon.wait()
    kill(pid)
    assert ended(pid)
    lab.start()
    assert macs(lab) == before, "as after the machine's end: TAPs were gone with the forwarder"
    lab.call("port.rm", bridge="br0", name="t1")
    lab.call("port.add", bridge="br0", name="t1", kind="tap")
    assert macs(lab) == before


def test_two_ports_never_share_one(lab: Lab) -> None:
    lab.start()
    lab.call("bridge.add", name="br0", dpid="2a")
    own = derived(0x2A, "t1")
    lab.call("port.add", bridge="br0", name="t2", kind="tap", mac=own.hex(":"))
    lab.call("port.add", bridge="br0", name="t1", kind="tap")
    assert macs(lab) == {"t2": own.hex(":"), "t1": derived(0x2A, "t1", {own}).hex(":")}
    lab.call("port.rm", bridge="br0", name="t2")
    assert eventually(lambda: "t2" not in lab.shell("ip", "link"))


def test_a_container_that_is_started_again_has_its_address(lab: Lab) -> None:
    lab.start("--ephemeral", "--bridge", "br0", "--fail-mode", "standalone")
    one, two = Endpoint(lab, "one", 1), Endpoint(lab, "two", 2)
    assert one.reaches("10.0.0.2", "fd00::2"), "addresses can be used at once"
    two.end()
    again = Endpoint(lab, "two", 2)
    assert again.mac == two.mac != one.mac
    assert one.reaches("10.0.0.2", "fd00::2")
    one.end()
    again.end()


@pytest.mark.parametrize("port", ["two", "three"])
def test_a_neighbour_hears_of_another_address_before_it_asks(lab: Lab, port: str) -> None:
    """An entry that was just confirmed would be believed for tens of seconds."""
    lab.start("--ephemeral", "--bridge", "br0", "--fail-mode", "standalone")
    one = Endpoint(lab, "one", 1)
    two = Endpoint(lab, "two", 2, mac="02:00:00:00:00:0a")
    assert one.reaches("10.0.0.2", "fd00::2")
    known = one.neighbours()
    assert (known["10.0.0.2"], known["fd00::2"]) == ("02:00:00:00:00:0a",) * 2
    two.end()
    two = Endpoint(lab, port, 2, mac="02:00:00:00:00:0b")

    def heard() -> bool:
        known = one.neighbours()
        return (known["10.0.0.2"], known["fd00::2"]) == ("02:00:00:00:00:0b",) * 2

    assert eventually(heard, seconds=1)
    assert one.reaches("10.0.0.2", "fd00::2")
    one.end()
    two.end()


def test_an_endpoint_that_moves_is_found_at_its_new_port(lab: Lab) -> None:
    """The switch hears it too: the address that was known at one port is at another."""
    lab.start("--ephemeral", "--bridge", "br0", "--fail-mode", "standalone")
    one, two = Endpoint(lab, "one", 1), Endpoint(lab, "two", 2, mac="02:00:00:00:00:0a")
    assert one.reaches("10.0.0.2")
    moved = Endpoint(lab, "three", 2, mac="02:00:00:00:00:0a")  # before the old one has gone

    def place() -> str | None:
        rows = lab.call("mac.list", bridge="br0")
        return {row["mac"]: row["name"] for row in rows}.get("02:00:00:00:00:0a")

    assert eventually(lambda: place() == "three", seconds=1)
    two.end()
    assert one.reaches("10.0.0.2", "fd00::2")
    one.end()
    moved.end()
