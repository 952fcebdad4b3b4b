"""The bare controller: its messages mean what they should, and it counts what it hears."""

import socket
from collections.abc import Iterator

import pytest

from datapath import Switch
from perf import controller as bare
from perf.controller import (
    ALL_TO_CONTROLLER,
    BARRIER,
    DELETE_ALL,
    ECHO_REPLY,
    ERROR,
    HELLO,
    PACKET_IN,
    Controller,
    message,
    rule,
)
from perf.packetins import listen

Pair = tuple[Controller, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A controller, and the switch's end of its socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(message(HELLO))
        yield Controller(ours), theirs


def test_each_number_has_a_rule_of_its_own() -> None:
    with Switch(ports=2) as switch:
        switch.atomic([rule(i) for i in range(100)] + [ALL_TO_CONTROLLER])
        flows = [str(flow.rule) for flow in switch.dump_flows()]
        assert len(set(flows)) == 101
        switch.atomic([DELETE_ALL])
        assert not switch.dump_flows()


def test_a_rule_sends_its_packets_to_port_2() -> None:
    with Switch(ports=2) as switch:
        switch.atomic([rule(7)])
        assert list(switch.send(1, "tcp,nw_dst=10.0.0.7,nw_src=10.0.0.7,tp_dst=7")) == [2]
        assert switch.send(1, "tcp,nw_dst=10.0.0.8,nw_src=10.0.0.8,tp_dst=7") == {}


def test_messages_in_pieces_are_read_as_one(pair: Pair) -> None:
    controller, switch = pair
    whole = message(PACKET_IN, bytes(30))
    switch.sendall(whole + whole[:10])
    assert controller.read() == [PACKET_IN]
    switch.sendall(whole[10:])
    assert controller.read() == [PACKET_IN]


def test_the_switchs_echoes_are_answered(pair: Pair) -> None:
    controller, switch = pair
    switch.recv(100)
    switch.sendall(message(bare.ECHO_REQUEST, b"?", 5))
    controller.read()
    assert switch.recv(100) == message(ECHO_REPLY, b"?", 5)


def test_an_error_ends_the_measurement(pair: Pair) -> None:
    controller, switch = pair
    switch.sendall(message(ERROR, bytes(4)) + message(bare.BARRIER_REPLY))
    with pytest.raises(ConnectionError):
        controller.barrier()


def test_a_wait_without_an_end_counts_with_what_it_has_lasted(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perf.packetins.ASK_S", 0.0)
    controller, switch = pair
    switch.sendall(message(PACKET_IN) * 3 + message(ECHO_REPLY))
    heard = listen(controller, 0.05)
    assert heard.packet_ins == 3
    (echo,) = heard.waits[ECHO_REPLY]
    (barrier,) = heard.waits[bare.BARRIER_REPLY]
    assert echo < barrier < heard.seconds + 0.01
    assert switch.recv(1000).endswith(bare.ECHO + BARRIER)
