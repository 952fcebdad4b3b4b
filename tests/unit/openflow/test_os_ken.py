"""os-ken, the controller's side, and we agree about what messages mean."""

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from os_ken.ofproto import ofproto_parser as readers
from os_ken.ofproto import ofproto_protocol as protocol

from datapath.action import Output
from datapath.match_text import parse_match
from datapath.problems import Error
from datapath.rule import FlowCommand, parse_rule
from vswitch.openflow import Message, decode, encode
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

_PORT = port.PortDesc(3, b"\2\0\0\0\0\1", "veth1", port.PortConfig.NO_FWD, port.PortState.LIVE)
_RULE = parse_rule("cookie=7,table=2,priority=9,idle_timeout=4,udp,tp_dst=53,actions=output:2")
_TABLE = table.TableFeatures(
    4, "acl", 1, 2, 3, 99,
    (table.Instructions(table.Ability.INSTRUCTIONS, (table.TypeId(1), table.TypeId(6))),
     table.NextTables(table.Ability.NEXT_TABLES, (5, 6)),
     table.Fields(table.Ability.MATCH, (table.FieldId(0x80000606),))),
)  # fmt: skip
_MATCH = parse_match("in_port=3,metadata=5")

SEEN: tuple[tuple[Message, dict[str, object]], ...] = (
    (session.Hello(4, frozenset({1, 4})), {"elements.0.versions": [1, 4]}),
    (
        session.ErrorMessage(Error.BAD_MATCH_BAD_FIELD, b"quoted"),
        {"type": 4, "code": 6, "data": b"quoted"},
    ),
    (session.EchoRequest(b"abc"), {"data": b"abc"}),
    (session.EchoReply(b"abc"), {"data": b"abc"}),
    (
        session.Experimenter(0xABCDEF01, 7, b"own"),
        {"experimenter": 0xABCDEF01, "exp_type": 7, "data": b"own"},
    ),
    (
        session.ExperimenterMultipartReply(0xABCDEF01, 7, b"owns"),
        {"body.experimenter": 0xABCDEF01, "body.exp_type": 7, "body.data": b"owns"},
    ),
    (session.BarrierReply(xid=9), {"xid": 9}),
    (session.RoleReply(session.Role.SLAVE, 8), {"role": 3, "generation_id": 8}),
    (
        session.GetAsyncReply(1, 2, 3, 4, 5, 6),
        {"packet_in_mask": [1, 2], "port_status_mask": [3, 4], "flow_removed_mask": [5, 6]},
    ),
    (
        switch.FeaturesReply(0xABC, 1, 255, 2, switch.Capabilities.PORT_STATS),
        {"datapath_id": 0xABC, "n_buffers": 1, "n_tables": 255, "auxiliary_id": 2,
         "capabilities": 4},
    ),
    (switch.GetConfigReply(switch.Fragments.DROP, 77), {"flags": 1, "miss_send_len": 77}),
    (
        switch.DescReply("a", "b", "c", "d", "e"),
        {"body.mfr_desc": b"a", "body.hw_desc": b"b", "body.sw_desc": b"c",
         "body.serial_num": b"d", "body.dp_desc": b"e"},
    ),
    (
        packet.PacketIn(b"frame", _MATCH, packet.PacketInReason.ACTION, 99, 2, 7),
        {"data": b"frame", "total_len": 99, "table_id": 2, "cookie": 7, "reason": 1,
         "match.in_port": 3, "match.metadata": 5},
    ),
    (
        flow.FlowRemoved(_RULE, flow.FlowRemovedReason.IDLE_TIMEOUT, 5, 6, 7, 8),
        {"cookie": 7, "priority": 9, "reason": 0, "table_id": 2, "duration_sec": 5,
         "duration_nsec": 6, "idle_timeout": 4, "packet_count": 7, "byte_count": 8,
         "match.udp_dst": 53},
    ),
    (
        flow.FlowStatsReply((flow.FlowStats(_RULE, 5, 6, 7, 8),), more=True),
        {"flags": 1, "body.0.cookie": 7, "body.0.priority": 9, "body.0.duration_nsec": 6,
         "body.0.packet_count": 7, "body.0.match.udp_dst": 53,
         "body.0.instructions.0.actions.0.port": 2},
    ),
    (
        flow.AggregateReply(1, 2, 3),
        {"body.packet_count": 1, "body.byte_count": 2, "body.flow_count": 3},
    ),
    (
        port.PortStatus(port.PortReason.MODIFY, _PORT),
        {"reason": 2, "desc.port_no": 3, "desc.hw_addr": "02:00:00:00:00:01",
         "desc.name": b"veth1", "desc.config": 32, "desc.state": 4},
    ),
    (port.PortDescReply((_PORT, _PORT)), {"body.1.port_no": 3, "body.1.name": b"veth1"}),
    (
        port.PortStatsReply((port.PortStats(3, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),)),
        {"body.0.port_no": 3, "body.0.rx_packets": 1, "body.0.tx_packets": 2,
         "body.0.rx_bytes": 4, "body.0.tx_dropped": 7, "body.0.rx_crc_err": 12,
         "body.0.collisions": 13, "body.0.duration_nsec": 15},
    ),
    (
        table.TableStatsReply((table.TableStats(254, 5, 6, 7),)),
        {"body.0.table_id": 254, "body.0.active_count": 5, "body.0.lookup_count": 6,
         "body.0.matched_count": 7},
    ),
    (
        table.TableFeaturesReply((_TABLE,)),
        {"body.0.table_id": 4, "body.0.name": b"acl", "body.0.metadata_match": 1,
         "body.0.metadata_write": 2, "body.0.config": 3, "body.0.max_entries": 99,
         "body.0.properties.0.instruction_ids.1.type": 6,
         "body.0.properties.1.table_ids": [5, 6],
         "body.0.properties.2.oxm_ids.0.type": "eth_dst"},
    ),
    (
        group.GroupStatsReply((group.GroupStats(1, 2, 3, 4, 5, 6, (group.BucketStats(7, 8),)),)),
        {"body.0.group_id": 1, "body.0.ref_count": 2, "body.0.packet_count": 3,
         "body.0.byte_count": 4, "body.0.duration_nsec": 6,
         "body.0.bucket_stats.0.byte_count": 8},
    ),
    (
        group.GroupDescReply(
            (group.GroupDesc(group.GroupType.SELECT, 1, (group.Bucket((Output(4),), 3, 5, 6),)),)
        ),
        {"body.0.type": 1, "body.0.group_id": 1, "body.0.buckets.0.weight": 3,
         "body.0.buckets.0.watch_port": 5, "body.0.buckets.0.watch_group": 6,
         "body.0.buckets.0.actions.0.port": 4},
    ),
    (
        group.GroupFeaturesReply(15, group.GroupCapabilities.CHAINING, (1, 2, 3, 4), (5, 6, 7, 8)),
        {"body.types": 15, "body.capabilities": 4, "body.max_groups": [1, 2, 3, 4],
         "body.actions": [5, 6, 7, 8]},
    ),
    (
        meter.MeterStatsReply((meter.MeterStats(1, 2, 3, 4, 5, 6, (meter.BandStats(7, 8),)),)),
        {"body.0.meter_id": 1, "body.0.flow_count": 2, "body.0.packet_in_count": 3,
         "body.0.byte_in_count": 4, "body.0.duration_nsec": 6,
         "body.0.band_stats.0.byte_band_count": 8},
    ),
    (
        meter.MeterConfigReply(
            (meter.MeterConfig(meter.MeterFlags.PKTPS, 1, (meter.DscpRemarkBand(7, 8, 2),)),)
        ),
        {"body.0.flags": 2, "body.0.meter_id": 1, "body.0.bands.0.rate": 7,
         "body.0.bands.0.burst_size": 8, "body.0.bands.0.prec_level": 2},
    ),
    (
        meter.MeterFeaturesReply(9, 6, meter.MeterFlags(15), 8, 7),
        {"body.0.max_meter": 9, "body.0.band_types": 6, "body.0.capabilities": 15,
         "body.0.max_bands": 8, "body.0.max_color": 7},
    ),
    (
        queue.QueueGetConfigReply(
            1, (queue.PacketQueue(4, 1, (queue.MinRate(5), queue.MaxRate(6))),)
        ),
        {"port": 1, "queues.0.queue_id": 4, "queues.0.properties.0.rate": 5,
         "queues.0.properties.1.rate": 6},
    ),
    (
        queue.QueueStatsReply((queue.QueueStats(1, 2, 3, 4, 5, 6, 7),)),
        {"body.0.port_no": 1, "body.0.queue_id": 2, "body.0.tx_bytes": 3,
         "body.0.tx_packets": 4, "body.0.tx_errors": 5, "body.0.duration_nsec": 7},
    ),
)  # fmt: skip
"""Whatever a switch sends, and what an app of os-ken's finds in it."""



@pytest.fixture(scope="module")
def theirs() -> Any:
    return protocol.ProtocolDesc(version=4)


def written_by_os_ken(message: Any, xid: int = 5) -> Message:
    message.set_xid(xid)
    message.serialize()
    return decode(bytes(message.buf))


def read_by_os_ken(theirs: Any, message: Message) -> Any:
    data = encode(message)
    return readers.msg(theirs, data[0], data[1], len(data), int.from_bytes(data[4:8]), data)


def test_a_flow_mod_of_an_app_is_the_rule_it_meant(theirs: Any) -> None:
    parser, ofproto = theirs.ofproto_parser, theirs.ofproto
    actions = [
        parser.OFPActionPushVlan(0x8100),
        parser.OFPActionSetField(vlan_vid=0x1005),
        parser.OFPActionOutput(2, 0),
    ]
    message = parser.OFPFlowMod(
        theirs,
        cookie=1,
        table_id=2,
        priority=3,
        idle_timeout=4,
        match=parser.OFPMatch(in_port=1, eth_type=0x0800, ipv4_src=("10.0.0.0", "255.0.0.0")),
        instructions=[
            parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, actions),
            parser.OFPInstructionGotoTable(7),
        ],
    )
    rule = parse_rule(
        "cookie=1,table=2,priority=3,idle_timeout=4,ip,in_port=1,nw_src=10.0.0.0/8,"
        "actions=mod_vlan_vid:5,output:2,goto_table:7"
    )
    rule = replace(rule, out_port=0, out_group=0)  # what os-ken writes where it means nothing
    assert written_by_os_ken(message) == flow.FlowMod(FlowCommand.ADD, rule, xid=5)


def test_other_requests_of_an_app_are_what_they_meant(theirs: Any) -> None:
    parser, ofproto = theirs.ofproto_parser, theirs.ofproto
    out = parser.OFPPacketOut(
        theirs, ofproto.OFP_NO_BUFFER, 3, [parser.OFPActionOutput(4, 0)], b"frame"
    )
    assert written_by_os_ken(out) == packet.PacketOut(b"frame", (Output(4),), 3, xid=5)
    role = parser.OFPRoleRequest(theirs, ofproto.OFPCR_ROLE_SLAVE, 9)
    assert written_by_os_ken(role) == session.RoleRequest(session.Role.SLAVE, 9, xid=5)
    bucket = parser.OFPBucket(1, 2, 3, [parser.OFPActionOutput(4, 0)])
    mod = parser.OFPGroupMod(theirs, ofproto.OFPGC_MODIFY, ofproto.OFPGT_SELECT, 6, [bucket])
    assert written_by_os_ken(mod) == group.GroupMod(
        group.GroupCommand.MODIFY,
        group.GroupType.SELECT,
        6,
        (group.Bucket((Output(4),), 1, 2, 3),),
        xid=5,
    )
    meters = parser.OFPMeterMod(
        theirs, ofproto.OFPMC_ADD, ofproto.OFPMF_KBPS, 7, [parser.OFPMeterBandDrop(8, 9)]
    )
    assert written_by_os_ken(meters) == meter.MeterMod(
        meter.MeterCommand.ADD, meter.MeterFlags.KBPS, 7, (meter.DropBand(8, 9),), xid=5
    )


@pytest.mark.parametrize(("message", "fields"), SEEN, ids=lambda x: type(x).__name__)
def test_an_app_sees_what_we_meant(
    theirs: Any, message: Message, fields: dict[str, object]
) -> None:
    seen = read_by_os_ken(theirs, message)
    for path, value in fields.items():
        assert reduce(_step, path.split("."), seen) == value, path


def _step(of: Any, name: str) -> Any:
    """One step of a path: an item of a list, a field of a match, an attribute."""
    if name.isdigit():
        return of[int(name)]
    return of[name] if type(of).__name__ == "OFPMatch" else getattr(of, name)


def test_flow_statistics_are_what_an_app_sees(theirs: Any) -> None:
    rule = parse_rule("table=1,priority=9,udp6,tp_dst=53,actions=dec_ttl,output:2")
    told = flow.FlowStatsReply((flow.FlowStats(rule, 1, 2, 3, 4),) * 2, more=True)
    reply = read_by_os_ken(theirs, told)
    assert reply.flags == 1
    for seen in reply.body:
        assert (seen.table_id, seen.priority, seen.packet_count, seen.byte_count) == (1, 9, 3, 4)
        assert dict(seen.match.items()) == {"eth_type": 0x86DD, "ip_proto": 17, "udp_dst": 53}
        assert [type(a).__name__ for a in seen.instructions[0].actions] == [
            "OFPActionDecNwTtl",
            "OFPActionOutput",
        ]
