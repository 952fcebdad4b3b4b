"""Group-mods: made, told, changed, deleted, with the rules that lead there (1.3.5, 6.5)."""

from __future__ import annotations

import pytest

from datapath.action import Group, Output
from datapath.group import (
    ALL_GROUPS,
    ANY_GROUP,
    GROUP_MAX,
    Bucket,
    GroupCommand,
    GroupDesc,
    GroupType,
)
from datapath.group_text import parse_group
from datapath.instruction import ApplyActions
from datapath.of13.group import group_mod
from datapath.problems import Error
from datapath.rule import FlowCommand, Rule, parse_rule
from datapath.switch import OpenFlowRefusal, Switch
from tests.packet.grouped import TCP, counted, refused
from tests.packet.messages import read_flow_removed

DELETED, GROUP_DELETED = 2, 3


# ---- what is made, told, changed, deleted ----


def test_groups_are_told_as_they_were_made(switch: Switch) -> None:
    texts = (
        "group_id=1,type=all,bucket=mod_dl_dst:02:00:00:00:00:01,output:2,bucket=drop",
        "group_id=2,type=select,bucket=weight:7,watch_port:3,output:3,bucket=group:1",
        f"group_id={GROUP_MAX},type=ff,bucket=watch_group:2,watch_port:1,output:3",
        "group_id=0,type=indirect,bucket=push_mpls:0x8847,set_field:5->mpls_label,output:2",
    )
    for text in texts:
        switch.add_group(text)
    made = sorted((parse_group(text) for text in texts), key=lambda group: group.group)
    assert switch.dump_groups() == made


def test_a_long_list_of_groups_is_told_whole(switch: Switch) -> None:
    """More than one message holds (65,535 bytes)."""
    bucket = Bucket(tuple(Output(port) for port in (2, 3, 4)))
    made = [GroupDesc(GroupType.ALL, number, (bucket,) * 4) for number in range(500)]
    for group in made:
        switch.add_group(group)
    assert switch.dump_groups() == made
    assert sorted(switch.group_stats()) == list(range(500))


def test_groups_count_packets_bytes_references_and_time(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=push_vlan:0x8100,output:2,bucket=output:3")
    switch.add_flow("tcp,actions=group:1")
    switch.add_flow("udp,actions=write_actions(group:1)")
    switch.advance(2)
    for _ in range(3):
        switch.send(1, TCP)
    stats = switch.group_stats()[1]
    assert (stats.packets, stats.bytes, stats.references) == (3, 3 * len(TCP), 2)
    assert [(b.packets, b.bytes) for b in stats.buckets] == [(3, 3 * len(TCP))] * 2
    assert stats.duration_sec == 2


def test_a_group_that_is_changed_goes_on_counting_and_its_buckets_begin_anew(
    switch: Switch,
) -> None:
    """6.5: the group's own counters continue, those of its buckets are cleared."""
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    switch.send(1, TCP)
    switch.mod_group("group_id=1,type=all,bucket=output:4")
    assert counted(switch, 1) == (1, [0])
    assert switch.send(1, TCP) == {4: [TCP]}
    assert counted(switch, 1) == (2, [1])


def test_a_group_may_get_another_type(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    assert sorted(switch.send(1, TCP)) == [2, 3]
    switch.mod_group("group_id=1,type=ff,bucket=output:2,bucket=output:3")
    assert sorted(switch.send(1, TCP)) == [2]


def test_a_group_is_added_once(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    again = refused(switch, "group_id=1,type=all,bucket=output:3")
    assert again is Error.GROUP_MOD_FAILED_GROUP_EXISTS
    assert switch.dump_groups() == [parse_group("group_id=1,type=all,bucket=output:2")]


def test_only_a_group_that_is_there_is_changed(switch: Switch) -> None:
    error = refused(switch, "group_id=1,type=all,bucket=output:3", command=GroupCommand.MODIFY)
    assert error is Error.GROUP_MOD_FAILED_UNKNOWN_GROUP


@pytest.mark.parametrize("number", [GROUP_MAX + 1, ALL_GROUPS, ANY_GROUP])
def test_a_reserved_number_is_no_group(switch: Switch, number: int) -> None:
    group = GroupDesc(GroupType.ALL, number, (Bucket((Output(2),)),))
    assert refused(switch, group) is Error.GROUP_MOD_FAILED_INVALID_GROUP


def test_a_bucket_can_not_lead_to_a_group_that_is_not_there(switch: Switch) -> None:
    missing = refused(switch, "group_id=1,type=all,bucket=output:2,bucket=group:7")
    assert missing is Error.BAD_ACTION_BAD_OUT_GROUP
    assert switch.dump_groups() == []


def test_a_bucket_can_not_send_to_no_port(switch: Switch) -> None:
    group = GroupDesc(GroupType.ALL, 1, (Bucket((Output(0),)),))
    assert refused(switch, group) is Error.BAD_ACTION_BAD_OUT_PORT


def test_a_bucket_can_not_send_to_the_tables(switch: Switch) -> None:
    """TABLE is for packet-outs only (4.5)."""
    error = refused(switch, "group_id=1,type=all,bucket=output:TABLE")
    assert error is Error.BAD_ACTION_BAD_OUT_PORT


def test_an_unknown_command_and_type_are_refused(switch: Switch) -> None:
    whole = bytearray(group_mod(GroupDesc(GroupType.ALL, 1)))
    whole[9] = 3
    assert refused(switch, bytes(whole)) is Error.GROUP_MOD_FAILED_BAD_COMMAND
    whole[9], whole[10] = 0, 4
    assert refused(switch, bytes(whole)) is Error.GROUP_MOD_FAILED_BAD_TYPE


@pytest.mark.parametrize("size", [0, 8, 15, 17, 0xFFFF])
def test_a_bucket_that_lies_about_its_size_is_refused(switch: Switch, size: int) -> None:
    """S1"""
    whole = bytearray(group_mod(GroupDesc(GroupType.ALL, 1, (Bucket(),))))
    whole[16:18] = size.to_bytes(2)
    assert refused(switch, bytes(whole)) is Error.GROUP_MOD_FAILED_BAD_BUCKET


# ---- rules and groups ----


@pytest.mark.parametrize("actions", ["group:7", "write_actions(group:7)", "output:2,group:7"])
@pytest.mark.parametrize("command", [FlowCommand.ADD, FlowCommand.MODIFY])
def test_a_rule_can_not_lead_to_a_group_that_is_not_there(
    switch: Switch, actions: str, command: FlowCommand
) -> None:
    switch.add_flow("actions=output:2")
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_flow(parse_rule(f"actions={actions}"), command)
    error = Error((caught.value.type, caught.value.code))
    assert error is Error.BAD_ACTION_BAD_OUT_GROUP
    assert switch.send(1, TCP) == {2: [TCP]}


@pytest.mark.parametrize("number", [ALL_GROUPS, ANY_GROUP])
def test_a_rule_leads_to_one_group(switch: Switch, number: int) -> None:
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_flow(Rule(instructions=(ApplyActions((Group(number),)),)))
    assert (caught.value.type, caught.value.code) == Error.BAD_ACTION_BAD_OUT_GROUP.value


def test_with_a_group_go_the_rules_that_lead_to_it(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=output:3")
    switch.add_flow("cookie=0x1,send_flow_rem,tcp,actions=group:1")
    switch.add_flow("table=7,cookie=0x2,send_flow_rem,udp,actions=write_actions(group:1)")
    switch.add_flow("cookie=0x3,send_flow_rem,udp,actions=group:2")
    switch.add_flow("cookie=0x4,icmp,actions=output:2,group:1")
    switch.send(1, TCP)
    switch.del_groups("group_id=1")
    assert [group.group for group in switch.dump_groups()] == [2]
    assert [told.rule.cookie for told in switch.dump_flows()] == [3]
    assert switch.send(1, TCP) == {}
    switch.advance(0.1)
    told = sorted(map(read_flow_removed, switch.flow_removed()))
    assert [(one.cookie, one.reason) for one in told] == [(1, GROUP_DELETED), (2, GROUP_DELETED)]
    assert [one.packets for one in told] == [1, 0]


def test_all_groups_are_deleted_at_once(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1")
    switch.add_flow("tcp,actions=group:2")
    switch.add_flow("udp,actions=output:2")
    switch.del_groups()
    assert switch.dump_groups() == []
    assert [str(told.rule.match.exact("ip_proto")) for told in switch.dump_flows()] == ["17"]


def test_deleting_what_is_not_there_is_no_error(switch: Switch) -> None:
    switch.add_group("group_id=2,type=all,bucket=output:2")
    switch.del_groups("group_id=1")
    assert len(switch.dump_groups()) == 1
    for _ in range(2):
        switch.del_groups()
        assert switch.dump_groups() == []


def test_a_group_that_another_leads_to_stays(switch: Switch) -> None:
    """6.5: OFPGMFC_CHAINED_GROUP; its rules stay with it."""
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=group:1")
    switch.add_flow("actions=group:1")
    error = refused(switch, "group_id=1", command=GroupCommand.DELETE)
    assert error is Error.GROUP_MOD_FAILED_CHAINED_GROUP
    assert switch.send(1, TCP) == {2: [TCP]}
    switch.del_groups("group_id=2")
    switch.del_groups("group_id=1")
    assert switch.dump_groups() == []


def test_rules_are_deleted_by_the_group_they_lead_to(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=output:2")
    switch.add_flow("tcp,actions=group:1")
    switch.add_flow("udp,actions=write_actions(group:1)")
    switch.add_flow("icmp,actions=group:2")
    switch.delete_flows("out_group=1")
    assert [told.rule.match.exact("ip_proto") for told in switch.dump_flows()] == [1]


def test_a_number_may_be_used_again(switch: Switch) -> None:
    for port in (2, 3, 4):
        switch.add_group(f"group_id=1,type=all,bucket=output:{port}")
        switch.add_flow("actions=group:1")
        assert switch.send(1, TCP) == {port: [TCP]}
        assert counted(switch, 1) == (1, [1])
        switch.del_groups("group_id=1")
        assert switch.send(1, TCP) == {}
