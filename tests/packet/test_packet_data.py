"""What lives with a packet and is in no header: tunnel_id; and IPv6's extension headers (7.2.3)."""

from __future__ import annotations

import pytest
from scapy.all import (
    Ether,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.inet import TCP as TcpHeader
from scapy.layers.inet import UDP

from datapath.switch import Switch
from tests.packet.headers import frame

TCP = frame("tcp,nw_dst=10.0.0.2,tp_dst=80")
FULL = 0xFFFF_FFFF_FFFF_FFFF


# ---- tunnel_id ----


def test_a_tunnel_id_is_seen_by_later_tables(switch: Switch) -> None:
    switch.add_flow(f"actions=set_field:{FULL:#x}->tunnel_id,goto_table:1")
    switch.add_flow(f"table=1,tunnel_id={FULL:#x},actions=output:2")
    for _ in range(2):
        assert switch.send(1, TCP) == {2: [TCP]}


def test_a_packet_comes_in_without_a_tunnel_id(switch: Switch) -> None:
    """Also after another packet had one."""
    switch.add_flow("in_port=3,actions=set_field:7->tunnel_id,goto_table:1")
    switch.add_flow("in_port=1,actions=goto_table:1")
    switch.add_flow("table=1,tunnel_id=0,actions=output:2")
    switch.add_flow("table=1,tunnel_id=7,actions=output:4")
    for _ in range(2):
        assert switch.send(3, TCP) == {4: [TCP]}
        assert switch.send(1, TCP) == {2: [TCP]}


@pytest.mark.parametrize(("written", "port"), [(0x10, 2), (0x11, 2), (0x20, 3)])
def test_a_tunnel_id_is_matched_under_a_mask(switch: Switch, written: int, port: int) -> None:
    switch.add_flow(f"actions=set_field:{written}->tunnel_id,goto_table:1")
    switch.add_flow("table=1,priority=9,tunnel_id=0x10/0xf0,actions=output:2")
    switch.add_flow("table=1,priority=8,actions=output:3")
    assert list(switch.send(1, TCP)) == [port]


def test_a_tunnel_id_stays_when_headers_come_and_go(switch: Switch) -> None:
    switch.add_flow("actions=set_field:7->tunnel_id,push_mpls:0x8847,pop_mpls:0x0800,goto_table:1")
    switch.add_flow("table=1,tunnel_id=7,tcp,tp_dst=80,actions=output:2")
    assert switch.send(1, TCP) == {2: [TCP]}


def test_a_tunnel_id_and_metadata_stay_when_a_label_is_popped(switch: Switch) -> None:
    switch.add_flow("actions=push_mpls:0x8847,write_metadata:5,goto_table:1")
    switch.add_flow("table=1,mpls,actions=set_field:7->tunnel_id,pop_mpls:0x0800,goto_table:2")
    switch.add_flow("table=2,metadata=5,tunnel_id=7,tcp,actions=output:2")
    assert switch.send(1, TCP) == {2: [TCP]}


def test_a_tunnel_id_in_the_action_set_comes_after_the_tables(switch: Switch) -> None:
    switch.add_flow("actions=write_actions(set_field:7->tunnel_id,output:2),goto_table:1")
    switch.add_flow("table=1,priority=9,tunnel_id=7,actions=clear_actions")
    switch.add_flow("table=1,priority=8,actions=write_metadata:0")
    assert switch.send(1, TCP) == {2: [TCP]}


# ---- ipv6_exthdr (7.2.3.8) ----

NO_NEXT, DEST, FRAGMENT, ROUTER, HOP, REPEATED, OUT_OF_ORDER = 1, 8, 16, 32, 64, 128, 256
HEAD = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6(src="fe80::1", dst="fe80::2")
CHAINS = {
    "none": (HEAD / UDP(), 0),
    "no next header": (HEAD.copy() / b"", NO_NEXT),
    "hop by hop": (HEAD / IPv6ExtHdrHopByHop() / UDP(), HOP),
    "destination": (HEAD / IPv6ExtHdrDestOpt() / UDP(), DEST),
    "routing": (HEAD / IPv6ExtHdrRouting(addresses=["fe80::3"]) / UDP(), ROUTER),
    "fragment": (HEAD / IPv6ExtHdrFragment() / UDP(), FRAGMENT),
    "two in order": (HEAD / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP(), HOP | DEST),
    "two out of order": (
        HEAD / IPv6ExtHdrFragment() / IPv6ExtHdrHopByHop() / TcpHeader(),
        FRAGMENT | HOP | OUT_OF_ORDER,
    ),
    "twice the same": (
        HEAD / IPv6ExtHdrFragment() / IPv6ExtHdrFragment() / UDP(),
        FRAGMENT | REPEATED,
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_the_chain_of_extension_headers_is_matched_as_bits(switch: Switch, name: str) -> None:
    packet, bits = CHAINS[name]
    switch.add_flow(f"priority=9,ipv6,ipv6_exthdr={bits:#x},actions=output:2")
    switch.add_flow("priority=8,actions=output:3")
    data = bytes(packet)
    for _ in range(2):
        assert switch.send(1, data) == {2: [data]}


@pytest.mark.parametrize("name", CHAINS)
def test_one_kind_of_extension_header_is_matched_under_a_mask(switch: Switch, name: str) -> None:
    packet, bits = CHAINS[name]
    switch.add_flow(f"priority=9,ipv6,ipv6_exthdr={HOP:#x}/{HOP:#x},actions=output:2")
    switch.add_flow("priority=8,actions=output:3")
    assert list(switch.send(1, bytes(packet))) == [2 if bits & HOP else 3]


# ---- tables ----


@pytest.mark.parametrize("last", [253, 254])
def test_packets_come_as_far_as_the_last_table(switch: Switch, last: int) -> None:
    switch.add_flow(f"table=0,actions=goto_table:{last}")
    switch.add_flow(f"table={last},actions=output:2")
    assert switch.send(1, TCP) == {2: [TCP]}
    assert [told.rule.table for told in switch.dump_flows()] == [0, last]
