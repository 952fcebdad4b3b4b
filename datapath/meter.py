"""Meters: rates, and what happens above them, as a model and as OpenFlow 1.3 bytes.

A meter is a list of bands (OpenFlow 1.3.5, section 5.7).  `MeterConfig` is one meter, as it is
made by an OFPT_METER_MOD (7.3.4.4) and told back by a meter configuration (7.3.5.13);
`MeterStats` is how it fared (7.3.5.12).  Rates are kilobits or packets a second, as the flags
say.  Text is the business of `datapath.meter_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

from datapath.layout import (
    Choice,
    Column,
    Layout,
    Many,
    Rest,
    Tail,
    enum,
    flags,
    kind,
    pad,
    size16,
    u8,
    u32,
    u64,
)
from datapath.problems import Error
from datapath.wire import Codec, message

METER_MAX = 0xFFFF0000
"""The largest number that a rule's meter may have."""
METER_CONTROLLER = 0xFFFFFFFE
"""The meter of all packets to the controller."""
METER_SLOWPATH = 0xFFFFFFFD
ALL_METERS = 0xFFFFFFFF

_METER_MOD_TYPE = 29


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
class MeterConfig:
    """One meter; for a deletion only its number counts, which may be ALL_METERS."""

    flags: MeterFlags
    meter: int
    bands: tuple[Band, ...] = ()

    def to_meter_mod(self, command: MeterCommand = MeterCommand.ADD, xid: int = 0) -> bytes:
        """The whole OFPT_METER_MOD message; ValueError for a value that doesn't fit, TooLong if all
        of them together don't."""
        body = _METER_MOD.pack(_MeterModBody(command, self.flags, self.meter, self.bands))
        return message("a meter-mod", _METER_MOD_TYPE, body, xid)


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
class _MeterModBody:
    """What an OFPT_METER_MOD says behind its header."""

    command: MeterCommand
    flags: MeterFlags
    meter: int
    bands: tuple[Band, ...]


def _band(of: type[Band], number: int, *columns: Column | Tail) -> tuple[type[Any], Codec[Any]]:
    head = (kind(number), size16(), u32("rate"), u32("burst"))
    return of, Layout(of, *head, *columns, error=Error.METER_MOD_FAILED_BAD_BAND)


_BAND: Codec[Band] = Choice(
    {
        1: _band(DropBand, 1, pad(4)),
        2: _band(DscpRemarkBand, 2, u8("prec_level"), pad(3)),
        0xFFFF: _band(ExperimenterBand, 0xFFFF, u32("experimenter"), Tail("data", Rest())),
    },
    Error.METER_MOD_FAILED_BAD_BAND,
)

METER_MOD: tuple[Column | Tail, ...] = (
    enum("command", "H", MeterCommand, Error.METER_MOD_FAILED_BAD_COMMAND),
    flags("flags", "H", MeterFlags),
    u32("meter"),
    Tail("bands", Many(_BAND)),
)
"""The columns behind the header of an OFPT_METER_MOD, for any class with these attributes."""
_METER_MOD: Layout[_MeterModBody] = Layout(_MeterModBody, *METER_MOD)

METER_CONFIG: Layout[MeterConfig] = Layout(
    MeterConfig,
    size16(),
    flags("flags", "H", MeterFlags),
    u32("meter"),
    Tail("bands", Many(_BAND)),
)
"""ofp_meter_config: one meter within a multipart reply."""

METER_STATS: Layout[MeterStats] = Layout(
    MeterStats,
    u32("meter"),
    size16(),
    pad(6),
    u32("flows"),
    u64("packets"),
    u64("bytes"),
    u32("duration_sec"),
    u32("duration_nsec"),
    Tail("bands", Many(Layout(BandStats, u64("packets"), u64("bytes")))),
)
"""ofp_meter_stats: one meter within a multipart reply."""
