"""Layouts of messages about groups (OpenFlow 1.3.5: 7.3.4.2, 7.3.5.9 to 7.3.5.11)."""

from __future__ import annotations

import struct

from datapath.layout import Column, Layout, Many, Tail, flags, pad, u32
from datapath.of13.group import GROUP_DESC, GROUP_MOD, GROUP_STATS
from vswitch.openflow.messages.group import (
    GroupCapabilities,
    GroupDescReply,
    GroupDescRequest,
    GroupFeaturesReply,
    GroupFeaturesRequest,
    GroupMod,
    GroupStatsReply,
    GroupStatsRequest,
)
from vswitch.openflow.of13.tables import Entries


def _four(attribute: str) -> Column:
    """Four numbers, one for each type of group."""
    words = struct.Struct("!4I")
    return Column(attribute, "16s", lambda value: words.pack(*value), words.unpack)


_FEATURES = Layout(
    GroupFeaturesReply,
    u32("types"),
    flags("capabilities", "I", GroupCapabilities),
    _four("max_groups"),
    _four("actions"),
)

MESSAGES: Entries = {15: (GroupMod, Layout(GroupMod, *GROUP_MOD))}
REQUESTS: Entries = {
    6: (GroupStatsRequest, Layout(GroupStatsRequest, u32("group"), pad(4))),
    7: (GroupDescRequest, Layout(GroupDescRequest)),
    8: (GroupFeaturesRequest, Layout(GroupFeaturesRequest)),
}
REPLIES: Entries = {
    6: (GroupStatsReply, Layout(GroupStatsReply, Tail("groups", Many(GROUP_STATS)))),
    7: (GroupDescReply, Layout(GroupDescReply, Tail("groups", Many(GROUP_DESC)))),
    8: (GroupFeaturesReply, _FEATURES),
}
