"""Packet-outs: what their own actions do, each for itself, whatever another one did before.

Most come to a stage, where headers are read again; no rule looks at what their actions look at.
"""

from __future__ import annotations

import pytest

from datapath.action import Action, Group, Output, PopMpls, PopVlan, SetField, SetQueue
from datapath.fields import BY_NAME
from datapath.frames import VlanMode
from datapath.ports import Reserved
from datapath.switch import Switch
from datapath.testing import MakeSwitch
from tests.packet.headers import entry, frame, labelled
from tests.packet.messages import BARRIER, message, packet_out

IP = frame("dl_src=02:00:00:00:00:01,udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1,tp_dst=2")
ARP = frame("arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.2")
NINE = 0x09090909


@pytest.fixture(params=[True, False], ids=["cached", "uncached"])
def plain(request: pytest.FixtureRequest, make_switch: MakeSwitch) -> Switch:
    """Without a rule: its key has the input port and nothing else."""
    return make_switch(ports=4, cache=request.param)


def sent(switch: Switch, actions: tuple[Action, ...], data: bytes) -> dict[int, list[bytes]]:
    switch.openflow(packet_out(actions, data) + message(BARRIER))
    return switch.received()


def test_a_field_is_set_where_it_is_though_the_last_packet_had_none(plain: Switch) -> None:
    to_nine = SetField(BY_NAME["ipv4_dst"], NINE)
    actions = (PopMpls(0x0800), to_nine, Output(2))
    not_ip = labelled(ARP, entry(16))
    assert len(sent(plain, actions, not_ip)[2]) == 1
    found = sent(plain, actions, labelled(IP, entry(16)))[2][0]
    assert found[30:34] == NINE.to_bytes(4)


def test_normal_goes_by_the_tag_of_the_packet_at_hand(plain: Switch) -> None:
    def stacked(vlan: int) -> bytes:
        tags = b"".join(b"\x81\0" + tci.to_bytes(2) for tci in (5, vlan, 7))
        return bytes.fromhex("020000000002020000000001") + tags + b"\x88\xb5" + bytes(46)

    plain.set_vlans(2, mode=VlanMode.ACCESS, tag=10)
    plain.set_vlans(3, mode=VlanMode.ACCESS, tag=20)
    actions = (PopVlan(), Output(Reserved.NORMAL))
    assert sorted(sent(plain, actions, stacked(10))) == [1, 2, 4]
    assert sorted(sent(plain, actions, stacked(20))) == [1, 3, 4]


def test_a_stage_behind_a_group_belongs_to_its_packet_too(plain: Switch) -> None:
    plain.add_group("group_id=1,type=all,bucket=pop_mpls:0x0800,dec_ttl,output:2")
    actions = (Group(1), SetField(BY_NAME["eth_type"], 0x88B5), SetQueue(1), Output(3))
    for inner in (ARP, IP):
        left = sent(plain, actions, labelled(inner, entry(16)))
        assert left[3] == [labelled(inner, entry(16), kind=0x88B5)]
        assert len(left[2]) == 1


def test_the_tables_look_at_what_the_packet_out_made_of_it(plain: Switch) -> None:
    plain.add_flow("table=0,ip,nw_dst=9.9.9.9,actions=output:3")
    plain.add_flow("table=0,priority=0,actions=output:4")
    actions = (PopMpls(0x0800), SetField(BY_NAME["ipv4_dst"], NINE), Output(Reserved.TABLE))
    assert sorted(sent(plain, actions, labelled(ARP, entry(16)))) == [4]
    assert sorted(sent(plain, actions, labelled(IP, entry(16)))) == [3]


def test_it_teaches_normal_nothing_in_a_stage_either(plain: Switch) -> None:
    plain.add_flow("actions=NORMAL")
    actions = (SetField(BY_NAME["eth_type"], 0x88B5), Output(Reserved.NORMAL))
    plain.openflow(packet_out(actions, IP, in_port=1) + message(BARRIER))
    assert sorted(plain.received()) == [2, 3, 4]
    assert plain.macs() == []
    plain.send(1, IP)
    assert [station.port for station in plain.macs()] == [1]


def test_a_copy_that_is_sent_nowhere_is_dropped_for_a_reason(switch: Switch) -> None:
    """The bucket's copy is read again behind its label: only then does it show what is left."""
    switch.add_group("group_id=1,type=all,bucket=pop_mpls:0x0800,dec_ttl")
    switch.add_group("group_id=2,type=all,bucket=pop_mpls:0x0800,dec_ttl,output:2")
    switch.add_flow("mpls,mpls_label=1,actions=group:1")
    switch.add_flow("mpls,mpls_label=2,actions=group:2")
    for label, dropped in ((1, 1), (2, 1), (1, 2), (2, 2)):
        switch.send(1, labelled(IP, entry(label)))
        assert switch.drops(1) == {"rule": dropped}
