"""What ovs-ofctl's commands send, through an agent and a core in memory, and every answer whole.

The same ground as `tests/net/test_ovs_ofctl.py`, without ovs-ofctl, processes or root: requests
are written and answers read by our own codec, and rare and hot messages go the ways that they go
in a daemon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from datapath import OpenFlowRefusal, Switch
from datapath.action import Group, Output
from datapath.frames import PortKind, PortSpec
from datapath.instruction import ApplyActions, Meter
from datapath.match_text import parse_match
from datapath.ports import Reserved
from datapath.problems import Error
from datapath.rule import FlowCommand, Rule, parse_rule
from tests.unit.agent.test_sessions import HELLO
from vswitch.agent.agent import Agent
from vswitch.agent.effects import Relay, Send
from vswitch.agent.limits import MAX_BANDS
from vswitch.agent.view import View, port_of
from vswitch.openflow import Frames, Message, decode, encode
from vswitch.openflow.messages import flow as fl
from vswitch.openflow.messages import group as gr
from vswitch.openflow.messages import meter as me
from vswitch.openflow.messages import packet as pa
from vswitch.openflow.messages import port as po
from vswitch.openflow.messages import queue as qu
from vswitch.openflow.messages import session as se
from vswitch.openflow.messages import table as ta


class Desk:
    """One peer's session with a bridge of two ports; hot messages are answered by the core."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self.agent = Agent(View("br0", 0x2A), (4,))
        for number in (1, 2):
            self.agent.port_added(port_of(PortSpec(number, PortKind.MEM, f"p{number}", state=4)))
        self.agent.opened(1, 0.0, service=True, probe=0.0)
        self.agent.received(1, HELLO, 0.0)

    def ask(self, *messages: Message) -> list[Message]:
        """Everything that answers, errors among it; xids left out."""
        data = b"".join(encode(message) for message in messages)
        answers: list[bytes] = []
        for effect in self.agent.received(1, data, 0.0):
            if isinstance(effect, Relay):
                answered = list(self._core(effect.data))
                answers += answered
                assert self.agent.relayed(1, b"".join(answered)) == []
            elif isinstance(effect, Send):
                answers.append(effect.data)
        return [replace(decode(answer), xid=0) for answer in answers]

    def _core(self, data: bytes) -> Iterator[bytes]:
        for message in Frames().feed(data):
            try:
                yield from self.switch.openflow(message)
            except OpenFlowRefusal as refusal:
                yield refusal.message


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Switch(ports=2) as switch:
        yield Desk(switch)


def rule(text: str, command: FlowCommand = FlowCommand.ADD) -> fl.FlowMod:
    return fl.FlowMod(command, parse_rule(text, command))


def error(of: Error, asked: Message) -> list[Message]:
    """The answer to a request that is refused."""
    return [se.ErrorMessage(of, encode(asked)[:64])]


def stats(mod: fl.FlowMod) -> fl.FlowStats:
    """A rule that nothing has hit, as the switch tells it."""
    return fl.FlowStats(mod.rule)


EVERYTHING = Rule(table=255)
TCP = rule("table=1,priority=6,cookie=0x6,tcp,actions=output:1")
UDP = rule("priority=7,cookie=0x5,udp,actions=drop")
BUCKETS = (gr.Bucket((Output(1),), 3), gr.Bucket((Output(2),), 4))
GROUP = gr.GroupMod(gr.GroupCommand.ADD, gr.GroupType.SELECT, 1, BUCKETS)
KBPS = me.MeterFlags.KBPS | me.MeterFlags.BURST | me.MeterFlags.STATS
METER = me.MeterMod(me.MeterCommand.ADD, KBPS, 1, (me.DropBand(1000, 10),))
TO_GROUP = fl.FlowMod(FlowCommand.ADD, Rule(instructions=(ApplyActions((Group(1),)),)))
THROUGH_METER = fl.FlowMod(
    FlowCommand.ADD, Rule(instructions=(Meter(1), ApplyActions((Output(1),))))
)


def flows(desk: Desk, which: Rule = EVERYTHING) -> list[fl.FlowStats]:
    (reply,) = desk.ask(fl.FlowStatsRequest(which))
    assert isinstance(reply, fl.FlowStatsReply)
    return list(reply.flows)


# ---- flows ------------------------------------------------------------------------


def test_rules_are_added_told_and_counted(desk: Desk) -> None:
    assert desk.ask(TCP, UDP) == []
    assert flows(desk) == [stats(UDP), stats(TCP)]
    assert flows(desk, Rule(table=1)) == [stats(TCP)]
    assert flows(desk, Rule(table=255, match=parse_match("udp"))) == [stats(UDP)]
    assert flows(desk, Rule(table=255, cookie=5, cookie_mask=7)) == [stats(UDP)]
    assert flows(desk, Rule(table=255, out_port=1)) == [stats(TCP)]
    assert desk.ask(fl.AggregateRequest(EVERYTHING)) == [fl.AggregateReply(0, 0, 2)]


def test_rules_are_modified_and_deleted_loosely_and_strictly(desk: Desk) -> None:
    desk.ask(TCP, UDP)
    desk.ask(rule("table=1,priority=9,tcp,actions=drop", FlowCommand.MODIFY_STRICT))
    assert flows(desk, Rule(table=1)) == [stats(TCP)]
    desk.ask(rule("table=1,tcp,actions=output:2", FlowCommand.MODIFY))
    (changed,) = flows(desk, Rule(table=1))
    assert changed.rule.instructions == (ApplyActions((Output(2),)),)
    desk.ask(fl.FlowMod(FlowCommand.DELETE, EVERYTHING))
    assert flows(desk) == []


def test_there_is_a_table_254(desk: Desk) -> None:
    last = rule("table=254,actions=drop")
    assert desk.ask(last) == []
    (reply,) = desk.ask(ta.TableStatsRequest())
    assert isinstance(reply, ta.TableStatsReply)
    assert reply.tables[254] == ta.TableStats(254, active=1)
    assert len(reply.tables) == 255


def test_a_packet_out_leaves(desk: Desk) -> None:
    assert desk.ask(pa.PacketOut(bytes(range(60)), (Output(2),))) == []
    assert desk.switch.poll() == {2: [bytes(range(60))]}


# ---- ports and queues ---------------------------------------------------------------


def test_ports_are_counted(desk: Desk) -> None:
    (reply,) = desk.ask(po.PortStatsRequest())
    assert isinstance(reply, po.PortStatsReply)
    assert [port.number for port in reply.ports] == [1, 2]
    wrong = po.PortStatsRequest(9)
    assert desk.ask(wrong) == error(Error.BAD_REQUEST_BAD_PORT, wrong)


def test_queues_are_counted(desk: Desk) -> None:
    assert desk.ask(qu.QueueStatsRequest()) == [qu.QueueStatsReply()]
    assert desk.ask(qu.QueueStatsRequest(1)) == [qu.QueueStatsReply()]
    port, queue = qu.QueueStatsRequest(9), qu.QueueStatsRequest(1, 3)
    assert desk.ask(port) == error(Error.QUEUE_OP_FAILED_BAD_PORT, port)
    assert desk.ask(queue) == error(Error.QUEUE_OP_FAILED_BAD_QUEUE, queue)


# ---- groups -------------------------------------------------------------------------


def test_groups_are_added_told_and_counted(desk: Desk) -> None:
    assert desk.ask(GROUP, TO_GROUP) == []
    told = gr.GroupDesc(gr.GroupType.SELECT, 1, BUCKETS)
    assert desk.ask(gr.GroupDescRequest()) == [gr.GroupDescReply((told,))]
    counted = gr.GroupStats(1, references=1, buckets=(gr.BucketStats(),) * 2)
    for which in (1, gr.ALL_GROUPS):
        assert desk.ask(gr.GroupStatsRequest(which)) == [gr.GroupStatsReply((counted,))]
    assert desk.ask(gr.GroupStatsRequest(9)) == [gr.GroupStatsReply()]


def test_a_group_is_modified_and_deleted_with_the_rules_that_use_it(desk: Desk) -> None:
    desk.ask(GROUP, TO_GROUP, UDP)
    plain = tuple(replace(bucket, weight=0) for bucket in BUCKETS)  # only select groups weigh
    change = gr.GroupMod(gr.GroupCommand.MODIFY, gr.GroupType.ALL, 1, plain)
    assert desk.ask(change) == []
    told = gr.GroupDesc(gr.GroupType.ALL, 1, plain)
    assert desk.ask(gr.GroupDescRequest()) == [gr.GroupDescReply((told,))]
    remove = gr.GroupMod(gr.GroupCommand.DELETE, gr.GroupType.ALL, 1)
    assert desk.ask(remove, remove) == []
    assert desk.ask(gr.GroupDescRequest()) == [gr.GroupDescReply()]
    assert flows(desk) == [stats(UDP)]


def test_a_group_has_at_most_4000_buckets(desk: Desk) -> None:
    most = replace(GROUP, buckets=(gr.Bucket(),) * 4000)
    assert desk.ask(most) == []
    over = replace(GROUP, group=2, buckets=(*most.buckets, BUCKETS[0]))
    assert desk.ask(over) == error(Error.GROUP_MOD_FAILED_OUT_OF_BUCKETS, over)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (GROUP, Error.GROUP_MOD_FAILED_GROUP_EXISTS),
        (replace(GROUP, command=gr.GroupCommand.MODIFY, group=9),
         Error.GROUP_MOD_FAILED_UNKNOWN_GROUP),
        (replace(GROUP, group=gr.ALL_GROUPS), Error.GROUP_MOD_FAILED_INVALID_GROUP),
        (replace(GROUP, group=2, buckets=(gr.Bucket((Group(77),), 1),)),
         Error.BAD_ACTION_BAD_OUT_GROUP),
        (replace(TO_GROUP, rule=Rule(instructions=(ApplyActions((Group(77),)),))),
         Error.BAD_ACTION_BAD_OUT_GROUP),
    ],
)  # fmt: skip
def test_a_wrong_group_is_refused(desk: Desk, wrong: Message, why: Error) -> None:
    desk.ask(GROUP)
    assert desk.ask(wrong) == error(why, wrong)


# ---- meters -------------------------------------------------------------------------


def test_meters_are_added_told_and_counted(desk: Desk) -> None:
    assert desk.ask(METER, THROUGH_METER) == []
    told = me.MeterConfig(KBPS, 1, METER.bands)
    counted = me.MeterStats(1, flows=1, bands=(me.BandStats(),))
    for which in (1, me.ALL_METERS):
        assert desk.ask(me.MeterConfigRequest(which)) == [me.MeterConfigReply((told,))]
        assert desk.ask(me.MeterStatsRequest(which)) == [me.MeterStatsReply((counted,))]


def test_a_meter_is_modified_and_deleted_with_the_rules_that_use_it(desk: Desk) -> None:
    desk.ask(METER, THROUGH_METER, UDP)
    bands = (me.DscpRemarkBand(7, 0, 1),)
    change = me.MeterMod(me.MeterCommand.MODIFY, me.MeterFlags.PKTPS, 1, bands)
    assert desk.ask(change) == []
    told = me.MeterConfig(me.MeterFlags.PKTPS, 1, bands)
    assert desk.ask(me.MeterConfigRequest()) == [me.MeterConfigReply((told,))]
    assert desk.ask(me.MeterMod(me.MeterCommand.DELETE, KBPS, me.ALL_METERS)) == []
    assert desk.ask(me.MeterConfigRequest()) == [me.MeterConfigReply()]
    assert flows(desk) == [stats(UDP)]


def test_a_meter_has_as_many_bands_as_it_says(desk: Desk) -> None:
    bands = tuple(me.DropBand(rate + 1, 10) for rate in range(MAX_BANDS))
    assert desk.ask(replace(METER, bands=bands)) == []
    over = replace(METER, meter=2, bands=(*bands, me.DropBand(99, 10)))
    assert desk.ask(over) == error(Error.METER_MOD_FAILED_OUT_OF_BANDS, over)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (METER, Error.METER_MOD_FAILED_METER_EXISTS),
        (replace(METER, command=me.MeterCommand.MODIFY, meter=9),
         Error.METER_MOD_FAILED_UNKNOWN_METER),
        (me.MeterStatsRequest(9), Error.METER_MOD_FAILED_UNKNOWN_METER),
        (me.MeterConfigRequest(9), Error.METER_MOD_FAILED_UNKNOWN_METER),
    ],
)  # fmt: skip
def test_a_wrong_meter_is_refused(desk: Desk, wrong: Message, why: Error) -> None:
    desk.ask(METER)
    assert desk.ask(wrong) == error(why, wrong)


# ---- what 1.3 doesn't have ------------------------------------------------------------


@pytest.mark.parametrize(
    "foreign",
    [
        se.Experimenter(0x4F4E4600, 2300, bytes(8)),
        se.Experimenter(0x2320, 24, bytes(8)),
        se.ExperimenterMultipartRequest(0x2320, 4),
    ],
    ids=["a bundle", "a TLV map", "IPFIX"],
)
def test_extensions_are_refused(desk: Desk, foreign: Message) -> None:
    assert desk.ask(foreign) == error(Error.BAD_REQUEST_BAD_EXPERIMENTER, foreign)


def test_any_port_means_all_of_them(desk: Desk) -> None:
    assert po.PortStatsRequest().number == qu.QueueStatsRequest().port == Reserved.ANY
