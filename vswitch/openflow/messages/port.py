"""Messages about ports: what they are, changes, counters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from datapath.ports import Reserved
from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest


class PortConfig(IntFlag):
    """What the administrator or a controller wants of a port (ofp_port_config)."""

    NONE = 0
    PORT_DOWN = 1
    NO_RECV = 4
    NO_FWD = 32
    NO_PACKET_IN = 64


class PortState(IntFlag):
    """What a port is like (ofp_port_state)."""

    NONE = 0
    LINK_DOWN = 1
    BLOCKED = 2
    LIVE = 4


class PortFeatures(IntFlag):
    """Rates and abilities of a link (ofp_port_features)."""

    NONE = 0
    TEN_MB_HALF = 1 << 0
    TEN_MB_FULL = 1 << 1
    HUNDRED_MB_HALF = 1 << 2
    HUNDRED_MB_FULL = 1 << 3
    ONE_GB_HALF = 1 << 4
    ONE_GB_FULL = 1 << 5
    TEN_GB_FULL = 1 << 6
    FORTY_GB_FULL = 1 << 7
    HUNDRED_GB_FULL = 1 << 8
    ONE_TB_FULL = 1 << 9
    OTHER = 1 << 10
    COPPER = 1 << 11
    FIBER = 1 << 12
    AUTONEG = 1 << 13
    PAUSE = 1 << 14
    PAUSE_ASYM = 1 << 15


@dataclass(frozen=True, slots=True)
class PortDesc:
    """A port; 'name' has 15 bytes at most, 'hw_addr' six bytes, speeds are in kbit/s."""

    number: int
    hw_addr: bytes = bytes(6)
    name: str = ""
    config: PortConfig = PortConfig.NONE
    state: PortState = PortState.NONE
    current: PortFeatures = PortFeatures.NONE
    advertised: PortFeatures = PortFeatures.NONE
    supported: PortFeatures = PortFeatures.NONE
    peer: PortFeatures = PortFeatures.NONE
    current_speed: int = 0
    max_speed: int = 0


class PortReason(IntEnum):
    """What happened to a port (ofp_port_reason)."""

    ADD = 0
    DELETE = 1
    MODIFY = 2


@dataclass(frozen=True, slots=True)
class PortStatus(Message):
    """A port came, went or changed; unasked."""

    reason: PortReason
    port: PortDesc


@dataclass(frozen=True, slots=True)
class PortMod(Message):
    """Change the bits of a port's 'config' that 'mask' has."""

    number: int
    hw_addr: bytes
    config: PortConfig = PortConfig.NONE
    mask: PortConfig = PortConfig.NONE
    advertise: PortFeatures = PortFeatures.NONE


@dataclass(frozen=True, slots=True)
class PortDescRequest(MultipartRequest):
    """Which ports are there?"""


@dataclass(frozen=True, slots=True)
class PortDescReply(MultipartReply):
    """Ports as they are."""

    ports: tuple[PortDesc, ...] = ()


@dataclass(frozen=True, slots=True)
class PortStats:
    """A port's counters; all ones where the switch has none."""

    number: int
    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    rx_frame_errors: int = 0
    rx_over_errors: int = 0
    rx_crc_errors: int = 0
    collisions: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0


@dataclass(frozen=True, slots=True)
class PortStatsRequest(MultipartRequest):
    """How does a port fare, or do all (ANY)?"""

    number: int = Reserved.ANY


@dataclass(frozen=True, slots=True)
class PortStatsReply(MultipartReply):
    """Ports' counters."""

    ports: tuple[PortStats, ...] = ()
