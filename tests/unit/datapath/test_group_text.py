"""Groups in ovs-ofctl's words, and as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.action import Group, Output, PopMpls, PushVlan, SetField
from datapath.fields import BY_NAME
from datapath.group import (
    ALL_GROUPS,
    ANY_GROUP,
    GROUP_MAX,
    Bucket,
    BucketStats,
    GroupCommand,
    GroupDesc,
    GroupStats,
    GroupType,
)
from datapath.group_text import format_group, format_group_stats, parse_group
from datapath.of13.group import GROUP_DESC, group_mod
from datapath.ports import Reserved
from datapath.problems import Error, ProtocolProblem, SyntaxProblem
from datapath.wire import Reader
from tests.kit.ovs import needs_ovs_ofctl, read_groups
from tests.kit.rules import any_actions, common_actions, small_ports, u16
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.group import GroupMod

PRINTED = {
    "group_id=1,type=select,bucket=weight:4,actions=output:1": (
        "group_id=1,type=select,bucket=weight:4,actions=output:1"
    ),
    "group_id=2,type=all,bucket=output:1,output:2,bucket=actions=group:3": (
        "group_id=2,type=all,bucket=actions=output:1,output:2,bucket=actions=group:3"
    ),
    "group_id=2 type=ff bucket=watch_port:1,actions=dec_ttl,output:1 bucket=watch_group:4,3": (
        "group_id=2,type=ff,bucket=watch_port:1,actions=dec_ttl,output:1,"
        "bucket=watch_group:4,actions=output:3"
    ),
    "group_id=2,type=fast_failover,bucket=watch_port:1,watch_group:4,1": (
        "group_id=2,type=ff,bucket=watch_port:1,watch_group:4,actions=output:1"
    ),
    "group_id=3,type=indirect,bucket=actions=": "group_id=3,type=indirect,bucket=actions=drop",
    "group_id=3,type=indirect,bucket=drop": "group_id=3,type=indirect,bucket=actions=drop",
    "group_id=0x10,type=all": "group_id=16,type=all",
    "group_id=4,type=select,bucket=weight=3,1,bucket=weight:1,2,bucket=weight:0,3": (
        "group_id=4,type=select,bucket=weight:3,actions=output:1,bucket=actions=output:2,"
        "bucket=weight:0,actions=output:3"
    ),
    "group_id=4,type=all,bucket=bucket_id:7,actions=output:1": (
        "group_id=4,type=all,bucket=actions=output:1"
    ),
    "group_id=4,type=all,bucket=mod_nw_dst:10.0.0.1,2": (
        "group_id=4,type=all,bucket=actions=set_field:10.0.0.1->ip_dst,output:2"
    ),
    "group_id=4,type=all,bucket=set_field:10.0.0.1->ip_dst,mod_vlan_vid:3,2": (
        "group_id=4,type=all,bucket=actions=set_field:10.0.0.1->ip_dst,push_vlan:0x8100,"
        "set_field:4099->vlan_vid,output:2"
    ),
    "group_id=4,type=all,bucket=push_mpls:0x8847,set_field:5->mpls_label,1": (
        "group_id=4,type=all,bucket=actions=push_mpls:0x8847,set_field:5->mpls_label,output:1"
    ),
}
"""What people write -> what is printed, as ovs-ofctl does."""

REFUSED = {
    "type=all": "write group_id=1",
    "group_id=1": "write type=all",
    "group_id=1,type=some": "no group has this type",
    "group_id=x,type=all": "is no number",
    "group_id=0xffffff01,type=all": "no group can have this number",
    "group_id=all,type=all": "one group is made at a time",
    "group_id=1,group_id=2,type=all": "said twice",
    "group_id=1,type=all,selection_method=hash": "no group has this in OpenFlow 1.3",
    "group_id=1,type=select,bucket=weight:65536,1": "out of range",
    "group_id=1,type=ff,bucket=watch_port:eth0,1": "no port has this name",
    "group_id=1,type=ff,bucket=watch_group:x,1": "is no number",
    "group_id=1,type=all,bucket=goto_table:1": "no action has this name",
    "group_id=1,type=all,bucket=mod_tp_dst:80": "no field of these packets",
    "group_id=1,type=all,bucket=set_field:1->in_port": "can't be written",
}


@pytest.mark.parametrize(("text", "printed"), PRINTED.items())
def test_groups_are_printed_as_ovs_ofctl_prints_them(text: str, printed: str) -> None:
    assert format_group(parse_group(text)) == printed
    assert parse_group(printed) == parse_group(text)


@needs_ovs_ofctl
def test_ovs_ofctl_prints_the_same() -> None:
    assert read_groups(list(PRINTED)) == list(PRINTED.values())


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_nonsense_is_refused_with_a_way_out(text: str, reason: str) -> None:
    with pytest.raises(SyntaxProblem, match=r".+: .+; .+") as caught:
        parse_group(text)
    assert reason in str(caught.value)


def test_a_bucket_is_what_it_watches_and_its_actions() -> None:
    text = "group_id=9,type=ff,bucket=watch_port:LOCAL,watch_group:2,pop_mpls:0x800,group:3"
    assert parse_group(text) == GroupDesc(
        GroupType.FAST_FAILOVER,
        9,
        (Bucket((PopMpls(0x800), Group(3)), 0, Reserved.LOCAL, 2),),
    )


def test_any_packet_may_come_to_a_bucket() -> None:
    """Whether a packet has the field is seen when it comes; a rule would have been refused."""
    (bucket,) = parse_group("group_id=1,type=all,bucket=set_field:7->tcp_dst").buckets
    assert bucket.actions == (SetField(BY_NAME["tcp_dst"], 7),)


def test_a_deletion_names_one_group_or_all() -> None:
    def which(text: str) -> int:
        return parse_group(text, GroupCommand.DELETE).group

    assert which("group_id=7") == 7
    assert which("group_id=all") == which("") == ALL_GROUPS
    with pytest.raises(SyntaxProblem, match="deleted by its number"):
        which("group_id=7,type=all")
    with pytest.raises(SyntaxProblem, match="deleted by its number"):
        which("group_id=7,bucket=output:1")


GROUP_IDS = st.one_of(st.integers(0, GROUP_MAX), st.just(1))


def groups(actions: st.SearchStrategy[object]) -> st.SearchStrategy[GroupDesc]:
    bucket = st.builds(
        Bucket,
        st.lists(actions, max_size=4).map(tuple),
        u16,
        st.one_of(small_ports, st.sampled_from([Reserved.LOCAL, Reserved.ANY])),
        st.one_of(GROUP_IDS, st.just(ANY_GROUP)),
    )
    buckets = st.lists(bucket, max_size=4).map(tuple)
    return st.builds(GroupDesc, st.sampled_from(list(GroupType)), GROUP_IDS, buckets)


@given(groups(common_actions))
def test_text_is_read_back(group: GroupDesc) -> None:
    assert parse_group(format_group(group)) == group


@given(groups(any_actions))
def test_bytes_are_read_back(group: GroupDesc) -> None:
    assert GROUP_DESC.unpack(Reader(GROUP_DESC.pack(group))) == group


@given(groups(any_actions), st.sampled_from(list(GroupCommand)))
def test_a_group_mod_is_the_message_of_the_codec(group: GroupDesc, command: GroupCommand) -> None:
    message = GroupMod(command, group.type, group.group, group.buckets, xid=7)
    assert group_mod(group, command, xid=7) == encode(message)
    assert decode(group_mod(group, command, xid=7)) == message


def test_a_group_mod_has_the_layout_of_the_standard() -> None:
    group = parse_group("group_id=5,type=select,bucket=weight:3,watch_port:2,push_vlan:0x8100")
    assert group_mod(group, GroupCommand.MODIFY, xid=9) == bytes.fromhex(
        "040f0028 00000009 0001 01 00 000000050018 0003 00000002 ffffffff 00000000 0011000881000000"
    )
    assert group.buckets[0].actions == (PushVlan(0x8100),)


BROKEN = {
    "0010 00 00 00000001 0000 0000 00000000": Error.GROUP_MOD_FAILED_BAD_BUCKET,
    "0018 00 00 00000001 000f 0000 ffffffff ffffffff 00000000": Error.GROUP_MOD_FAILED_BAD_BUCKET,
    "0018 00 00 00000001 0018 0000 ffffffff ffffffff 00000000": Error.GROUP_MOD_FAILED_BAD_BUCKET,
    "0008 04 00 00000001": Error.GROUP_MOD_FAILED_BAD_TYPE,
    "0020 00 00 00000001 0018 0000 ffffffff ffffffff 00000000 0000001000000001": (
        Error.BAD_ACTION_BAD_LEN
    ),
}


@pytest.mark.parametrize(("data", "error"), BROKEN.items())
def test_bytes_that_are_no_group_are_answered(data: str, error: Error) -> None:
    with pytest.raises(ProtocolProblem) as caught:
        GROUP_DESC.unpack(Reader(bytes.fromhex(data)))
    assert caught.value.error is error


def test_how_a_group_fared_is_one_line() -> None:
    stats = GroupStats(1, 2, 3, 4, 5, 250_000_000, (BucketStats(6, 7), BucketStats(8, 9)))
    assert format_group_stats(stats) == (
        "group_id=1,duration=5.250s,ref_count=2,packet_count=3,byte_count=4,"
        "bucket0:packet_count=6,byte_count=7,bucket1:packet_count=8,byte_count=9"
    )


def test_output_stays_output() -> None:
    (bucket,) = parse_group("group_id=1,type=indirect,bucket=3").buckets
    assert bucket.actions == (Output(3),)
