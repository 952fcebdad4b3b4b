"""Frames as Python packs them and as the C compiler lays them out."""

from __future__ import annotations

import pytest

from datapath import frames
from datapath.ffi import layout_of
from datapath.frames import Beat, BridgeSpec, Mac, PortKind, PortSpec, PortVlans, VlanMode, Vlans

LAYOUTS = {
    "vs_hello": frames.ForwarderHello.FORMAT,
    "vs_done": frames.Done.FORMAT,
    "vs_beat": Beat.FORMAT,
    "vs_bridge_spec": BridgeSpec.FORMAT,
    "vs_port_spec": PortSpec.FORMAT,
    "vs_port_ref": frames.PortRef.FORMAT,
    "vs_vlans": Vlans.FORMAT,
    "vs_port_vlans": PortVlans.FORMAT,
    "vs_port_mtu": frames.PortMtu.FORMAT,
    "vs_mac": Mac.FORMAT,
    "vs_queue_spec": frames.QueueSpec.FORMAT,
    "vs_session_spec": frames.SessionSpec.FORMAT,
    "vs_transaction": frames.Transaction.FORMAT,
    "vs_port_stats": frames.PortCounters.FORMAT,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_sizes_are_those_of_the_compiler(name: str) -> None:
    assert LAYOUTS[name].size == layout_of(name)[0]


def at(packed: bytes, value: int, size: int) -> int:
    """Where a value that is there once lies."""
    found = value.to_bytes(size, "little")
    assert packed.count(found) == 1
    return packed.index(found)


def test_members_lie_where_the_compiler_puts_them() -> None:
    _, bridge = layout_of("vs_bridge_spec")
    spec = BridgeSpec("b", 0x1122334455667788, True, 0x9999, 0xAAAA, 0xBBBB, 0xCCCC, 0xDDDD)
    packed = spec.pack()
    assert at(packed, 0x1122334455667788, 8) == bridge["dpid"]
    assert at(packed, 0x9999, 2) == bridge["miss_send_len"]
    assert at(packed, 0xAAAA, 2) == bridge["mac_age"]
    assert at(packed, 0xBBBB, 2) == bridge["mac_limit"]
    assert at(packed, 0xCCCC, 2) == bridge["flood_rate"]
    assert at(packed, 0xDDDD, 2) == bridge["identity"]
    _, port = layout_of("vs_port_spec")
    _, vlans = layout_of("vs_vlans")
    sides = Vlans(VlanMode.NATIVE_TAGGED, 0x0ABC, frozenset({4088}))
    packed = PortSpec(1, PortKind.MEM, "p", vlans=sides).pack()
    assert at(packed, 0x0ABC, 2) == port["vlans"] + vlans["tag"]
    assert packed[port["vlans"] + vlans["trunks"] + 511] == 1


@pytest.mark.parametrize(
    "vlans",
    [
        Vlans(),
        Vlans(VlanMode.ACCESS, 4094),
        Vlans(VlanMode.NATIVE_UNTAGGED, 1, frozenset({0, 7, 8, 4094})),
    ],
)
def test_a_port_comes_back_with_its_vlans(vlans: Vlans) -> None:
    assert Vlans.unpack(vlans.pack()) == vlans
    assert PortVlans.unpack(PortVlans(9, vlans).pack()) == PortVlans(9, vlans)
    spec = PortSpec(3, PortKind.TAP, "p", vlans=vlans, write_limit=5)
    assert PortSpec.unpack(spec.pack()) == spec


def test_a_bridge_comes_back_with_its_settings() -> None:
    spec = BridgeSpec("b", 7, True, 99, mac_age=0, mac_limit=5, flood_rate=6, identity=8)
    assert BridgeSpec.unpack(spec.pack()) == spec
