"""Peers of a real daemon: several controllers with roles, and those that mean it harm."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from datapath.action import Output
from datapath.ports import Reserved
from datapath.problems import Error
from datapath.rule import FlowCommand, Rule, parse_rule
from tests.kit.lab import Lab, frame, laboratory, numbers, passes
from tests.kit.peer import Peer
from vswitch.openflow import Message, encode
from vswitch.openflow.messages.flow import FlowMod, FlowStatsReply, FlowStatsRequest
from vswitch.openflow.messages.packet import PacketIn, PacketOut
from vswitch.openflow.messages.session import (
    BarrierReply,
    BarrierRequest,
    ErrorMessage,
    Role,
    RoleReply,
    RoleRequest,
)
from vswitch.openflow.messages.table import TableFeaturesReply, TableFeaturesRequest

Wires = tuple[socket.socket, socket.socket]


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def wires(lab: Lab) -> Iterator[Wires]:
    left, right = lab.wire("v1", "p1"), lab.wire("v2", "p2")
    with left, right:
        lab.start("--ephemeral", "--bridge", "br0", "--port", "v1", "--port", "v2",
                  "--fail-mode", "secure")  # fmt: skip
        yield left, right


def mgmt(lab: Lab) -> str:
    return f"{lab.run}/br0.mgmt"


class Controller:
    """A place that the bridge connects to."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.path = f"{lab.folder}/{name}"
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        lab.call("controller.add", bridge="br0", target=f"unix:{self.path}")

    def listen(self) -> None:
        self.server.bind(self.path)
        self.server.listen()
        self.server.settimeout(5)

    def meet(self) -> Peer:
        return Peer(self.server.accept()[0])


# ---- controllers ----------------------------------------------------------------------


def test_a_controller_is_found_within_a_second_and_again(lab: Lab, wires: Wires) -> None:
    late = Controller(lab, "late")
    time.sleep(2)  # by now it is tried once a second
    late.listen()
    for _ in range(2):
        began = time.monotonic()
        with late.meet() as peer:
            assert time.monotonic() - began < 2  # 1 s on a quiet machine
            assert peer.alive()
    late.server.close()


def test_of_three_controllers_one_is_master(lab: Lab, wires: Wires) -> None:
    places = [Controller(lab, f"c{n}") for n in range(3)]
    for place in places:
        place.listen()
    first, second, third = (place.meet() for place in places)
    first.ask(RoleRequest(Role.MASTER, 1, xid=1))
    second.ask(RoleRequest(Role.SLAVE, 1, xid=1))
    answer = second.ask(FlowMod(FlowCommand.ADD, Rule(), xid=2))
    assert isinstance(answer, ErrorMessage)
    assert answer.error == Error.BAD_REQUEST_IS_SLAVE
    punt = PacketOut(frame(7), (Output(Reserved.CONTROLLER, 0xFFFF),), in_port=1)
    first.send(punt)
    assert isinstance(first.ask(BarrierRequest(xid=0)), PacketIn)
    assert isinstance(third.read(), PacketIn), "equals hear packets too"
    assert second.ask(RoleRequest(Role.MASTER, 2, xid=3)) == RoleReply(Role.MASTER, 2, xid=3)
    stale = third.ask(RoleRequest(Role.MASTER, 1, xid=4))
    assert isinstance(stale, ErrorMessage)
    assert stale.error == Error.ROLE_REQUEST_FAILED_STALE
    demoted = first.ask(FlowMod(FlowCommand.ADD, Rule(), xid=5))
    while not isinstance(demoted, ErrorMessage):  # barrier and packet-ins from before
        demoted = first.read()
    assert demoted.error == Error.BAD_REQUEST_IS_SLAVE
    assert second.ask(BarrierRequest(xid=6)) == BarrierReply(xid=6)
    for peer in (first, second, third):
        peer.sock.close()
    for place in places:
        place.server.close()


# ---- peers that mean harm -----------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_length_below_the_header_ends_only_its_connection(
    lab: Lab, wires: Wires, length: int
) -> None:
    """HARDENING S2: over a raw stream, before hellos and after them."""
    broken = struct.pack("!BBHI", 4, 2, length, 9)
    with Peer.to(mgmt(lab)) as other:
        with Peer.to(mgmt(lab)) as peer:
            peer.sock.sendall(broken)
            answer = peer.read()
            assert isinstance(answer, ErrorMessage)
            assert answer.error == Error.BAD_REQUEST_BAD_LEN
            assert peer.ended()
        with Peer.to(mgmt(lab), greet=False) as silent:
            silent.sock.sendall(broken)
            assert silent.ended()
        assert other.alive()


@pytest.mark.parametrize(
    "question",
    [FlowStatsRequest(Rule(table=255)), TableFeaturesRequest()],
    ids=["the forwarder", "the daemon"],
)
def test_a_peer_that_asks_and_never_reads_costs_little(
    lab: Lab, wires: Wires, question: Message
) -> None:
    """HARDENING S7: the processes keep their size, whoever has to answer, and others notice
    nothing; what the peer then reads is whole."""
    sender, receiver = wires
    with Peer.to(mgmt(lab)) as other, Peer.to(mgmt(lab)) as slow:
        for n in range(1000):
            other.send(FlowMod(FlowCommand.ADD, parse_rule(f"tcp,tp_dst={n},actions=output:2")))
        other.send(FlowMod(FlowCommand.ADD, parse_rule("priority=1,in_port=1,actions=output:2")))
        other.ask(BarrierRequest(xid=1))
        pids = [lab.daemons[-1].pid, lab.forwarder_pid()]
        before = peak = [resident(pid) for pid in pids]
        asked, left = 0, b""
        end = time.monotonic() + 2
        slow.sock.setblocking(False)
        while time.monotonic() < end:
            try:
                left = left or encode(question) * 1000
                sent = slow.sock.send(left)
                asked, left = asked + sent, left[sent:]
            except BlockingIOError:
                time.sleep(0.05)
            peak = [max(old, resident(pid)) for old, pid in zip(peak, pids, strict=True)]
            assert other.alive()
        assert asked > 100_000
        grown = [(now - old) >> 20 for now, old in zip(peak, before, strict=True)]
        assert max(grown) < 32, f"MiB of daemon and forwarder: {grown}"
        assert passes(sender, receiver, number=3)
        slow.sock.settimeout(5)
        for _ in range(100):
            answer = slow.read()
            assert isinstance(answer, FlowStatsReply | TableFeaturesReply)


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_a_thousand_idle_and_half_open_connections_keep_nobody_out(lab: Lab, wires: Wires) -> None:
    """HARDENING S8: not a packet is lost, and who comes new is greeted within a second."""
    sender, receiver = wires
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd: list[Peer] = []
    try:
        with Peer.to(mgmt(lab)) as first:
            first.send(FlowMod(FlowCommand.ADD, parse_rule("in_port=1,actions=output:2")))
            first.ask(BarrierRequest(xid=1))
            assert passes(sender, receiver, number=10**6)
            for n in range(1000):
                sender.send(frame(n))
                crowd.append(Peer.to(mgmt(lab), greet=n % 2 == 0))
            assert first.alive()
        began = time.monotonic()
        with Peer.to(mgmt(lab)) as newcomer:
            assert newcomer.alive()
        assert time.monotonic() - began < 1
        assert set(range(1000)) <= numbers(receiver, 1, last=999)
    finally:
        for peer in crowd:
            peer.sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
