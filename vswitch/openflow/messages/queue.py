"""Messages about the queues of ports."""

from __future__ import annotations

from dataclasses import dataclass

from datapath.ports import Reserved
from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest

ALL_QUEUES = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class MinRate:
    """A guarantee, in tenths of a percent; above 1000: none."""

    rate: int


@dataclass(frozen=True, slots=True)
class MaxRate:
    """A ceiling, in tenths of a percent; above 1000: none."""

    rate: int


@dataclass(frozen=True, slots=True)
class ExperimenterQueueProperty:
    experimenter: int
    data: bytes = b""


QueueProperty = MinRate | MaxRate | ExperimenterQueueProperty


@dataclass(frozen=True, slots=True)
class Queue:
    queue: int
    port: int
    properties: tuple[QueueProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueGetConfigRequest(Message):
    port: int = Reserved.ANY


@dataclass(frozen=True, slots=True)
class QueueGetConfigReply(Message):
    port: int
    queues: tuple[Queue, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueStats:
    port: int
    queue: int
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0


@dataclass(frozen=True, slots=True)
class QueueStatsRequest(MultipartRequest):
    port: int = Reserved.ANY
    queue: int = ALL_QUEUES


@dataclass(frozen=True, slots=True)
class QueueStatsReply(MultipartReply):
    queues: tuple[QueueStats, ...] = ()
