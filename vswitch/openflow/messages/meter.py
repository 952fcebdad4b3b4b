"""Messages about meters: rates, and what happens above them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest

ALL_METERS = 0xFFFFFFFF


class MeterCommand(IntEnum):
    """What a meter-mod does (ofp_meter_mod_command)."""

    ADD = 0
    MODIFY = 1
    DELETE = 2


class MeterFlags(IntFlag):
    """How a meter counts (ofp_meter_flags)."""

    NONE = 0
    KBPS = 1
    PKTPS = 2
    BURST = 4
    STATS = 8


@dataclass(frozen=True, slots=True)
class DropBand:
    """Above 'rate' (kbit/s or packets a second), beyond 'burst': drop."""

    rate: int
    burst: int = 0


@dataclass(frozen=True, slots=True)
class DscpRemarkBand:
    """Above 'rate': raise the drop precedence in the DSCP by 'prec_level'."""

    rate: int
    burst: int = 0
    prec_level: int = 0


@dataclass(frozen=True, slots=True)
class ExperimenterBand:
    rate: int
    burst: int
    experimenter: int
    data: bytes = b""


Band = DropBand | DscpRemarkBand | ExperimenterBand


@dataclass(frozen=True, slots=True)
class MeterMod(Message):
    command: MeterCommand
    flags: MeterFlags
    meter: int
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class BandStats:
    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class MeterStats:
    """How a meter fared; 'flows': rules that use it."""

    meter: int
    flows: int = 0
    packets: int = 0
    bytes: int = 0
    duration_sec: int = 0
    duration_nsec: int = 0
    bands: tuple[BandStats, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterStatsRequest(MultipartRequest):
    meter: int = ALL_METERS


@dataclass(frozen=True, slots=True)
class MeterStatsReply(MultipartReply):
    meters: tuple[MeterStats, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterConfig:
    flags: MeterFlags
    meter: int
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterConfigRequest(MultipartRequest):
    meter: int = ALL_METERS


@dataclass(frozen=True, slots=True)
class MeterConfigReply(MultipartReply):
    meters: tuple[MeterConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterFeaturesRequest(MultipartRequest):
    """What can you do with meters?"""


@dataclass(frozen=True, slots=True)
class MeterFeaturesReply(MultipartReply):
    """Bit n of 'band_types': bands of type n."""

    max_meters: int = 0
    band_types: int = 0
    capabilities: MeterFlags = MeterFlags.NONE
    max_bands: int = 0
    max_color: int = 0
