"""What is lost while there is no daemon under a controller: exactly this, and nothing else."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from datapath.rule import FlowCommand, parse_rule
from tests.kit.lab import MARK, Lab, frame, laboratory, numbers, passes
from tests.kit.peer import Peer
from tests.net.test_peers import Controller
from vswitch.openflow import Message
from vswitch.openflow.messages.flow import FlowMod, FlowRemoved, FlowStatsReply, FlowStatsRequest
from vswitch.openflow.messages.packet import PacketIn
from vswitch.openflow.messages.port import PortDescReply, PortDescRequest, PortState, PortStatus
from vswitch.openflow.messages.session import BarrierRequest, EchoRequest

Wires = tuple[socket.socket, socket.socket, socket.socket]
PORTS = ("v1", "v2", "v3")

RULES = (
    "priority=0,actions=CONTROLLER",
    "priority=5,in_port=1,actions=output:2",
    "priority=6,tcp,hard_timeout=1,send_flow_rem,actions=drop",
)
"""A table-miss, a known flow, and one whose end the controller wants to hear of."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def wires(lab: Lab) -> Iterator[Wires]:
    first, second, third = (lab.wire(v, v.replace("v", "p")) for v in PORTS)
    with first, second, third:
        yield first, second, third


def settle(peer: Peer, xid: int) -> list[Message]:
    """All that a controller is told up to a barrier's reply and in the half second behind it."""
    peer.send(BarrierRequest(xid=xid))
    heard: list[Message] = []
    peer.sock.settimeout(0.5)
    try:
        while True:
            heard.append(peer.read())
    except TimeoutError:
        return [one for one in heard if not isinstance(one, EchoRequest)]
    finally:
        peer.sock.settimeout(5)


def hears(peer: Peer, kind: type[Message]) -> bool:
    """Whether such a message comes; of packet-ins, one with a frame of ours: the kernel's own
    neighbour discovery is told as well."""
    while not (isinstance(heard := peer.read(), kind) and is_ours(heard)):
        pass
    return True


def is_ours(message: Message) -> bool:
    return not isinstance(message, PacketIn) or MARK in message.data


@pytest.mark.parametrize("fail_mode", ["secure", "standalone"])
def test_new_flows_and_news_are_lost_and_known_flows_pass(
    lab: Lab, wires: Wires, fail_mode: str
) -> None:
    first, second, _ = wires
    daemon = lab.start()
    lab.call("bridge.add", name="br0", fail_mode=fail_mode)
    for name in PORTS:
        lab.call("port.add", bridge="br0", name=name)
    place = Controller(lab, "controller")
    place.listen()
    with place.meet() as peer:
        peer.send(*(FlowMod(FlowCommand.ADD, parse_rule(text, FlowCommand.ADD)) for text in RULES))
        peer.ask(BarrierRequest(xid=1))
        # The control: with a daemon the controller hears of all three.
        second.send(frame(1))
        assert hears(peer, PacketIn)
        assert hears(peer, FlowRemoved)
        lab.shell("ip", "link", "set", "p3", "down")
        assert hears(peer, PortStatus)
        lab.shell("ip", "link", "set", "p3", "up")
        peer.send(FlowMod(FlowCommand.ADD, parse_rule(RULES[2], FlowCommand.ADD)))
        peer.ask(BarrierRequest(xid=2))
        daemon.kill()
        daemon.wait()
        assert peer.ended()
    assert passes(first, second, number=10)
    assert not passes(second, first, number=11, seconds=0.5)  # it is nobody's, in either mode
    lab.shell("ip", "link", "set", "p3", "down")
    time.sleep(1.5)  # the rule's time is over
    lab.start()
    with place.meet() as peer:
        heard = settle(peer, xid=3)
        kinds = {type(one) for one in heard if is_ours(one)}
        assert not kinds & {PacketIn, FlowRemoved}
        # It has to ask: its rules are there, but for the one that timed out, and so are the ports.
        stats = peer.ask(FlowStatsRequest(parse_rule("", FlowCommand.DELETE), xid=4))
        assert isinstance(stats, FlowStatsReply)
        assert sorted(one.rule.priority for one in stats.flows) == [0, 5]
        ports = peer.ask(PortDescRequest(xid=5))
        assert isinstance(ports, PortDescReply)
        down = {port.name: bool(port.state & PortState.LINK_DOWN) for port in ports.ports}
        assert down == {"v1": False, "v2": False, "v3": True}
        # From here on a new flow is told of again, and the known one has never stopped.
        second.send(frame(12))
        assert hears(peer, PacketIn)
        assert passes(first, second, number=13)
    assert 11 not in numbers(first, 0.1)
    place.server.close()
