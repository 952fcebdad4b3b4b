"""Which messages go to the forwarder as they came, in the numbers of each version of OpenFlow.

What is hot is said once, by class; the numbers are those of the version's dialect, so another
version needs no table here.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Any

from vswitch.openflow.codec import DIALECTS
from vswitch.openflow.dialect import Dialect
from vswitch.openflow.messages.flow import AggregateRequest, FlowMod, FlowStatsRequest
from vswitch.openflow.messages.group import GroupDescRequest, GroupMod, GroupStatsRequest
from vswitch.openflow.messages.meter import MeterConfigRequest, MeterMod, MeterStatsRequest
from vswitch.openflow.messages.packet import PacketOut
from vswitch.openflow.messages.port import PortMod, PortStatsRequest
from vswitch.openflow.messages.queue import QueueStatsRequest
from vswitch.openflow.messages.session import BarrierReply, BarrierRequest
from vswitch.openflow.messages.table import TableMod, TableStatsRequest

CHANGES: tuple[type[Any], ...] = (FlowMod, PacketOut, GroupMod, MeterMod)
"""What the forwarder carries out."""

WRITES: tuple[type[Any], ...] = (*CHANGES, PortMod, TableMod)
"""What a slave may not send (6.3.4)."""

QUESTIONS: tuple[type[Any], ...] = (
    FlowStatsRequest, AggregateRequest, TableStatsRequest, PortStatsRequest, QueueStatsRequest,
    GroupStatsRequest, GroupDescRequest, MeterStatsRequest, MeterConfigRequest,
)  # fmt: skip
"""Multipart requests that it answers: what it counts."""


@dataclass(frozen=True, slots=True)
class Hot:
    """One version's numbers."""

    changes: frozenset[int]
    writes: frozenset[int]
    barrier_request: int
    barrier_reply: int
    multipart_request: int
    multipart_reply: int
    multipart_head: Struct
    """Multipart type and flags, behind the header."""
    questions: frozenset[int]
    """Multipart types."""


NONE = Hot(frozenset(), frozenset(), -1, -1, -1, -1, Struct("!HH"), frozenset())
"""Before a version is agreed on."""


def hot(dialect: Dialect) -> Hot:
    """The numbers that a version has for what is hot; what it doesn't know is left out."""
    request, reply = dialect.multipart_types
    return Hot(
        changes=_numbers(dialect, CHANGES),
        writes=_numbers(dialect, WRITES),
        barrier_request=dialect.classes[BarrierRequest][0],
        barrier_reply=dialect.classes[BarrierReply][0],
        multipart_request=request,
        multipart_reply=reply,
        multipart_head=dialect.multipart_head,
        questions=frozenset(number for number, of in dialect.requests.items() if of in QUESTIONS),
    )


def _numbers(dialect: Dialect, classes: tuple[type[Any], ...]) -> frozenset[int]:
    return frozenset(dialect.classes[of][0] for of in classes if of in dialect.classes)


HOT: Mapping[int, Hot] = {version: hot(dialect) for version, dialect in DIALECTS.items()}
"""Version on the wire -> its numbers."""
