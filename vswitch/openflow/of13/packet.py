"""Layouts of packets between switch and controller (OpenFlow 1.3.5: 7.3.7, 7.4.1)."""

from __future__ import annotations

import struct

from datapath.layout import Gap, Layout, Rest, Tail, enum, u8, u16, u32, u64
from datapath.of13.action import ACTIONS
from datapath.of13.rule import MATCH
from datapath.problems import Error
from datapath.wire import Reader
from vswitch.openflow.messages.packet import PacketIn, PacketInReason, PacketOut
from vswitch.openflow.of13.tables import Entries

_PACKET_IN = Layout(
    PacketIn,
    u32("buffer_id"),
    u16("total_len"),
    enum("reason", "B", PacketInReason, Error.BAD_REQUEST_BAD_PACKET),
    u8("table"),
    u64("cookie"),
    Tail("match", MATCH),
    Tail("", Gap(2)),
    Tail("data", Rest()),
)


class _PacketOutCodec:
    """A packet-out tells the size of its actions, so that the packet can follow."""

    FIXED = struct.Struct("!IIH6x")

    def pack(self, value: PacketOut) -> bytes:
        actions = ACTIONS.pack(value.actions)
        return self.FIXED.pack(value.buffer_id, value.in_port, len(actions)) + actions + value.data

    def unpack(self, reader: Reader) -> PacketOut:
        buffer_id, in_port, size = reader.unpack(self.FIXED)
        actions = ACTIONS.unpack(reader.part(size, Error.BAD_ACTION_BAD_LEN))
        return PacketOut(reader.rest(), actions, in_port, buffer_id)


MESSAGES: Entries = {
    10: (PacketIn, _PACKET_IN),
    13: (PacketOut, _PacketOutCodec()),
}
