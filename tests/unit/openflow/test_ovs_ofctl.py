"""ovs-ofctl reads what we write, and says the same about it."""

import pytest

from datapath.action import Group, Output, SetField
from datapath.action_text import parse_action_list
from datapath.fields import BY_NAME
from datapath.match_text import parse_match
from datapath.problems import Error
from datapath.rule import FlowCommand, parse_rule
from tests.kit.ovs import needs_ovs_ofctl, print_messages
from vswitch.openflow import Message, encode
from vswitch.openflow.messages import (
    flow,
    group,
    meter,
    packet,
    port,
    queue,
    session,
    switch,
    table,
)

pytestmark = needs_ovs_ofctl

RULE = parse_rule("table=3,cookie=0x7,idle_timeout=9,priority=5,tcp,in_port=1,actions=output:2")

PRINTED: tuple[tuple[Message, tuple[str, ...]], ...] = (
    (session.Hello(4, frozenset({1, 4})), ("OFPT_HELLO (OF1.3)", "bitmap: 0x01, 0x04")),
    (session.ErrorMessage(Error.BAD_MATCH_BAD_FIELD, bytes(8)), ("OFPBMC_BAD_FIELD",)),
    (session.ErrorMessage(Error.METER_MOD_FAILED_OUT_OF_BANDS), ("OFPMMFC_OUT_OF_BANDS",)),
    (session.EchoRequest(b"abc"), ("OFPT_ECHO_REQUEST", "3 bytes of payload")),
    (session.EchoReply(b"abc"), ("OFPT_ECHO_REPLY", "3 bytes of payload")),
    (session.BarrierRequest(xid=9), ("OFPT_BARRIER_REQUEST (OF1.3) (xid=0x9)",)),
    (session.BarrierReply(xid=9), ("OFPT_BARRIER_REPLY (OF1.3) (xid=0x9)",)),
    (session.RoleReply(session.Role.MASTER, 5), ("role=primary generation_id=5",)),
    (session.RoleRequest(session.Role.SLAVE, 5), ("role=secondary generation_id=5",)),
    (session.GetAsyncRequest(xid=9), ("OFPT_GET_ASYNC_REQUEST (OF1.3) (xid=0x9)",)),
    (
        session.GetAsyncReply(4, 1, 2, 4, 8, 0),
        (
            "PACKET_IN: invalid_ttl",
            "PORT_STATUS: delete",
            "FLOW_REMOVED: group_delete",
            "PACKET_IN: no_match",
            "PORT_STATUS: modify",
            "FLOW_REMOVED: (off)",
        ),
    ),
    (session.SetAsync(7, 7, 7, 7, 15, 0), ("OFPT_SET_ASYNC", "invalid_ttl")),
    (
        switch.FeaturesReply(0x1234, n_tables=9, capabilities=switch.Capabilities(7)),
        ("dpid:0000000000001234", "n_tables:9", "FLOW_STATS TABLE_STATS PORT_STATS"),
    ),
    (switch.FeaturesRequest(xid=9), ("OFPT_FEATURES_REQUEST (OF1.3) (xid=0x9)",)),
    (switch.GetConfigRequest(xid=9), ("OFPT_GET_CONFIG_REQUEST (OF1.3) (xid=0x9)",)),
    (
        switch.SetConfig(switch.Fragments.DROP, 99),
        ("OFPT_SET_CONFIG", "frags=drop miss_send_len=99"),
    ),
    (switch.DescRequest(xid=9), ("OFPST_DESC request (OF1.3) (xid=0x9)",)),
    (switch.GetConfigReply(miss_send_len=77), ("OFPT_GET_CONFIG_REPLY", "miss_send_len=77")),
    (switch.DescReply("a", "b", "c", "d", "e"), ("Manufacturer: a", "DP Description: e")),
    (
        packet.PacketIn(
            bytes(60), parse_match("in_port=3"), packet.PacketInReason.ACTION, 60, 2, 0x9
        ),
        ("OFPT_PACKET_IN", "table_id=2 cookie=0x9 total_len=60 in_port=3 (via action)"),
    ),
    (
        packet.PacketOut(bytes(14), parse_action_list("set_queue:1,output:2"), 4),
        ("OFPT_PACKET_OUT", "in_port=4 actions=set_queue:1,output:2"),
    ),
    (
        flow.FlowMod(FlowCommand.DELETE_STRICT, RULE),
        ("DEL_STRICT table:3 priority=5,tcp,in_port=1",),
    ),
    (
        flow.FlowRemoved(RULE, flow.FlowRemovedReason.HARD_TIMEOUT, 4, 0, 8, 9),
        ("reason=hard table_id=3 cookie:0x7 duration4s idle9", "pkts8 bytes9"),
    ),
    (flow.FlowStatsRequest(parse_rule("udp,out_port=3", FlowCommand.DELETE)), ("out_port=3 udp",)),
    (
        flow.FlowStatsReply((flow.FlowStats(RULE, 3, 0, 4, 5),)),
        (
            "cookie=0x7, duration=3s, table=3, n_packets=4, n_bytes=5, idle_timeout=9, "
            "priority=5,tcp,in_port=1 actions=output:2",
        ),
    ),
    (
        flow.AggregateRequest(parse_rule("udp,out_port=3", FlowCommand.DELETE)),
        ("OFPST_AGGREGATE request", "out_port=3 udp"),
    ),
    (flow.AggregateReply(1, 2, 3), ("packet_count=1 byte_count=2 flow_count=3",)),
    (
        port.PortStatus(
            port.PortReason.DELETE, port.PortDesc(3, b"\2\0\0\0\0\1", "veth0", current_speed=1000)
        ),
        ("DEL: 3(veth0): addr:02:00:00:00:00:01", "1 Mbps now"),
    ),
    (
        port.PortMod(3, bytes(6), port.PortConfig.PORT_DOWN, port.PortConfig.PORT_DOWN),
        ("port: 3", "config: PORT_DOWN"),
    ),
    (port.PortDescRequest(xid=9), ("OFPST_PORT_DESC request (OF1.3) (xid=0x9)",)),
    (
        port.PortDescReply(
            (port.PortDesc(3, b"\2\0\0\0\0\1", "veth0", state=port.PortState.LIVE),)
        ),
        ("3(veth0): addr:02:00:00:00:00:01", "state:      LIVE"),
    ),
    (port.PortStatsRequest(3), ("OFPST_PORT request", "port_no=3")),
    (
        port.PortStatsReply((port.PortStats(3, 1, 2, 4, 5, duration_sec=6),)),
        ("port  3: rx pkts=1, bytes=4", "tx pkts=2, bytes=5", "duration=6s"),
    ),
    (table.TableMod(3), ("table_id=3",)),
    (table.TableStatsRequest(xid=9), ("OFPST_TABLE request (OF1.3) (xid=0x9)",)),
    (table.TableFeaturesRequest(xid=9), ("OFPST_TABLE_FEATURES request (OF1.3) (xid=0x9)",)),
    (table.TableStatsReply((table.TableStats(0, 5, 6, 7),)), ("active=5, lookup=6, matched=7",)),
    (
        table.TableFeaturesReply(
            (
                table.TableFeatures(
                    0,
                    "first",
                    max_entries=99,
                    properties=(
                        table.Instructions(table.Ability.INSTRUCTIONS, (table.TypeId(1),)),
                        table.NextTables(table.Ability.NEXT_TABLES, (1, 2)),
                        table.Instructions(table.Ability.WRITE_ACTIONS, (table.TypeId(0),)),
                        table.Instructions(table.Ability.APPLY_ACTIONS, (table.TypeId(0),)),
                        table.Fields(table.Ability.MATCH, (table.FieldId(0x80000004),)),
                        table.Fields(table.Ability.WILDCARDS, (table.FieldId(0x80000004),)),
                        table.Fields(table.Ability.WRITE_SETFIELD, ()),
                        table.Fields(table.Ability.APPLY_SETFIELD, ()),
                    ),
                ),
            )
        ),
        ('table 0 ("first")', "max_entries=99", "in_port"),
    ),
    (
        group.GroupMod(
            group.GroupCommand.ADD,
            group.GroupType.SELECT,
            8,
            (group.Bucket((Output(1),), weight=4),),
        ),
        ("ADD group_id=8,type=select,bucket=", "weight:4,actions=output:1"),
    ),
    (group.GroupDescRequest(xid=9), ("OFPST_GROUP_DESC request (OF1.3) (xid=0x9)",)),
    (group.GroupStatsRequest(4), ("OFPST_GROUP request", "group_id=4")),
    (group.GroupFeaturesRequest(xid=9), ("OFPST_GROUP_FEATURES request (OF1.3) (xid=0x9)",)),
    (
        group.GroupDescReply(
            (
                group.GroupDesc(
                    group.GroupType.ALL,
                    1,
                    (group.Bucket((SetField(BY_NAME["eth_dst"], 1), Group(2))),),
                ),
            )
        ),
        ("group_id=1,type=all,bucket=", "set_field:00:00:00:00:00:01->eth_dst,group:2"),
    ),
    (
        group.GroupStatsReply((group.GroupStats(1, 2, 3, 4, 5, 0, (group.BucketStats(6, 7),)),)),
        (
            "group_id=1,duration=5s,ref_count=2,packet_count=3,byte_count=4",
            "bucket0:packet_count=6,byte_count=7",
        ),
    ),
    (
        group.GroupFeaturesReply(15, group.GroupCapabilities.CHAINING, (9, 8, 7, 6), (1, 1, 1, 1)),
        ("Types:  0xf", "Capabilities:  0x4", "max_groups=0x9", "max_groups=0x6"),
    ),
    (
        meter.MeterMod(meter.MeterCommand.ADD, meter.MeterFlags.KBPS, 5, (meter.DropBand(100),)),
        ("ADD meter=5 kbps bands=", "type=drop rate=100"),
    ),
    (meter.MeterConfigRequest(4), ("OFPST_METER_CONFIG request", "meter=4")),
    (meter.MeterStatsRequest(4), ("OFPST_METER request", "meter=4")),
    (meter.MeterFeaturesRequest(xid=9), ("OFPST_METER_FEATURES request (OF1.3) (xid=0x9)",)),
    (
        meter.MeterConfigReply(
            (meter.MeterConfig(meter.MeterFlags.PKTPS, 5, (meter.DscpRemarkBand(7, 0, 2),)),)
        ),
        ("meter=5 pktps bands=", "type=dscp_remark rate=7 prec_level=2"),
    ),
    (
        meter.MeterStatsReply((meter.MeterStats(5, 1, 2, 3, 4, 0, (meter.BandStats(6, 7),)),)),
        ("meter:5 flow_count:1 packet_in_count:2 byte_in_count:3", "packet_count:6 byte_count:7"),
    ),
    (
        meter.MeterFeaturesReply(9, 6, meter.MeterFlags(15), 8, 7),
        ("max_meter:9 max_bands:8 max_color:7", "drop dscp_remark"),
    ),
    (queue.QueueGetConfigRequest(3), ("OFPT_QUEUE_GET_CONFIG_REQUEST", "port=3")),
    (queue.QueueStatsRequest(3, 4), ("OFPST_QUEUE request", "port=3 queue=4")),
    (
        queue.QueueGetConfigReply(1, (queue.PacketQueue(4, 1, (queue.MinRate(500),)),)),
        ("port=1", "queue 4:", "min_rate:50.0%"),
    ),
    (
        queue.QueueStatsReply((queue.QueueStats(1, 2, 3, 4, 5, 6, 0),)),
        ("port 1 queue 2: bytes=3, pkts=4, errors=5, duration=6s",),
    ),
)


@pytest.mark.parametrize(("message", "fragments"), PRINTED, ids=lambda x: type(x).__name__)
def test_ovs_ofctl_says_what_we_meant(message: Message, fragments: tuple[str, ...]) -> None:
    printed = print_messages([encode(message)])
    assert "decode error" not in printed
    for fragment in fragments:
        assert fragment in printed


def test_a_flow_is_told_as_ovs_ofctl_prints_it() -> None:
    told = flow.FlowStats(RULE, 3, 250_000_000, packets=4, bytes=392)
    assert str(told) in print_messages([encode(flow.FlowStatsReply((told,)))])
