"""Provider backbone bridging: I-TAGs pushed, popped, matched and written (1.3.5, 5.12, 7.2.5)."""

from __future__ import annotations

import pytest

from datapath.action import Output, PushPbb, SetField
from datapath.fields import BY_NAME
from datapath.instruction import ApplyActions
from datapath.rule import Rule
from datapath.switch import OpenFlowRefusal, Switch
from tests.packet.headers import entry, frame, in_backbone, labelled

ADDRESSES = "dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02"
TCP = frame(f"{ADDRESSES},tcp,nw_dst=10.0.0.2,tp_dst=80,nw_ttl=9")
TAGGED = frame(f"{ADDRESSES},dl_vlan=5,dl_vlan_pcp=6,tcp,nw_dst=10.0.0.2,tp_dst=80")


# ---- push ----


def test_a_push_wraps_the_whole_frame(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,output:2")
    assert switch.send(1, TCP) == {2: [in_backbone(TCP, 0, addresses=TCP[:12])]}


def test_the_customers_tag_stays_with_the_customer_and_lends_its_priority(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,output:2")
    want = in_backbone(TAGGED, 0, pcp=6, addresses=TAGGED[:12])
    assert switch.send(1, TAGGED) == {2: [want]}


def test_a_second_push_copies_the_service(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,output:2")
    once = in_backbone(TCP, 0xABCDEF, pcp=3)
    assert switch.send(1, once) == {2: [in_backbone(once, 0xABCDEF)]}


def test_a_second_push_takes_its_priority_from_the_backbone_tag(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,output:2")
    once = in_backbone(TCP, 9, b_tag=0xA007)
    assert switch.send(1, once) == {2: [in_backbone(once, 9, pcp=5)]}


def test_labels_are_wrapped_too(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,output:2")
    packet = labelled(TCP, entry(5))
    assert switch.send(1, packet) == {2: [in_backbone(packet, 0, addresses=TCP[:12])]}


def test_a_pushed_service_is_written_and_matched(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,set_field:0x123456->pbb_isid,goto_table:1")
    switch.add_flow("table=1,dl_type=0x88e7,pbb_isid=0x123456,actions=output:2")
    assert switch.send(1, TCP) == {2: [in_backbone(TCP, 0x123456, addresses=TCP[:12])]}


def test_a_pushed_header_has_addresses_of_its_own(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,mod_dl_dst:0a:00:00:00:00:0b,output:2")
    addresses = bytes.fromhex("0a000000000b") + TCP[6:12]
    assert switch.send(1, TCP) == {2: [in_backbone(TCP, 0, addresses=addresses)]}


def test_a_backbone_tag_goes_before_the_service(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,push_vlan:0x88a8,set_field:4103->vlan_vid,output:2")
    want = in_backbone(TAGGED, 0, pcp=6, addresses=TAGGED[:12], b_tag=7)
    assert switch.send(1, TAGGED) == {2: [want]}


def test_an_action_set_pushes_labels_then_service_then_tag(switch: Switch) -> None:
    """Whatever the order in which they were written (5.10)."""
    switch.add_flow(
        "actions=write_actions(output:2,push_vlan:0x88a8,push_pbb:0x88e7,push_mpls:0x8847)"
    )
    inner = labelled(TCP, entry(0, 9))
    assert switch.send(1, TCP) == {2: [in_backbone(inner, 0, addresses=TCP[:12], b_tag=0)]}


def test_what_is_behind_a_service_is_out_of_sight(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,goto_table:1")
    switch.add_flow("table=1,priority=9,dl_vlan=5,actions=output:3")
    switch.add_flow("table=1,priority=8,tcp,actions=output:3")
    switch.add_flow("table=1,priority=7,dl_type=0x88e7,vlan_tci=0/0x1000,actions=output:2")
    assert list(switch.send(1, TAGGED)) == [2]


def test_a_service_is_pushed_with_its_own_type_only(switch: Switch) -> None:
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(Rule(instructions=(ApplyActions((PushPbb(0x8100), Output(2))),)))
    assert (refused.value.type, refused.value.code) == (2, 5)


def test_a_service_is_written_only_where_there_is_one(switch: Switch) -> None:
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(Rule(instructions=(ApplyActions((SetField(BY_NAME["pbb_isid"], 1),)),)))
    assert (refused.value.type, refused.value.code) == (2, 10)


# ---- pop ----


@pytest.mark.parametrize("customer", [TCP, TAGGED])
@pytest.mark.parametrize("b_tag", [None, 7])
def test_a_pop_leaves_the_customers_frame(
    switch: Switch, customer: bytes, b_tag: int | None
) -> None:
    """And backbone tags, which go by a pop of their own (7.2.5)."""
    pops = "pop_pbb" if b_tag is None else "pop_pbb,output:3,pop_vlan"
    switch.add_flow(f"actions={pops},output:2")
    out = switch.send(1, in_backbone(customer, 7, b_tag=b_tag))
    assert out.pop(2) == [customer]
    if b_tag is not None:
        assert out == {3: [customer[:12] + b"\x88\xa8" + b_tag.to_bytes(2) + customer[12:]]}


def test_services_come_off_from_the_outside(switch: Switch) -> None:
    switch.add_flow("actions=pop_pbb,output:2,pop_pbb,output:3")
    inner = in_backbone(TCP, 1)
    assert switch.send(1, in_backbone(inner, 2)) == {2: [inner], 3: [TCP]}


@pytest.mark.parametrize("plain", [TCP, TAGGED, labelled(TCP, entry(5))])
def test_popping_where_there_is_no_service_does_nothing(switch: Switch, plain: bytes) -> None:
    switch.add_flow("actions=pop_pbb,output:2")
    assert switch.send(1, plain) == {2: [plain]}


def test_later_tables_see_the_customers_frame(switch: Switch) -> None:
    switch.add_flow("dl_type=0x88e7,actions=pop_pbb,goto_table:1")
    switch.add_flow("table=1,dl_vlan=5,tcp,tp_dst=80,dl_src=02:00:00:00:00:01,actions=output:2")
    assert switch.send(1, in_backbone(TAGGED, 7)) == {2: [TAGGED]}
    assert switch.send(1, in_backbone(TCP, 7)) == {}


def test_an_action_set_writes_to_the_customers_frame(switch: Switch) -> None:
    switch.add_flow("actions=write_actions(output:2,mod_dl_dst:0a:00:00:00:00:0b,pop_pbb)")
    want = bytes.fromhex("0a000000000b") + TCP[6:]
    assert switch.send(1, in_backbone(TCP, 7)) == {2: [want]}


def test_what_was_pushed_comes_off_again(switch: Switch) -> None:
    switch.add_flow("actions=push_pbb:0x88e7,output:2,pop_pbb,output:3")
    assert switch.send(1, TAGGED)[3] == [TAGGED]


# ---- match and set-field ----


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        ("dl_type=0x88e7", True),
        ("dl_type=0x88e7,pbb_isid=0xabcdef", True),
        ("dl_type=0x88e7,pbb_isid=0xabcdee", False),
        ("dl_type=0x88e7,pbb_isid=0xab0000/0xff0000", True),
        ("dl_type=0x88e7,pbb_isid=0xac0000/0xff0000", False),
        ("dl_type=0x88e7,dl_vlan=7,dl_vlan_pcp=5", True),
        ("dl_dst=0a:00:00:00:00:0b", True),
        ("dl_dst=02:00:00:00:00:02", False),
        ("dl_vlan=5", False),
        ("tcp", False),
    ],
)
def test_a_service_is_matched_behind_the_backbone_tag(
    switch: Switch, match: str, hits: bool
) -> None:
    switch.add_flow(f"{match},actions=output:2")
    packet = in_backbone(TAGGED, 0xABCDEF, pcp=1, b_tag=0xA007)
    for _ in range(2):
        assert switch.send(1, packet) == ({2: [packet]} if hits else {})


def test_a_service_is_written_and_its_priority_stays(switch: Switch) -> None:
    switch.add_flow("dl_type=0x88e7,actions=set_field:0x10->pbb_isid,output:2")
    assert switch.send(1, in_backbone(TCP, 9, pcp=5)) == {2: [in_backbone(TCP, 0x10, pcp=5)]}


# ---- odd frames (HARDENING S10) ----


@pytest.mark.parametrize("left", [0, 3, 4, 17])
def test_s10_a_service_without_a_customers_header_is_none(switch: Switch, left: int) -> None:
    switch.add_flow("dl_type=0x88e7,actions=set_field:1->pbb_isid,pop_pbb,output:2")
    cut = in_backbone(TCP, 9)[: 14 + left]
    assert switch.send(1, cut) == {2: [cut]}


def test_the_smallest_customers_frame_comes_off(switch: Switch) -> None:
    switch.add_flow("dl_type=0x88e7,actions=pop_pbb,output:2")
    assert switch.send(1, in_backbone(TCP[:14], 9)) == {2: [TCP[:14]]}
