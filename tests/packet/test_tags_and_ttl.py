"""VLAN tags pushed and popped, TTLs set and counted down (OpenFlow 1.3.5, section 5.12)."""

from __future__ import annotations

import pytest
from scapy.all import Dot1AD, Dot1Q, Ether, IPv6
from scapy.layers.inet import IP, UDP

from datapath.switch import Switch

INVALID_TTL = 2
PLAIN = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
PACKET = IP(src="10.0.0.1", dst="10.0.0.2", ttl=64) / UDP() / b"payload"


def test_a_first_tag_is_empty(switch: Switch) -> None:
    switch.add_flow("actions=push_vlan:0x8100,output:2")
    assert switch.send(1, bytes(PLAIN / PACKET)) == {2: [bytes(PLAIN / Dot1Q(vlan=0) / PACKET)]}


def test_a_second_tag_copies_the_first(switch: Switch) -> None:
    switch.add_flow("actions=push_vlan:0x88a8,output:2")
    tag = {"vlan": 9, "prio": 5, "dei": 1}
    want = PLAIN / Dot1AD(**tag) / Dot1Q(**tag) / PACKET
    assert switch.send(1, bytes(PLAIN / Dot1Q(**tag) / PACKET)) == {2: [bytes(want)]}


def test_tags_come_off_from_the_outside(switch: Switch) -> None:
    switch.add_flow("actions=pop_vlan,output:2,pop_vlan,output:3,pop_vlan,output:4")
    tagged = PLAIN / Dot1AD(vlan=7) / Dot1Q(vlan=8) / Dot1Q(vlan=9) / PACKET
    assert switch.send(1, bytes(tagged)) == {
        2: [bytes(PLAIN / Dot1Q(vlan=8) / Dot1Q(vlan=9) / PACKET)],
        3: [bytes(PLAIN / Dot1Q(vlan=9) / PACKET)],
        4: [bytes(PLAIN / PACKET)],
    }


def test_popping_where_there_is_no_tag_does_nothing(switch: Switch) -> None:
    switch.add_flow("actions=pop_vlan,output:2")
    assert switch.send(1, bytes(PLAIN / PACKET)) == {2: [bytes(PLAIN / PACKET)]}


def test_only_the_outer_tag_is_set(switch: Switch) -> None:
    switch.add_flow("dl_vlan=7,actions=set_field:4097->vlan_vid,output:2")
    tagged = PLAIN / Dot1AD(vlan=7) / Dot1Q(vlan=8) / PACKET
    want = PLAIN / Dot1AD(vlan=1) / Dot1Q(vlan=8) / PACKET
    assert switch.send(1, bytes(tagged)) == {2: [bytes(want)]}


def test_a_copy_that_left_earlier_keeps_its_bytes(switch: Switch) -> None:
    switch.add_flow("actions=output:2,push_vlan:0x8100,output:3,pop_vlan,output:4")
    out = switch.send(1, bytes(PLAIN / PACKET))
    assert out[2] == out[4] == [bytes(PLAIN / PACKET)]
    assert out[3] == [bytes(PLAIN / Dot1Q(vlan=0) / PACKET)]


@pytest.mark.parametrize(("tags", "fits"), [(7, True), (8, True), (15, True), (16, False)])
def test_as_many_tags_are_pushed_as_there_is_room_for(
    switch: Switch, tags: int, fits: bool
) -> None:
    """Sixteen; what lies behind the eighth is not looked at."""
    switch.add_flow("actions=output:3," + "push_vlan:0x8100," * (tags + 1) + "output:2")
    out = switch.send(1, bytes(PLAIN / PACKET))
    assert sorted(out) == ([2, 3] if fits else [3])
    assert switch.drops(1) == ({} if fits else {"too-deep": 1})


def test_a_third_tag_comes_into_sight_when_the_first_is_popped(switch: Switch) -> None:
    switch.add_flows("""
        table=0,actions=pop_vlan,goto_table:1
        table=1,dl_vlan=2,actions=pop_vlan,goto_table:2
        table=2,dl_vlan=3,actions=output:2
    """)
    tagged = PLAIN / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / PACKET
    for _ in range(3):
        assert switch.send(1, bytes(tagged)) == {2: [bytes(PLAIN / Dot1Q(vlan=3) / PACKET)]}


@pytest.mark.parametrize("network", ["ip", "ipv6"])
def test_the_ttl_is_decremented(switch: Switch, network: str) -> None:
    switch.add_flow(f"{network},actions=dec_ttl,output:2")
    frame = Ether(switch.send(1, f"{network},nw_ttl=2")[2][0])
    assert (frame[IP].ttl if network == "ip" else frame[IPv6].hlim) == 1
    rebuilt = bytes(frame)
    if network == "ip":
        del frame[IP].chksum
    assert bytes(frame) == rebuilt


@pytest.mark.parametrize("ttl", [0, 1])
@pytest.mark.parametrize("network", ["ip", "ipv6"])
def test_a_packet_whose_ttl_ends_is_dropped_and_told(
    switch: Switch, network: str, ttl: int
) -> None:
    switch.add_flow(f"table=0,{network},actions=goto_table:3")
    switch.add_flow(f"table=3,cookie=0x77,{network},actions=dec_ttl,output:2,goto_table:4")
    switch.add_flow("table=4,actions=output:3")
    frame = f"{network},nw_ttl={ttl}"
    for times in (1, 2):
        assert switch.send(1, frame) == {}
        (told,) = switch.packet_ins()
        assert (told.in_port, told.reason, told.table, told.cookie) == (1, INVALID_TTL, 3, 0x77)
        assert switch.drops(1) == {"ttl": times}
    assert [flow.packets for flow in switch.dump_flows()] == [2, 2, 0]


def test_other_packets_have_no_ttl(switch: Switch) -> None:
    switch.add_flow("actions=dec_ttl,mod_nw_ttl:3,output:2")
    assert list(switch.send(1, "arp")) == [2]


def test_the_ttl_is_set(switch: Switch) -> None:
    switch.add_flow("ip,actions=mod_nw_ttl:3,output:2")
    want = PLAIN / IP(src="10.0.0.1", dst="10.0.0.2", ttl=3) / UDP() / b"payload"
    assert switch.send(1, bytes(PLAIN / PACKET)) == {2: [bytes(want)]}
