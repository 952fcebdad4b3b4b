"""os-ken, the controller's side, and we agree about what messages mean."""

from dataclasses import replace
from typing import Any

import pytest

from datapath.action import Output
from datapath.match_text import parse_match
from datapath.rule import Command, parse_rule
from vswitch.openflow import Message, decode, encode
from vswitch.openflow.messages import flow, group, meter, packet, port, session, switch

protocol = pytest.importorskip(
    "os_ken.ofproto.ofproto_protocol", reason="os-ken is not installed: pip install os-ken"
)
readers = pytest.importorskip("os_ken.ofproto.ofproto_parser")


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
    assert written_by_os_ken(message) == flow.FlowMod(Command.ADD, rule, xid=5)


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


def test_a_packet_in_is_what_an_app_sees(theirs: Any) -> None:
    match = parse_match("in_port=3,metadata=5")
    sent = packet.PacketIn(b"frame", match, packet.PacketInReason.ACTION, 99, 2, 0x7, xid=1)
    seen = read_by_os_ken(theirs, sent)
    assert (seen.data, seen.total_len, seen.table_id, seen.cookie) == (b"frame", 99, 2, 7)
    assert (seen.match["in_port"], seen.match["metadata"], seen.reason) == (3, 5, 1)


def test_features_and_ports_are_what_an_app_sees(theirs: Any) -> None:
    features = read_by_os_ken(theirs, switch.FeaturesReply(0xABC, n_tables=254))
    assert (features.datapath_id, features.n_tables) == (0xABC, 254)
    ports = (port.Port(1, b"\2\0\0\0\0\1", "veth1"), port.Port(2, b"\2\0\0\0\0\2", "veth2"))
    seen = read_by_os_ken(theirs, port.PortDescReply(ports)).body
    assert [(p.port_no, p.hw_addr, p.name) for p in seen] == [
        (1, "02:00:00:00:00:01", b"veth1"),
        (2, "02:00:00:00:00:02", b"veth2"),
    ]


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
