"""How meters lie in bytes (OpenFlow 1.3.5: 7.3.4.4, 7.3.5.12, 7.3.5.13)."""

from __future__ import annotations

from dataclasses import dataclass
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
from datapath.meter import (
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
from datapath.problems import Error
from datapath.wire import Codec, message

_METER_MOD_TYPE = 29


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


def meter_mod(meter: MeterConfig, command: MeterCommand = MeterCommand.ADD, xid: int = 0) -> bytes:
    """The whole OFPT_METER_MOD message; ValueError for a value that doesn't fit, TooLong if all of
    them together don't."""
    body = _METER_MOD.pack(_MeterModBody(command, meter.flags, meter.meter, meter.bands))
    return message("a meter-mod", _METER_MOD_TYPE, body, xid)
