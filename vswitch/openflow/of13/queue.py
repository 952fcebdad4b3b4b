"""Layouts of messages about queues (OpenFlow 1.3.5: 7.2.2, 7.3.5.8, 7.3.6)."""

from __future__ import annotations

from datapath.layout import (
    Choice,
    Column,
    Layout,
    Many,
    Rest,
    Tail,
    kind,
    pad,
    size16,
    u16,
    u32,
    u64,
)
from datapath.problems import Error
from datapath.wire import Codec
from vswitch.openflow.messages.queue import (
    ExperimenterQueueProperty,
    MaxRate,
    MinRate,
    PacketQueue,
    QueueGetConfigReply,
    QueueGetConfigRequest,
    QueueProperty,
    QueueStats,
    QueueStatsReply,
    QueueStatsRequest,
)
from vswitch.openflow.of13.tables import Entries, Entry


def _property(of: type[QueueProperty], number: int, *columns: Column | Tail) -> Entry:
    return of, Layout(of, kind(number), size16(), pad(4), *columns)


_OWN = (u32("experimenter"), pad(4), Tail("data", Rest()))
PROPERTY: Codec[QueueProperty] = Choice(
    {
        1: _property(MinRate, 1, u16("rate"), pad(6)),
        2: _property(MaxRate, 2, u16("rate"), pad(6)),
        0xFFFF: _property(ExperimenterQueueProperty, 0xFFFF, *_OWN),
    },
    Error.BAD_REQUEST_BAD_TYPE,
)
_QUEUE = Layout(
    PacketQueue, u32("queue"), u32("port"), size16(), pad(6), Tail("properties", Many(PROPERTY))
)
_STATS = Layout(
    QueueStats,
    u32("port"),
    u32("queue"),
    u64("tx_bytes"),
    u64("tx_packets"),
    u64("tx_errors"),
    u32("duration_sec"),
    u32("duration_nsec"),
)

MESSAGES: Entries = {
    22: (QueueGetConfigRequest, Layout(QueueGetConfigRequest, u32("port"), pad(4))),
    23: (
        QueueGetConfigReply,
        Layout(QueueGetConfigReply, u32("port"), pad(4), Tail("queues", Many(_QUEUE))),
    ),
}
REQUESTS: Entries = {5: (QueueStatsRequest, Layout(QueueStatsRequest, u32("port"), u32("queue")))}
REPLIES: Entries = {
    5: (QueueStatsReply, Layout(QueueStatsReply, Tail("queues", Many(_STATS)))),
}
