"""Traces: packets imagined from a match, and steps told in plain words."""

from __future__ import annotations

import struct

import pytest

from datapath.frames import TraceKind, TraceStep
from datapath.match_text import parse_match
from datapath.rule import parse_rule
from vswitch.daemon.explain import Packet, changes, explain
from vswitch.daemon.imagine import checksum, frame_of

scapy = pytest.importorskip("scapy.all", reason="scapy is not installed")

MATCHES = (
    "in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1,tp_dst=80",
    "udp,nw_dst=10.0.0.2,tp_dst=53",
    "icmp,nw_src=1.2.3.4",
    "tcp6,ipv6_dst=fd00::2,tp_dst=22",
    "udp6,ipv6_src=fd00::1",
    "icmp6,ipv6_src=fe80::1",
    "ip,nw_tos=32",
)


@pytest.mark.parametrize("text", MATCHES)
def test_an_imagined_packet_has_right_checksums(text: str) -> None:
    frame = frame_of(parse_match(text))
    again = scapy.Ether(frame)
    for layer in again.layers():
        for field in ("chksum", "cksum"):
            if field in getattr(again[layer], "fields", {}):
                sent = getattr(again[layer], field)
                again[layer].delfieldval(field)
                assert getattr(scapy.Ether(bytes(again))[layer], field) == sent


def test_an_imagined_packet_says_what_the_match_says() -> None:
    text = "dl_src=02:00:00:00:00:01,dl_vlan=5,dl_vlan_pcp=3,arp,arp_op=2,arp_spa=10.0.0.9"
    packet = scapy.Ether(frame_of(parse_match(text)))
    assert (packet.src, packet[scapy.Dot1Q].vlan, packet[scapy.Dot1Q].prio) == (
        "02:00:00:00:00:01", 5, 3,
    )  # fmt: skip
    assert (packet[scapy.ARP].op, packet[scapy.ARP].psrc) == (2, "10.0.0.9")
    assert len(packet) >= 60


def test_an_imagined_label_or_service_has_the_match_s_values() -> None:
    label = scapy.Ether(frame_of(parse_match("mpls,mpls_label=70000,mpls_tc=5")))
    assert bytes(label)[14:18].hex() == "11170b40"
    text = "dl_type=0x88e7,pbb_isid=0x123456,dl_dst=02:00:00:00:00:01"
    tag = scapy.Ether(frame_of(parse_match(text)))[scapy.Dot1AH]
    assert (tag.isid, tag.payload.dst) == (0x123456, "02:00:00:00:00:01")


def test_the_checksum_of_a_checked_header_is_0() -> None:
    header = bytes.fromhex("4500003c1c4640004006b1e6ac100a63ac100a0c")
    assert checksum(header) == 0


def rule_step(text: str) -> TraceStep:
    rule = parse_rule(text)
    match, mod = rule.match.pack(), rule.to_flow_mod()
    instructions = mod[48 + len(match) :]
    head = struct.pack("=QHHHBB", rule.cookie, rule.priority, len(match), len(instructions),
                       rule.table, 0)  # fmt: skip
    return TraceStep(TraceKind.RULE, rule.table, head + match + instructions)


PACKET = Packet(bytes(60), 1, {2: "veth1"})


def texts(*steps: TraceStep) -> list[str]:
    return [step["text"] for step in explain(PACKET, list(steps))["steps"]]


def test_a_life_is_told_from_rule_to_port() -> None:
    out = TraceStep(TraceKind.OUTPUT, 2, PACKET.frame)
    told = explain(PACKET, [rule_step("priority=10,in_port=1,actions=goto_table:1"),
                            rule_step("table=1,actions=output:2"), out])  # fmt: skip
    assert [step["text"] for step in told["steps"]] == [
        "table 0: rule priority 10 in_port=1 -> goto table 1",
        "table 1: rule priority 32768 any packet -> output:2",
        "leaves by port 2 (veth1) unchanged",
    ]
    assert told["verdict"] == "leaves by port 2 (veth1) unchanged"
    assert told["outputs"][0]["port"] == 2


def test_drops_misses_and_controllers_are_named() -> None:
    assert texts(
        TraceStep(TraceKind.MISS, 1, b""),
        TraceStep(TraceKind.DROP, 5, b""),
        TraceStep(TraceKind.CONTROLLER, 0, b""),
    ) == [
        "no rule in table 1 fits",
        "dropped (table-miss)",
        "goes to the controller because of no match",
    ]


def test_a_rewrite_is_told_by_field() -> None:
    before = frame_of(parse_match("ip,nw_dst=10.0.0.1,dl_dst=02:00:00:00:00:01"))
    after = frame_of(parse_match("ip,nw_dst=10.0.0.2,dl_dst=02:00:00:00:00:02"))
    assert changes(before, after) == ["eth_dst", "ipv4_dst"]
    assert changes(before, before) == []
    assert changes(before, before + b"1234") == ["its headers"]


def test_nothing_at_all_is_a_drop() -> None:
    assert explain(PACKET, [])["verdict"].startswith("dropped")
