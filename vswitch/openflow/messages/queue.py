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
    """Somebody's own property; 'data' follows the experimenter's number as it is."""

    experimenter: int
    data: bytes = b""


QueueProperty = MinRate | MaxRate | ExperimenterQueueProperty


@dataclass(frozen=True, slots=True)
class PacketQueue:
    """A queue of a port, and what it promises."""

    queue: int
    port: int
    properties: tuple[QueueProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueGetConfigRequest(Message):
    """Which queues has a port, or have all (ANY)?"""

    port: int = Reserved.ANY


@dataclass(frozen=True, slots=True)
class QueueGetConfigReply(Message):
    """The queues of the port that was asked for."""

    port: int
    queues: tuple[PacketQueue, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueStats:
    """A queue's counters."""

    port: int
    queue: int
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0


@dataclass(frozen=True, slots=True)
class QueueStatsRequest(MultipartRequest):
    """How does a queue fare, or do all (ALL_QUEUES) of a port or of all (ANY)?"""

    port: int = Reserved.ANY
    queue: int = ALL_QUEUES


@dataclass(frozen=True, slots=True)
class QueueStatsReply(MultipartReply):
    """Queues' counters."""

    queues: tuple[QueueStats, ...] = ()
