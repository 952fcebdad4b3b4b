"""Messages about rules: changes, their end, and how they fare."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from datapath.ports import NAMELESS, PortNames
from datapath.rule import NO_BUFFER, FlowCommand, Rule, format_rule
from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest


@dataclass(frozen=True, slots=True)
class FlowMod(Message):
    """Add, change or delete rules."""

    command: FlowCommand
    rule: Rule
    buffer_id: int = NO_BUFFER


class FlowRemovedReason(IntEnum):
    """Why a rule ended (ofp_flow_removed_reason)."""

    IDLE_TIMEOUT = 0
    HARD_TIMEOUT = 1
    DELETE = 2
    GROUP_DELETE = 3


@dataclass(frozen=True, slots=True)
class FlowRemoved(Message):
    """A rule ended; its instructions are not told, and 'rule' has none."""

    rule: Rule
    reason: FlowRemovedReason
    duration_sec: int = 0
    duration_nsec: int = 0
    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class FlowStats:
    """A rule and how it fared."""

    rule: Rule
    duration_sec: int = 0
    duration_nsec: int = 0
    packets: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return self.text()

    def text(self, ports: PortNames = NAMELESS) -> str:
        """The line that `ovs-ofctl dump-flows` prints; 'ports' has the names to print."""
        fraction = f".{self.duration_nsec // 1_000_000:03d}" if self.duration_nsec else ""
        duration = f"duration={self.duration_sec}{fraction}s"
        counters = f"n_packets={self.packets}, n_bytes={self.bytes}"
        return format_rule(self.rule, duration=duration, counters=counters, ports=ports)


@dataclass(frozen=True, slots=True)
class FlowStatsRequest(MultipartRequest):
    """Which rules are there?

    'which' names them as a non-strict deletion would: table, match, cookie and its mask,
    out_port and out_group.
    """

    which: Rule


@dataclass(frozen=True, slots=True)
class FlowStatsReply(MultipartReply):
    """Rules and how they fared; 'more' follows."""

    flows: tuple[FlowStats, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateRequest(MultipartRequest):
    """How did these rules fare together?  'which' as in FlowStatsRequest."""

    which: Rule


@dataclass(frozen=True, slots=True)
class AggregateReply(MultipartReply):
    """Sums over the rules that were asked for."""

    packets: int = 0
    bytes: int = 0
    flows: int = 0
