"""Meters: rates, and what happens above them.

A meter is a list of bands (OpenFlow 1.3.5, section 5.7).  `MeterConfig` is one meter, as it is
made by an OFPT_METER_MOD (7.3.4.4) and told back by a meter configuration (7.3.5.13);
`MeterStats` is how it fared (7.3.5.12).  Rates are kilobits or packets a second, as the flags
say.  Bytes are the business of `datapath.of13.meter`, text of `datapath.meter_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

METER_MAX = 0xFFFF0000
"""The largest number that a rule's meter may have."""
METER_CONTROLLER = 0xFFFFFFFE
"""The meter of all packets to the controller."""
METER_SLOWPATH = 0xFFFFFFFD
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
    """Somebody's own band; 'data' follows the experimenter's number as it is."""

    rate: int
    burst: int
    experimenter: int
    data: bytes = b""


Band = DropBand | DscpRemarkBand | ExperimenterBand


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """One meter; for a deletion only its number counts, which may be ALL_METERS."""

    flags: MeterFlags
    meter: int
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class BandStats:
    """How many packets and bytes a band took."""

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
