"""Layouts of messages about ports (OpenFlow 1.3.5: 7.2.1, 7.3.4.3, 7.3.5.6, 7.3.5.7, 7.4.3)."""

from __future__ import annotations

from datapath.layout import Column, Layout, Many, Tail, enum, flags, pad, raw, text, u32, u64
from datapath.problems import Error
from vswitch.openflow.messages.port import (
    PortConfig,
    PortDesc,
    PortDescReply,
    PortDescRequest,
    PortFeatures,
    PortMod,
    PortReason,
    PortState,
    PortStats,
    PortStatsReply,
    PortStatsRequest,
    PortStatus,
)
from vswitch.openflow.of13.tables import Entries


def _features(attribute: str) -> Column:
    return flags(attribute, "I", PortFeatures)


PORT: Layout[PortDesc] = Layout(
    PortDesc,
    u32("number"),
    pad(4),
    raw("hw_addr", 6),
    pad(2),
    text("name", 16),
    flags("config", "I", PortConfig),
    flags("state", "I", PortState),
    _features("current"),
    _features("advertised"),
    _features("supported"),
    _features("peer"),
    u32("current_speed"),
    u32("max_speed"),
)
_STATUS = Layout(
    PortStatus,
    enum("reason", "B", PortReason, Error.BAD_REQUEST_BAD_TYPE),
    pad(7),
    Tail("port", PORT),
)
_MOD = Layout(
    PortMod,
    u32("number"),
    pad(4),
    raw("hw_addr", 6),
    pad(2),
    flags("config", "I", PortConfig),
    flags("mask", "I", PortConfig),
    _features("advertise"),
    pad(4),
)
_STATS = Layout(
    PortStats,
    u32("number"),
    pad(4),
    u64("rx_packets"),
    u64("tx_packets"),
    u64("rx_bytes"),
    u64("tx_bytes"),
    u64("rx_dropped"),
    u64("tx_dropped"),
    u64("rx_errors"),
    u64("tx_errors"),
    u64("rx_frame_errors"),
    u64("rx_over_errors"),
    u64("rx_crc_errors"),
    u64("collisions"),
    u32("duration_sec"),
    u32("duration_nsec"),
)

MESSAGES: Entries = {
    12: (PortStatus, _STATUS),
    16: (PortMod, _MOD),
}
REQUESTS: Entries = {
    4: (PortStatsRequest, Layout(PortStatsRequest, u32("number"), pad(4))),
    13: (PortDescRequest, Layout(PortDescRequest)),
}
REPLIES: Entries = {
    4: (PortStatsReply, Layout(PortStatsReply, Tail("ports", Many(_STATS)))),
    13: (PortDescReply, Layout(PortDescReply, Tail("ports", Many(PORT)))),
}
