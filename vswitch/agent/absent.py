"""What this switch does not have yet: groups, meters, queues.  It says so truthfully.

Asked what there is, it lists nothing; asked to remove, there is nothing left to remove; asked to
make one, it has no room for any.  Apps that tidy up when they start (as FAUCET does) are content.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from datapath.ports import Reserved
from datapath.problems import Error, ProtocolProblem
from vswitch.agent.effects import Effect
from vswitch.agent.view import N_TABLES
from vswitch.openflow.messages import group as gr
from vswitch.openflow.messages import meter as me
from vswitch.openflow.messages import queue as qu
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.table import TableMod

ALL_TABLES = 255


def _nothing(reply: Callable[..., Message]) -> Callable[[Any, Any, Any], Iterator[Message]]:
    """A handler that answers with an empty reply."""

    def answer(agent: Any, session: Any, asked: Message) -> Iterator[Message]:
        yield reply(xid=asked.xid)

    return answer


def _queues(agent: Any, session: Any, asked: qu.QueueGetConfigRequest) -> Iterator[Message]:
    if asked.port != Reserved.ANY and asked.port not in agent.view.ports:
        raise ProtocolProblem(Error.QUEUE_OP_FAILED_BAD_PORT, f"port {asked.port}")
    yield qu.QueueGetConfigReply(asked.port, xid=asked.xid)


def _queue_stats(agent: Any, session: Any, asked: qu.QueueStatsRequest) -> Iterator[Message]:
    if asked.port != Reserved.ANY and asked.port not in agent.view.ports:
        raise ProtocolProblem(Error.QUEUE_OP_FAILED_BAD_PORT, f"port {asked.port}")
    if asked.queue != qu.ALL_QUEUES:
        raise ProtocolProblem(Error.QUEUE_OP_FAILED_BAD_QUEUE, f"queue {asked.queue}")
    yield qu.QueueStatsReply(xid=asked.xid)


def _group_mod(agent: Any, session: Any, wanted: gr.GroupMod) -> Iterator[Effect]:
    if wanted.command == gr.GroupCommand.MODIFY:
        raise ProtocolProblem(Error.GROUP_MOD_FAILED_UNKNOWN_GROUP, f"group {wanted.group}")
    if wanted.command == gr.GroupCommand.ADD:
        raise ProtocolProblem(Error.GROUP_MOD_FAILED_OUT_OF_GROUPS, "there are no groups")
    return iter(())


def _meter_mod(agent: Any, session: Any, wanted: me.MeterMod) -> Iterator[Effect]:
    if wanted.command == me.MeterCommand.MODIFY:
        raise ProtocolProblem(Error.METER_MOD_FAILED_UNKNOWN_METER, f"meter {wanted.meter}")
    if wanted.command == me.MeterCommand.ADD:
        raise ProtocolProblem(Error.METER_MOD_FAILED_OUT_OF_METERS, "there are no meters")
    return iter(())


def _table_mod(agent: Any, session: Any, wanted: TableMod) -> Iterator[Effect]:
    """Nothing of a table can be set in 1.3 (7.3.4.1)."""
    if wanted.table >= N_TABLES and wanted.table != ALL_TABLES:
        raise ProtocolProblem(Error.TABLE_MOD_FAILED_BAD_TABLE, f"table {wanted.table}")
    return iter(())


CHANGES: dict[type[Message], Callable[[Any, Any, Any], Iterator[Effect]]] = {
    gr.GroupMod: _group_mod,
    me.MeterMod: _meter_mod,
    TableMod: _table_mod,
}

REPLIES: dict[type[Message], Callable[[Any, Any, Any], Iterator[Message]]] = {
    gr.GroupStatsRequest: _nothing(gr.GroupStatsReply),
    gr.GroupDescRequest: _nothing(gr.GroupDescReply),
    gr.GroupFeaturesRequest: _nothing(gr.GroupFeaturesReply),
    me.MeterStatsRequest: _nothing(me.MeterStatsReply),
    me.MeterConfigRequest: _nothing(me.MeterConfigReply),
    me.MeterFeaturesRequest: _nothing(me.MeterFeaturesReply),
    qu.QueueGetConfigRequest: _queues,
    qu.QueueStatsRequest: _queue_stats,
}
