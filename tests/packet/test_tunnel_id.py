"""What lives with a packet and is in no header: tunnel_id (OpenFlow 1.3.5, 7.2.3.7)."""

from __future__ import annotations

import pytest

from datapath.switch import Switch
from tests.packet.headers import frame

TCP = frame("tcp,nw_dst=10.0.0.2,tp_dst=80")
FULL = 0xFFFF_FFFF_FFFF_FFFF


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
