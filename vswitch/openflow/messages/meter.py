"""Messages about meters; what a meter is stands in `datapath.meter`."""

from __future__ import annotations

from dataclasses import dataclass

from datapath.meter import (
    ALL_METERS,
    Band,
    BandStats,
    DropBand,
    DscpRemarkBand,
    ExperimenterBand,
    MeterCommand,
    MeterConfig,
    MeterFlags,
    MeterStats,
)
from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest

__all__ = [
    "ALL_METERS",
    "Band",
    "BandStats",
    "DropBand",
    "DscpRemarkBand",
    "ExperimenterBand",
    "MeterCommand",
    "MeterConfig",
    "MeterConfigReply",
    "MeterConfigRequest",
    "MeterFeaturesReply",
    "MeterFeaturesRequest",
    "MeterFlags",
    "MeterMod",
    "MeterStats",
    "MeterStatsReply",
    "MeterStatsRequest",
]


@dataclass(frozen=True, slots=True)
class MeterMod(Message):
    """Add, change or delete a meter; to delete, only its number counts, which may be ALL_METERS."""

    command: MeterCommand
    flags: MeterFlags
    meter: int
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterStatsRequest(MultipartRequest):
    """How does a meter fare, or do all?"""

    meter: int = ALL_METERS


@dataclass(frozen=True, slots=True)
class MeterStatsReply(MultipartReply):
    """Meters and how they fared."""

    meters: tuple[MeterStats, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterConfigRequest(MultipartRequest):
    """What is a meter, or are all?"""

    meter: int = ALL_METERS


@dataclass(frozen=True, slots=True)
class MeterConfigReply(MultipartReply):
    """Meters and their bands."""

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
