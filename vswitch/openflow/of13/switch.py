"""Layouts of messages about the switch (OpenFlow 1.3.5: 7.3.1, 7.3.2, 7.3.5.1)."""

from __future__ import annotations

from datapath.layout import Layout, flags, pad, text, u8, u16, u32, u64
from vswitch.openflow.messages.switch import (
    Capabilities,
    DescReply,
    DescRequest,
    FeaturesReply,
    FeaturesRequest,
    Fragments,
    GetConfigReply,
    GetConfigRequest,
    SetConfig,
)
from vswitch.openflow.of13.tables import Entries

_FEATURES = Layout(
    FeaturesReply,
    u64("datapath_id"),
    u32("n_buffers"),
    u8("n_tables"),
    u8("auxiliary_id"),
    pad(2),
    flags("capabilities", "I", Capabilities),
    u32("reserved"),
)
_CONFIG = (flags("flags", "H", Fragments), u16("miss_send_len"))
_DESC = Layout(
    DescReply,
    text("manufacturer", 256),
    text("hardware", 256),
    text("software", 256),
    text("serial_number", 32),
    text("datapath", 256),
)

MESSAGES: Entries = {
    5: (FeaturesRequest, Layout(FeaturesRequest)),
    6: (FeaturesReply, _FEATURES),
    7: (GetConfigRequest, Layout(GetConfigRequest)),
    8: (GetConfigReply, Layout(GetConfigReply, *_CONFIG)),
    9: (SetConfig, Layout(SetConfig, *_CONFIG)),
}
REQUESTS: Entries = {0: (DescRequest, Layout(DescRequest))}
REPLIES: Entries = {0: (DescReply, _DESC)}
