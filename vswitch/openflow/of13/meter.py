"""Layouts of messages about meters (OpenFlow 1.3.5: 7.3.4.4, 7.3.5.12 to 7.3.5.14)."""

from __future__ import annotations

from datapath.layout import Layout, Many, Tail, flags, pad, u8, u32
from datapath.of13.meter import METER_CONFIG, METER_MOD, METER_STATS
from vswitch.openflow.messages.meter import (
    MeterConfigReply,
    MeterConfigRequest,
    MeterFeaturesReply,
    MeterFeaturesRequest,
    MeterFlags,
    MeterMod,
    MeterStatsReply,
    MeterStatsRequest,
)
from vswitch.openflow.of13.tables import Entries

_FEATURES = Layout(
    MeterFeaturesReply,
    u32("max_meters"),
    u32("band_types"),
    flags("capabilities", "I", MeterFlags),
    u8("max_bands"),
    u8("max_color"),
    pad(2),
)

MESSAGES: Entries = {29: (MeterMod, Layout(MeterMod, *METER_MOD))}
REQUESTS: Entries = {
    9: (MeterStatsRequest, Layout(MeterStatsRequest, u32("meter"), pad(4))),
    10: (MeterConfigRequest, Layout(MeterConfigRequest, u32("meter"), pad(4))),
    11: (MeterFeaturesRequest, Layout(MeterFeaturesRequest)),
}
REPLIES: Entries = {
    9: (MeterStatsReply, Layout(MeterStatsReply, Tail("meters", Many(METER_STATS)))),
    10: (MeterConfigReply, Layout(MeterConfigReply, Tail("meters", Many(METER_CONFIG)))),
    11: (MeterFeaturesReply, _FEATURES),
}
