"""Packets that travel between switch and controller."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from datapath.action import Action
from datapath.oxm import Match
from datapath.ports import Reserved
from datapath.rule import NO_BUFFER
from vswitch.openflow.messages.base import Message


class PacketInReason(IntEnum):
    """Why a packet was sent (ofp_packet_in_reason)."""

    NO_MATCH = 0
    ACTION = 1
    INVALID_TTL = 2


@dataclass(frozen=True, slots=True)
class PacketIn(Message):
    """A packet for the controller.

    'data' is its beginning, 'total_len' its whole length; 'match' says where it came in.
    """

    data: bytes
    match: Match
    reason: PacketInReason
    total_len: int
    table: int = 0
    cookie: int = 0
    buffer_id: int = NO_BUFFER


@dataclass(frozen=True, slots=True)
class PacketOut(Message):
    """A packet from the controller, and what to do with it."""

    data: bytes
    actions: tuple[Action, ...]
    in_port: int = Reserved.CONTROLLER
    buffer_id: int = NO_BUFFER
