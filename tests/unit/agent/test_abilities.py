"""Abilities of groups and meters, and the queues of ports, as the agent tells them."""

from __future__ import annotations

import pytest

from datapath.frames import PortKind, PortSpec, QueueSpec
from datapath.ports import Reserved
from datapath.problems import Error
from tests.unit.agent.test_sessions import agent, ask, opened
from vswitch.agent.abilities import QUEUES_A_REPLY
from vswitch.agent.view import NO_RATE, PortQueue, port_of, queue_of
from vswitch.openflow import encode
from vswitch.openflow.messages import group as gr
from vswitch.openflow.messages import meter as me
from vswitch.openflow.messages import port as po
from vswitch.openflow.messages import queue as qu
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.session import ErrorMessage


def test_groups_can_do_what_the_standard_has() -> None:
    a = agent()
    opened(a)
    actions = 0b1111_1111_1111_1001_1000_0000_0001  # 0, 11, 12, 15 to 27
    assert ask(a, gr.GroupFeaturesRequest(xid=1)) == [
        gr.GroupFeaturesReply(
            0b1111, gr.GroupCapabilities(15), (65_536,) * 4, (actions,) * 4, xid=1
        )
    ]


def test_meters_can_do_what_the_standard_has() -> None:
    a = agent()
    opened(a)
    (told,) = ask(a, me.MeterFeaturesRequest(xid=1))
    assert told == me.MeterFeaturesReply(65_536, 0b110, me.MeterFlags(15), 16, 0, xid=1)


def test_queues_are_those_of_the_ports_configuration() -> None:
    a = agent()
    opened(a)
    a.view.queues[1] = (PortQueue(0), PortQueue(7, min_rate=100, max_rate=1000))
    queues = (qu.PacketQueue(0, 1), qu.PacketQueue(7, 1, (qu.MinRate(100), qu.MaxRate(1000))))
    assert ask(a, qu.QueueGetConfigRequest(1, xid=2)) == [qu.QueueGetConfigReply(1, queues, xid=2)]
    assert ask(a, qu.QueueGetConfigRequest(xid=3)) == [
        qu.QueueGetConfigReply(Reserved.ANY, queues, xid=3)
    ]


@pytest.mark.parametrize(
    ("rate", "share"),
    [(0, NO_RATE), (1, 1), (10_000_000, 1), (10_000_001, 2), (10**9, 100), (10**10, 1000),
     (10**12, 1000)],
)  # fmt: skip
def test_a_queue_s_rate_is_told_as_a_share_of_the_link(rate: int, share: int) -> None:
    """In tenths of a percent of 10 Gbit/s, rounded up: 0 would mean that nothing may leave."""
    assert queue_of(QueueSpec(1, 7, rate, 1000)) == PortQueue(7, max_rate=share)


def test_a_port_without_queues_has_none() -> None:
    a = agent()
    opened(a)
    assert ask(a, qu.QueueGetConfigRequest(1)) == [qu.QueueGetConfigReply(1)]


def test_queues_of_a_port_that_is_not_there_are_an_error() -> None:
    a = agent()
    opened(a)
    for port in (9, Reserved.CONTROLLER):
        (error,) = ask(a, qu.QueueGetConfigRequest(port))
        assert isinstance(error, ErrorMessage)
        assert error.error == Error.QUEUE_OP_FAILED_BAD_PORT


def test_a_port_that_goes_takes_its_queues_along() -> None:
    a = agent()
    opened(a)
    a.view.queues.update({1: (PortQueue(0),), 2: (PortQueue(0),)})
    a.port_removed(1)
    assert a.view.queues == {2: (PortQueue(0),)}


def test_more_queues_than_a_message_holds_come_in_several() -> None:
    a = agent()
    opened(a)
    a.view.queues[1] = tuple(PortQueue(n, 1, 2) for n in range(2 * QUEUES_A_REPLY + 1))
    replies = ask(a, qu.QueueGetConfigRequest(xid=4))
    told = [q.queue for r in replies if isinstance(r, qu.QueueGetConfigReply) for q in r.queues]
    assert told == list(range(2 * QUEUES_A_REPLY + 1))
    assert {reply.xid for reply in replies} == {4}


@pytest.mark.parametrize("request_", [po.PortDescRequest(xid=5), qu.QueueGetConfigRequest(xid=5)])
def test_as_many_ports_as_there_can_be_fit_messages_of_64_kib(request_: Message) -> None:
    """OpenFlow 1.3.5, 7.1: a message's length has 16 bits."""
    a = agent()
    opened(a)
    a.view.ports.clear()
    for number in range(1, 4097):
        a.view.ports[number] = port_of(PortSpec(number, PortKind.TAP, f"port-{number:010}"))
        a.view.queues[number] = tuple(PortQueue(n, 1, 2) for n in range(4))
    told: list[int] = []
    for reply in ask(a, request_):
        assert len(encode(reply)) <= 0xFFFF
        if isinstance(reply, po.PortDescReply):
            told += [port.number for port in reply.ports for _ in range(4)]
        else:
            assert isinstance(reply, qu.QueueGetConfigReply)
            told += [queue.port for queue in reply.queues]
    assert told == [number for number in range(1, 4097) for _ in range(4)]
