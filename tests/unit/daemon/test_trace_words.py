"""Traces: packets imagined from a match, and steps told in plain words."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest
from scapy import all as scapy

from datapath import Switch
from datapath.frames import TraceKind, TraceStep, VlanMode
from datapath.match_text import parse_match
from datapath.of13.rule import flow_mod
from datapath.ports import PortNames
from datapath.rule import parse_rule
from vswitch.daemon.explain import Packet, changes, explain
from vswitch.daemon.imagine import checksum, frame_of
from vswitch.schema import Queue

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
    match, mod = rule.match.pack(), flow_mod(rule)
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


def test_a_port_that_sends_nothing_is_no_way_out() -> None:
    steps = [TraceStep(TraceKind.OUTPUT, port, PACKET.frame) for port in (2, 3)]
    told = explain(replace(PACKET, silent={2}), steps)
    assert told["verdict"] == (
        "port 2 (veth1) is down or sends nothing: dropped (output-down); leaves by port 3 unchanged"
    )
    assert [step["kind"] for step in told["steps"]] == ["drop", "output"]
    assert told["steps"][0]["reason"] == "output-down"
    assert [output["port"] for output in told["outputs"]] == [3]


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


# ---- groups, meters, copies and second readings, as a real switch tells them ----


@pytest.fixture
def switch() -> Iterator[Switch]:
    with Switch(ports=3) as made:
        yield made


def told(switch: Switch, packet: str, *, groups: bool = True) -> list[str]:
    """A trace of 'packet' in words, without the rules and lists of actions."""
    frame = frame_of(parse_match(packet))
    known = {group.group: group for group in switch.dump_groups()} if groups else {}
    steps = explain(Packet(frame, 1, {2: "veth1"}, known), switch.trace(frame, 1))["steps"]
    return [step["text"] for step in steps if step["kind"] not in ("rule", "actions")]


TCP = "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80"


def test_a_group_of_type_all_tells_each_bucket_s_packet(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=all,bucket=set_field:10.0.0.9->ip_dst,output:2,bucket=output:3"
    )
    switch.add_flow("actions=group:1")
    assert told(switch, TCP) == [
        "group 1 (all): each of its 2 buckets, on a copy of its own",
        "what follows happens to a copy",
        "leaves by port 2 (veth1) with ipv4_dst rewritten",
        "back to the packet itself",
        "leaves by port 3 unchanged",
    ]


def test_a_chosen_bucket_is_told_with_its_actions(switch: Switch) -> None:
    switch.add_group("group_id=5,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3")
    switch.add_flow("actions=group:5")
    first = [
        "group 5 (fast failover): bucket 0, actions=output:2",
        "leaves by port 2 (veth1) unchanged",
    ]
    assert told(switch, TCP) == first
    assert told(switch, TCP, groups=False)[0] == "group 5: bucket 0"
    for port in (2, 3):
        switch.set_port(port, state=1)
    assert told(switch, TCP) == ["group 5 (fast failover): no bucket lives", "dropped (group)"]


def test_a_group_without_buckets_is_told(switch: Switch) -> None:
    switch.add_group("group_id=5,type=all")
    switch.add_flow("actions=group:5")
    assert told(switch, TCP) == ["group 5 (all): it has no bucket", "dropped (group)"]
    assert told(switch, TCP, groups=False)[0] == "group 5: all buckets, or none that lives"


def test_a_group_behind_a_group_is_told_in_order(switch: Switch) -> None:
    switch.add_group("group_id=2,type=indirect,bucket=output:2")
    switch.add_group("group_id=1,type=indirect,bucket=group:2")
    switch.add_flow("actions=group:1")
    assert told(switch, TCP) == [
        "group 1 (indirect): bucket 0, actions=group:2",
        "group 2 (indirect): bucket 0, actions=output:2",
        "leaves by port 2 (veth1) unchanged",
    ]


def test_a_meter_is_told_where_the_packet_is_charged_and_charges_nothing(switch: Switch) -> None:
    switch.add_meter("meter=3,pktps,burst,band=type=drop,rate=1,burst_size=1")
    switch.add_flow("actions=meter:3,output:2")
    for _ in range(5):
        assert told(switch, TCP) == [
            "meter 3: it passes while the rate allows",
            "leaves by port 2 (veth1) unchanged",
        ]
    assert switch.meter_stats()[3].packets == 0


def test_headers_that_came_into_sight_are_read_again(switch: Switch) -> None:
    switch.add_flow("mpls,actions=pop_mpls:0x0800,goto_table:1")
    switch.add_flow("table=1,ip,actions=output:2")
    words = told(switch, "mpls,mpls_label=5")
    assert words[0] == "other headers came into sight: it is read again"
    assert len(words) == 2


def test_the_verdict_tells_every_end_in_order(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,bucket=CONTROLLER,bucket=output:1")
    switch.add_flow("actions=group:1")
    steps = switch.trace(frame_of(parse_match(TCP)), 1)
    verdict = explain(Packet(frame_of(parse_match(TCP)), 1, {}), steps)["verdict"]
    assert verdict == (
        "leaves by port 2 unchanged; goes to the controller because of an action; "
        "dropped (output-self)"
    )


def test_the_hosts_own_port_has_its_name() -> None:
    assert Packet(b"", 1, {0xFFFFFFFE: "br0"}).port(0xFFFFFFFE) == "port LOCAL (br0)"


# ---- names, queues, VLANs ----


def test_rules_and_buckets_are_told_with_names(switch: Switch) -> None:
    switch.add_group("group_id=1,type=indirect,bucket=output:2")
    switch.add_flow("in_port=1,actions=group:1")
    frame = frame_of(parse_match(TCP))
    names = {1: "veth0", 2: "veth1"}
    groups = {group.group: group for group in switch.dump_groups()}
    packet = Packet(frame, 1, names, groups, ports=PortNames({"veth0": 1, "veth1": 2}))
    assert [step["text"] for step in explain(packet, switch.trace(frame, 1))["steps"]] == [
        "table 0: rule priority 32768 in_port=veth0 -> group:1",
        "group 1 (indirect): bucket 0, actions=output:veth1",
        "in all: output:veth1",
        "leaves by port 2 (veth1) unchanged",
    ]


def test_a_queue_is_told_with_its_rate_and_one_that_is_not_there_as_such(switch: Switch) -> None:
    switch.set_queue(2, 7, max_rate=10_000_000)
    switch.add_flow("actions=set_queue:7,output:2,output:3")
    frame = frame_of(parse_match(TCP))
    packet = Packet(frame, 1, {2: "veth1"}, queues={(2, 7): Queue("veth1", 7, 10_000_000, 50)})
    told = [s for s in explain(packet, switch.trace(frame, 1))["steps"] if s["kind"] == "queue"]
    assert [step["text"] for step in told] == [
        "queue 7 of port 2 (veth1): packets leave it at most 10Mbps, 50 may wait",
        "queue 7 of port 3: there is none, so it leaves without one",
    ]
    assert [(s["port"], s["queue"], s["active"], s["max_rate"]) for s in told] == [
        (2, 7, True, "10Mbps"), (3, 7, False, None),
    ]  # fmt: skip


def test_a_flood_says_which_ports_its_vlan_leaves_out(switch: Switch) -> None:
    switch.set_vlans(1, mode=VlanMode.ACCESS, tag=10)
    switch.set_vlans(3, mode=VlanMode.ACCESS, tag=20)
    switch.add_flow("actions=NORMAL")
    assert told(switch, TCP) == [
        "switched by its address: no port is known, so it is flooded",
        "port 3 is not in VLAN 10",
        "what follows happens to a copy",
        "leaves by port 2 (veth1) with its headers rewritten",
        "back to the packet itself",
    ]


def test_a_frame_of_a_vlan_that_its_port_does_not_take_is_told(switch: Switch) -> None:
    switch.add_flow("actions=NORMAL")
    switch.set_vlans(1, mode=VlanMode.ACCESS, tag=10)
    tagged = f"dl_vlan=20,{TCP}"
    assert told(switch, tagged) == ["port 1 takes no frame of VLAN 20", "dropped (vlan)"]
    switch.set_vlans(1, trunks=[20])
    assert told(switch, TCP) == ["port 1 takes no frame without a VLAN", "dropped (vlan)"]


def test_a_station_behind_a_port_of_another_vlan_is_told(switch: Switch) -> None:
    switch.add_flow("actions=NORMAL")
    switch.send(2, "dl_vlan=10,dl_src=02:00:00:00:00:02,dl_type=0x800")
    switch.set_vlans(2, trunks=[20])
    to_it = f"dl_vlan=10,dl_dst=02:00:00:00:00:02,{TCP}"
    assert "port 2 (veth1) is not in VLAN 10" in told(switch, to_it)
