"""Messages about the switch as a whole: features, configuration, description."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest


class Capabilities(IntFlag):
    """What a switch can do (ofp_capabilities)."""

    NONE = 0
    FLOW_STATS = 1
    TABLE_STATS = 2
    PORT_STATS = 4
    GROUP_STATS = 8
    IP_REASM = 32
    QUEUE_STATS = 64
    PORT_BLOCKED = 256


@dataclass(frozen=True, slots=True)
class FeaturesRequest(Message):
    """Who are you?"""


@dataclass(frozen=True, slots=True)
class FeaturesReply(Message):
    """Which switch this is, and what it can do."""

    datapath_id: int
    n_buffers: int = 0
    n_tables: int = 0
    auxiliary_id: int = 0
    capabilities: Capabilities = Capabilities.NONE
    reserved: int = 0


class Fragments(IntFlag):
    """What is done with IP fragments (ofp_config_flags)."""

    NORMAL = 0
    DROP = 1
    REASSEMBLE = 2


@dataclass(frozen=True, slots=True)
class GetConfigRequest(Message):
    """How are you configured?"""


@dataclass(frozen=True, slots=True)
class GetConfigReply(Message):
    """'miss_send_len': bytes of a packet that a table-miss sends to the controller."""

    flags: Fragments = Fragments.NORMAL
    miss_send_len: int = 128


@dataclass(frozen=True, slots=True)
class SetConfig(Message):
    """Be configured so; see GetConfigReply."""

    flags: Fragments = Fragments.NORMAL
    miss_send_len: int = 128


@dataclass(frozen=True, slots=True)
class DescRequest(MultipartRequest):
    """What are you?"""


@dataclass(frozen=True, slots=True)
class DescReply(MultipartReply):
    """Five texts for people; 255 bytes each at most, the serial number 31."""

    manufacturer: str = ""
    hardware: str = ""
    software: str = ""
    serial_number: str = ""
    datapath: str = ""
