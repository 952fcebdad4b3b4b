"""Links that come and go: what peers are told of them, whoever lives at the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kit.apps import eventually
from tests.kit.lab import Lab, ended, frame, kill, laboratory, passes
from tests.kit.peer import Peer
from vswitch.errors import Failure
from vswitch.openflow.messages.port import (
    PortConfig,
    PortDescReply,
    PortDescRequest,
    PortMod,
    PortReason,
    PortState,
    PortStatus,
)
from vswitch.openflow.messages.switch import SetConfig

UP, DOWN = PortState.LIVE, PortState.LINK_DOWN


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture(params=["stored", "ephemeral"])
def begin(request: pytest.FixtureRequest, lab: Lab) -> Callable[[], None]:
    """Starts a daemon with a standalone bridge br0 without ports."""

    def stored() -> None:
        lab.start()
        lab.call("bridge.add", name="br0", fail_mode="standalone")

    def ephemeral() -> None:
        lab.start("--ephemeral", "--bridge", "br0", "--fail-mode", "standalone")

    return stored if request.param == "stored" else ephemeral


def mgmt(lab: Lab) -> Peer:
    return Peer.to(f"{lab.run}/br0.mgmt")


def states(lab: Lab) -> dict[str, PortState]:
    """What a peer is told of the ports, by name."""
    with mgmt(lab) as peer:
        told = peer.ask(PortDescRequest(xid=3))
    assert isinstance(told, PortDescReply)
    return {port.name: port.state for port in told.ports}


def shows(lab: Lab, **wanted: PortState) -> bool:
    return eventually(lambda: states(lab) == wanted)


def test_live_goes_with_the_link(lab: Lab, begin: Callable[[], None]) -> None:
    """Whether the port is there before its link changes or after."""
    with lab.wire("v1", "p1"), lab.wire("v2", "p2"):
        begin()
        lab.call("port.add", bridge="br0", name="v1")
        assert shows(lab, v1=UP)
        lab.shell("ip", "link", "set", "p1", "down")
        lab.shell("ip", "link", "set", "p2", "down")
        assert shows(lab, v1=DOWN)
        lab.call("port.add", bridge="br0", name="v2")
        assert states(lab) == {"v1": DOWN, "v2": DOWN}, "its link was down when it came"
        for name in ("p1", "p2"):
            lab.shell("ip", "link", "set", name, "up")
        assert shows(lab, v1=UP, v2=UP)
        lab.shell("ip", "link", "set", "v2", "down")
        assert shows(lab, v1=UP, v2=DOWN)


def test_a_port_status_says_it_and_port_down_counts_too(
    lab: Lab, begin: Callable[[], None]
) -> None:
    with lab.wire("v1", "p1"):
        begin()
        lab.call("port.add", bridge="br0", name="v1")
        assert shows(lab, v1=UP)
        with mgmt(lab) as peer:
            ports = peer.ask(PortDescRequest(xid=3))
            assert isinstance(ports, PortDescReply)
            peer.send(SetConfig(miss_send_len=128))  # a service hears from here on
            bit = PortConfig.PORT_DOWN
            told = []
            for config in (bit, PortConfig.NONE):
                peer.send(PortMod(1, ports.ports[0].hw_addr, config, bit))
                told.append(next_status(peer))
            lab.shell("ip", "link", "set", "p1", "down")
            told.append(next_status(peer))
        seen = [(status.reason, status.port.config, status.port.state) for status in told]
        assert seen == [
            (PortReason.MODIFY, bit, PortState.NONE),
            (PortReason.MODIFY, PortConfig.NONE, UP),
            (PortReason.MODIFY, PortConfig.NONE, DOWN),
        ]


def next_status(peer: Peer) -> PortStatus:
    while True:
        message = peer.read()
        if isinstance(message, PortStatus):
            return message


def test_a_link_is_known_after_forwarder_and_daemon_have_died(lab: Lab) -> None:
    with lab.wire("v1", "p1"), lab.wire("v2", "p2"):
        daemon = lab.start()
        lab.call("bridge.add", name="br0", fail_mode="standalone")
        for name in ("v1", "v2"):
            lab.call("port.add", bridge="br0", name=name)
        lab.shell("ip", "link", "set", "p1", "down")
        assert shows(lab, v1=DOWN, v2=UP)
        pid = lab.forwarder_pid()
        kill(pid)
        assert ended(pid)
        assert eventually(lambda: lab.has_forwarder_beside(pid))
        assert shows(lab, v1=DOWN, v2=UP)
        daemon.kill()
        daemon.wait()
        for name, to in (("p1", "up"), ("p2", "down")):  # nobody is there to see it
            lab.shell("ip", "link", "set", name, to)
        lab.start()
        assert shows(lab, v1=UP, v2=DOWN)


def test_the_host_s_own_port_lives(lab: Lab, begin: Callable[[], None]) -> None:
    begin()
    lab.call("port.add", bridge="br0", name="br0", number="LOCAL", addresses=["10.0.0.1/24"])
    assert shows(lab, br0=UP)
    lab.shell("ip", "link", "set", "br0", "down")
    assert shows(lab, br0=DOWN)
    lab.shell("ip", "link", "set", "br0", "up")
    assert shows(lab, br0=UP)


def test_a_station_is_forgotten_with_its_link_and_found_at_another(
    lab: Lab, begin: Callable[[], None]
) -> None:
    with lab.wire("v1", "p1") as one, lab.wire("v2", "p2") as two, lab.wire("v3", "p3") as three:
        begin()
        for name in ("v1", "v2", "v3"):
            lab.call("port.add", bridge="br0", name=name)
        sender = frame(0)[6:12].hex(":")
        assert passes(one, two, number=1)
        assert port_of_station(lab, sender) == "v1"
        lab.shell("ip", "link", "set", "p1", "down")
        assert eventually(lambda: port_of_station(lab, sender) is None)
        assert passes(three, two, number=2)
        assert port_of_station(lab, sender) == "v3"
        lab.shell("ip", "link", "del", "v3")
        assert eventually(lambda: port_of_station(lab, sender) is None)


def port_of_station(lab: Lab, mac: str) -> str | None:
    stations = {row["mac"]: row["name"] for row in lab.call("mac.list", bridge="br0")}
    return stations.get(mac)


def test_an_mtu_is_no_more_than_the_interface_has(lab: Lab, begin: Callable[[], None]) -> None:
    with lab.wire("v1", "p1"):
        begin()
        with pytest.raises(Failure, match=r"its interface takes packets of at most 1500 bytes; "):
            lab.call("port.add", bridge="br0", name="v1", mtu=9000)
        assert lab.call("port.list") == []
        assert lab.call("port.add", bridge="br0", name="v1", mtu=1400)["mtu"] == 1400
