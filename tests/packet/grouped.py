"""What tests of groups share: packets, what answers a group-mod, what a group has counted."""

from __future__ import annotations

import pytest

from datapath.group import GroupCommand, GroupDesc
from datapath.problems import Error
from datapath.switch import OpenFlowRefusal, Switch
from tests.packet.headers import frame

TCP = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80,nw_ttl=9")
TAG = bytes.fromhex("81000000")
TAGGED = TCP[:12] + TAG + TCP[12:]


def refused(switch: Switch, group: str | GroupDesc | bytes, **command: GroupCommand) -> Error:
    """The error that answers a group-mod."""
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_group(group, **command)
    return Error((caught.value.type, caught.value.code))


def counted(switch: Switch, number: int) -> tuple[int, list[int]]:
    """Packets of a group, and of each of its buckets."""
    stats = switch.group_stats()[number]
    return stats.packets, [bucket.packets for bucket in stats.buckets]


def flow(number: int) -> bytes:
    return frame(f"udp,nw_src=10.0.{number >> 8}.{number & 255},nw_dst=10.0.0.2,tp_src={number}")
