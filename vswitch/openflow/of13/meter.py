"""Layouts of messages about meters (OpenFlow 1.3.5: 7.3.4.4, 7.3.5.12 to 7.3.5.14)."""

from __future__ import annotations

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
from datapath.wire import Codec
from vswitch.openflow.messages.meter import (
    Band,
    BandStats,
    DropBand,
    DscpRemarkBand,
    ExperimenterBand,
    MeterCommand,
    MeterConfig,
    MeterConfigReply,
    MeterConfigRequest,
    MeterFeaturesReply,
    MeterFeaturesRequest,
    MeterFlags,
    MeterMod,
    MeterStats,
    MeterStatsReply,
    MeterStatsRequest,
)
from vswitch.openflow.of13.tables import Entries, Entry


def _band(of: type[Band], number: int, *columns: Column | Tail) -> Entry:
    head = (kind(number), size16(), u32("rate"), u32("burst"))
    return of, Layout(of, *head, *columns, error=Error.METER_MOD_FAILED_BAD_BAND)


BAND: Codec[Band] = Choice(
    {
        1: _band(DropBand, 1, pad(4)),
        2: _band(DscpRemarkBand, 2, u8("prec_level"), pad(3)),
        0xFFFF: _band(ExperimenterBand, 0xFFFF, u32("experimenter"), Tail("data", Rest())),
    },
    Error.METER_MOD_FAILED_BAD_BAND,
)
_MOD = Layout(
    MeterMod,
    enum("command", "H", MeterCommand, Error.METER_MOD_FAILED_BAD_COMMAND),
    flags("flags", "H", MeterFlags),
    u32("meter"),
    Tail("bands", Many(BAND)),
)
_STATS = Layout(
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
_CONFIG = Layout(
    MeterConfig,
    size16(),
    flags("flags", "H", MeterFlags),
    u32("meter"),
    Tail("bands", Many(BAND)),
)
_FEATURES = Layout(
    MeterFeaturesReply,
    u32("max_meters"),
    u32("band_types"),
    flags("capabilities", "I", MeterFlags),
    u8("max_bands"),
    u8("max_color"),
    pad(2),
)

MESSAGES: Entries = {29: (MeterMod, _MOD)}
REQUESTS: Entries = {
    9: (MeterStatsRequest, Layout(MeterStatsRequest, u32("meter"), pad(4))),
    10: (MeterConfigRequest, Layout(MeterConfigRequest, u32("meter"), pad(4))),
    11: (MeterFeaturesRequest, Layout(MeterFeaturesRequest)),
}
REPLIES: Entries = {
    9: (MeterStatsReply, Layout(MeterStatsReply, Tail("meters", Many(_STATS)))),
    10: (MeterConfigReply, Layout(MeterConfigReply, Tail("meters", Many(_CONFIG)))),
    11: (MeterFeaturesReply, _FEATURES),
}
