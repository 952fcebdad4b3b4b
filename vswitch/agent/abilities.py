"""What groups and meters can do, and which queues ports have: the answers that need no counters.

Groups, meters and queues themselves live in the C core; what changes or counts them is relayed
there.  Their abilities are constants and the queues are part of a port's configuration, so these
three requests are answered here (OpenFlow 1.3.5: 7.3.5.11, 7.3.5.14, 7.3.6).  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from datapath.ports import Reserved
from datapath.problems import Error, ProtocolProblem
from vswitch.agent.limits import ACTIONS, MAX_BANDS, MAX_GROUPS, MAX_METERS
from vswitch.agent.session import Session
from vswitch.agent.sessions import Sessions
from vswitch.agent.view import FULL_RATE, PortQueue
from vswitch.openflow.messages import group as gr
from vswitch.openflow.messages import meter as me
from vswitch.openflow.messages import queue as qu
from vswitch.openflow.messages.base import Message

GROUP_TYPES = sum(1 << kind for kind in gr.GroupType)
GROUP_ACTIONS = sum(1 << number for number in ACTIONS)
GROUP_CAPABILITIES = (
    gr.GroupCapabilities.SELECT_WEIGHT
    | gr.GroupCapabilities.SELECT_LIVENESS
    | gr.GroupCapabilities.CHAINING
    | gr.GroupCapabilities.CHAINING_CHECKS
)

DROP_BAND, DSCP_REMARK_BAND = 1, 2
"""Types of bands (ofp_meter_band_type)."""

BAND_TYPES = 1 << DROP_BAND | 1 << DSCP_REMARK_BAND
METER_CAPABILITIES = (
    me.MeterFlags.KBPS | me.MeterFlags.PKTPS | me.MeterFlags.BURST | me.MeterFlags.STATS
)
MAX_COLOR = 0
"""No colours: a band raises the drop precedence in the packet's DSCP and nothing else."""

QUEUES_A_REPLY = 1000
"""Queues in one message: at most 48 bytes each."""


def _groups(
    sessions: Sessions, session: Session, asked: gr.GroupFeaturesRequest
) -> Iterator[Message]:
    four = (MAX_GROUPS,) * 4
    yield gr.GroupFeaturesReply(
        GROUP_TYPES, GROUP_CAPABILITIES, four, (GROUP_ACTIONS,) * 4, xid=asked.xid
    )


def _meters(
    sessions: Sessions, session: Session, asked: me.MeterFeaturesRequest
) -> Iterator[Message]:
    yield me.MeterFeaturesReply(
        MAX_METERS, BAND_TYPES, METER_CAPABILITIES, MAX_BANDS, MAX_COLOR, xid=asked.xid
    )


def _queues(
    sessions: Sessions, session: Session, asked: qu.QueueGetConfigRequest
) -> Iterator[Message]:
    """The queues of a port, or of all.  No multipart, so what outgrows a message comes in several
    replies under the same xid."""
    view = sessions.view
    if asked.port != Reserved.ANY and asked.port not in view.ports:
        raise ProtocolProblem(Error.QUEUE_OP_FAILED_BAD_PORT, f"port {asked.port}")
    ports = sorted(view.ports) if asked.port == Reserved.ANY else [asked.port]
    queues = [_queue(port, queue) for port in ports for queue in view.queues.get(port, ())]
    for start in range(0, len(queues) or 1, QUEUES_A_REPLY):
        part = tuple(queues[start : start + QUEUES_A_REPLY])
        yield qu.QueueGetConfigReply(asked.port, part, xid=asked.xid)


def _queue(port: int, queue: PortQueue) -> qu.PacketQueue:
    """A rate that is not set is no property (7.2.2.1)."""
    rates = (qu.MinRate(queue.min_rate), qu.MaxRate(queue.max_rate))
    return qu.PacketQueue(queue.id, port, tuple(rate for rate in rates if rate.rate <= FULL_RATE))


REPLIES: dict[type[Message], Callable[[Any, Any, Any], Iterator[Message]]] = {
    gr.GroupFeaturesRequest: _groups,
    me.MeterFeaturesRequest: _meters,
    qu.QueueGetConfigRequest: _queues,
}
