"""Seeds for the fuzzers of messages, journals, commands and offloads, made from rules in words.

`python -m tests.fuzz.seeds` writes tests/fuzz/corpus/<target>/ anew.  A fuzzer that
starts from whole, sensible messages reaches the inside of the tables at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from datapath import frames
from datapath.action import Action, Group, Output, PopMpls, PopVlan
from datapath.frames import FlowCommand as Frames
from datapath.group import ALL_GROUPS, GroupCommand, GroupDesc, GroupType
from datapath.group_text import parse_group
from datapath.meter import ALL_METERS, MeterCommand, MeterConfig, MeterFlags
from datapath.meter_text import parse_meter
from datapath.of13.action import pack_actions
from datapath.of13.group import group_mod
from datapath.of13.meter import meter_mod
from datapath.of13.rule import flow_mod
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.rule import FlowCommand, parse_rule

FOLDER = Path(__file__).parent / "corpus"

RULES = (
    "in_port=1,actions=output:2",
    "actions=CONTROLLER:65535",
    "priority=0,actions=drop",
    "arp,arp_op=1,arp_tpa=10.0.0.0/8,actions=set_field:2->arp_op,IN_PORT",
    "ip,nw_dst=10.0.0.0/8,nw_ecn=1,actions=dec_ttl,set_field:10.0.0.9->ip_dst,output:3",
    "tcp,tp_dst=8080,actions=set_field:81->tcp_dst,push_vlan:0x8100,set_field:4103->vlan_vid,FLOOD",
    "dl_vlan=5,dl_vlan_pcp=3,actions=pop_vlan,pop_vlan,output:2,goto_table:4",
    "table=4,metadata=0x1/0xff,actions=write_metadata:0x2/0xf,goto_table:200",
    "vlan_tci=0x1000/0x1000,actions=write_actions(pop_vlan,output:1),goto_table:7",
    "table=7,udp6,ipv6_dst=fe80::/10,actions=set_field:1->ipv6_label,ALL,clear_actions",
    "icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=02:00:00:00:00:01,actions=output:1",
    "idle_timeout=1,hard_timeout=2,send_flow_rem,sctp,tp_src=1,actions=mod_nw_ttl:3,LOCAL",
    "cookie=0x1234,table=253,priority=65535,dl_src=02:00:00:00:00:01/ff:ff:ff:ff:ff:0f,actions=drop",
)  # fmt: skip
GROUPS = (
    "group_id=3,type=indirect,bucket=pop_mpls:0x0800,set_queue:1,output:2",
    "group_id=2,type=ff,bucket=watch_port:3,output:3,bucket=watch_group:3,group:3",
    "group_id=1,type=select,bucket=weight:2,pop_mpls:0x8847,group:2,bucket=weight:1,dec_mpls_ttl,output:4",
    "group_id=4,type=all,bucket=push_mpls:0x8847,output:4,bucket=push_pbb:0x88e7,output:2,bucket=group:1",
    "group_id=5,type=all",
    "group_id=6,type=ff,bucket=watch_port:9,output:1,bucket=watch_group:5,output:2",
    "group_id=7,type=select,bucket=watch_group:2,output:1,bucket=watch_port:9,output:2,bucket=output:3",
    "group_id=8,type=all," + ",".join(["bucket=pop_mpls:0x0800,group:7"] * 30),
    "group_id=9,type=all," + ",".join(["bucket=group:8,dec_ttl"] * 40),
)  # fmt: skip
METERS = (
    "meter=1,pktps,burst,stats,band=type=drop,rate=1,burst_size=1",
    "meter=2,kbps,band=type=dscp_remark,rate=8,prec_level=1,band=type=drop,rate=100",
    "meter=controller,pktps,burst,band=type=drop,rate=1,burst_size=2",
    "meter=3,kbps,burst,band=type=dscp_remark,rate=0,prec_level=2,burst_size=1",
)
OBJECT_RULES = (
    "mpls,actions=group:1",
    "mpls,mpls_label=1,mpls_bos=0,actions=pop_mpls:0x8847,goto_table:2",
    "table=2,mpls,actions=pop_mpls:0x0800,write_actions(group:2),goto_table:3",
    "table=3,ip,actions=meter:2,dec_ttl,output:3",
    "dl_type=0x88e7,pbb_isid=1,actions=pop_pbb,goto_table:1",
    "table=1,actions=meter:1,group:4",
    "ip,actions=copy_ttl_out,push_mpls:0x8847,set_field:7->mpls_label,dec_mpls_ttl,copy_ttl_in,output:4",
    "ipv6,actions=meter:1,push_pbb:0x88e7,set_field:9->pbb_isid,set_mpls_ttl:3,ALL",
    "tcp,actions=set_queue:1,output:2,push_vlan:0x88a8,push_vlan:0x8100,push_mpls:0x8848,output:4",
    "priority=1,actions=set_field:0x88b5->eth_type,set_field:3->tunnel_id,NORMAL",
    "ip,actions=meter:3,mod_nw_ttl:1,dec_ttl,dec_ttl,output:2",
    "ip,actions=meter:3,output:2,IN_PORT,goto_table:2",
    "actions="
    + "push_vlan:0x8100," * 9
    + "set_field:5->vlan_pcp,push_mpls:0x8847,pop_vlan,output:2",
    "actions=push_pbb:0x88e7,push_pbb:0x88e7,pop_pbb,pop_pbb,output:2,output:9",
    "table=2,actions=clear_actions,write_metadata:0x1/0x3,goto_table:3",
    "actions=group:6,group:7,group:5",
    "mpls,actions=group:3",
    "actions=CONTROLLER",
    "mpls,actions=group:9",
    "mpls,actions=group:8,set_queue:1,output:1",
    "actions=set_queue:1,output:1,output:2,output:3",
)  # fmt: skip
STATISTICS = (
    (4, struct.pack("!I4x", Reserved.ANY)),
    (5, struct.pack("!II", Reserved.ANY, 0xFFFFFFFF)),
    (6, struct.pack("!I4x", ALL_GROUPS)),
    (7, b""),
    (9, struct.pack("!I4x", ALL_METERS)),
    (10, struct.pack("!I4x", ALL_METERS)),
)
NARROWED = ("cookie=0x1234/0xff", "out_port=2", "table=7", "", "tcp")
LABELLED = "mpls,mpls_label=3"
PACKET = "tcp,dl_vlan=5,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=8080"


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", 4, kind, 8 + len(body), 1) + body


def packet_out(actions: tuple[Action, ...], packet: str = PACKET) -> bytes:
    data, packed = parse_packet(packet, 1).frame, pack_actions(actions)
    head = struct.pack("!IIH6x", 0xFFFFFFFF, 1, len(packed))
    return message(13, head + packed + data)


def flow_mods() -> Iterable[bytes]:
    for text in RULES:
        for command in (FlowCommand.ADD, FlowCommand.MODIFY_STRICT):
            yield flow_mod(parse_rule(text), command)
    for text in NARROWED:
        yield flow_mod(parse_rule(text, FlowCommand.DELETE), FlowCommand.DELETE)


def object_mods() -> list[bytes]:
    """Groups and meters that rules may name."""
    groups = [group_mod(parse_group(text)) for text in GROUPS]
    return groups + [meter_mod(parse_meter(text)) for text in METERS]


def object_changes() -> Iterable[bytes]:
    """What may happen to them afterwards."""
    yield group_mod(parse_group(GROUPS[2]), GroupCommand.MODIFY)
    yield group_mod(parse_group(GROUPS[4]), GroupCommand.DELETE)
    yield group_mod(parse_group(GROUPS[1]), GroupCommand.DELETE)
    yield group_mod(GroupDesc(GroupType.ALL, ALL_GROUPS), GroupCommand.DELETE)
    yield meter_mod(parse_meter(METERS[1]), MeterCommand.MODIFY)
    yield meter_mod(MeterConfig(MeterFlags.NONE, ALL_METERS), MeterCommand.DELETE)


def statistics() -> Iterable[bytes]:
    return (message(18, struct.pack("!HH4x", kind, 0) + body) for kind, body in STATISTICS)


def with_objects() -> Iterable[bytes]:
    """Groups and meters, rules that use them, packets of several kinds, changes."""
    made = b"".join(object_mods())
    rules = [flow_mod(parse_rule(text)) for text in OBJECT_RULES]
    for packets, rule in enumerate(rules):
        yield bytes([packets << 3]) + made + rule
    pops = packet_out((PopMpls(0x0800), *[Group(8)] * 70, Output(2)), LABELLED)
    yield b"\0" + made + pops + rules[0] + packet_out((Output(Reserved.TABLE),), LABELLED)
    yield b"\xf8"
    for flags in range(0, 256, 16):
        yield bytes([flags | flags >> 6]) + made + b"".join(rules[flags // 16 % 3 :])
    everything = made + b"".join(rules) + b"".join(statistics())
    yield from (b"\4" + everything + change + rules[0] for change in object_changes())


def openflow() -> Iterable[bytes]:
    """Inputs of fuzz_openflow: flags, then messages."""
    mods = list(flow_mods())
    statistics = struct.pack("!B3xII4xQQHH4x", 255, Reserved.ANY, 0xFFFFFFFF, 0, 0, 1, 4)
    others = [
        packet_out((Output(Reserved.TABLE),)),
        packet_out((PopVlan(), Output(Reserved.FLOOD), Output(Reserved.CONTROLLER, 128))),
        message(18, struct.pack("!HH4x", 1, 0) + statistics),
        message(18, struct.pack("!HH4x", 2, 0) + statistics),
        message(18, struct.pack("!HH4x", 3, 0)),
        message(18, struct.pack("!HH4xI4x", 4, 0, 1)),
        message(20, b""),
    ]
    yield from (b"\0" + one for one in (*mods, *others))
    yield from (flags + b"".join(mods[:26:2]) for flags in (b"\0", b"\1", b"\2", b"\4"))
    yield b"\0" + b"".join((*mods[:8], *others, *mods[-5:]))
    yield b"\1" + mods[0] + b"".join(mods[4:12]) + mods[-1]
    yield from with_objects()


def decoded() -> Iterable[bytes]:
    """Inputs of fuzz_decode: which decoder, then a message."""
    rules = [flow_mod(parse_rule(text)) for text in RULES + OBJECT_RULES]
    yield from (b"\0" + rule for rule in rules)
    yield b"\1" + packet_out((PopVlan(), Output(Reserved.FLOOD)))
    for text in GROUPS:
        yield b"\2" + group_mod(parse_group(text))
    for text in METERS:
        yield b"\3" + meter_mod(parse_meter(text))
    yield from (b"\4" + rule[48:] for rule in rules)


def journals() -> Iterable[bytes]:
    """Inputs of fuzz_journal: flags, perhaps a head, then records."""
    rules = [flow_mod(parse_rule(text)) for text in OBJECT_RULES]
    history = [*object_mods(), *rules, *object_changes(), *flow_mods()]
    framed = [struct.pack("!HB", len(one), 1 + at % 2) + one for at, one in enumerate(history)]
    gone = struct.pack("!HB", 0, 1)
    for size in (1, 7, 20, len(framed)):
        yield b"\0" + b"".join(framed[:size])
    same = b"".join(struct.pack("!HB", len(one), 1) + one for one in history)
    yield b"\0" + same + gone + same
    record = struct.pack("=IIQQ", 24 + len(rules[0]), len(rules[0]), 1, 1) + rules[0]
    yield b"\2" + record * 3
    yield b"\3" + struct.pack("=5Q", 0, 4096, 4096 + len(record), 0, 0) + record
    yield b"\3" + struct.pack("=5Q", 1, 0, 0, 4096, 4096 + len(record)) + record


def part(steps: int) -> bytes:
    """The head of a transaction's frame."""
    return frames.Transaction(1, frames.Steps(steps)).pack()


def offloaded() -> Iterable[bytes]:
    """Inputs of fuzz_vnet: header, shift, edits, frame."""
    set_type, set_proto = (0, 5, 0, b"\x88\xe7"), (0, 10, 0, b"+")
    edits = (set_type, (8, 0, 0, b""), (5, 0, 0x8847, b""), set_proto, (3, 0, 0x8100, b""))
    script = [struct.pack("!BBH16s", *edit) for edit in edits]
    frames = (
        ("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80", 34, 16, 1, 54),
        ("udp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,tp_dst=53", 54, 6, 5, 62),
    )
    for words, start, offset, kind, size in frames:
        frame = parse_packet(words + ",payload=" + "5a" * 100, 1).frame
        for gso_type, gso_size in ((0, 0), (kind, 10)):
            head = struct.pack("=BBHHHHB", 1, gso_type, size, gso_size, start, offset, 0)
            yield from (head + bytes([n]) + b"".join(script[:n]) + frame for n in range(6))
            yield from (head + b"\1" + one + frame for one in script)


def commands() -> Iterable[bytes]:
    """Inputs of fuzz_command: frames, each behind its length."""
    bridge, port = frames.BridgeSpec("b", 1), frames.PortSpec(1, frames.PortKind.MEM, "p")
    payloads = (
        (Frames.HELLO, frames.ForwarderHello().pack()),
        (Frames.BRIDGE_ADD, bridge.pack()),
        (Frames.SESSION, frames.SessionSpec(4, 7, 7).pack()),
        (Frames.PORT_ADD, port.pack()),
        (Frames.PORT_ADD, frames.PortSpec(2, frames.PortKind.PCAP, "q").pack()),
        (Frames.OPENFLOW, flow_mod(parse_rule(RULES[5])) + message(20, b"")),
        (Frames.ATOMIC, part(3) + flow_mod(parse_rule(RULES[1]))),
        (Frames.ATOMIC, part(1) + flow_mod(parse_rule(RULES[2]))),
        (Frames.ATOMIC, part(0) + flow_mod(parse_rule(RULES[3]))),
        (Frames.ATOMIC, part(2)),
        (Frames.ATOMIC, part(1) + flow_mod(parse_rule(RULES[4]))),
        (Frames.ATOMIC, part(4)),
        (Frames.TRACE, frames.trace_request(1, parse_packet(PACKET, 1).frame)),
        (Frames.QUEUE_SET, frames.QueueSpec(1, 1, 1000000, 4).pack()),
        (Frames.OPENFLOW, b"".join(object_mods()) + flow_mod(parse_rule(OBJECT_RULES[8]))),
        (Frames.TRACE, frames.trace_request(1, parse_packet(LABELLED, 1).frame)),
        (Frames.QUEUE_DEL, frames.QueueSpec(1, 1).pack()),
        (Frames.REPLAY, b""),
        (Frames.PORT_SET, frames.PortRef(1, 1, 0, 1).pack()),
        (Frames.PORT_VLANS, frames.PortVlans(1, frames.Vlans(frames.VlanMode.ACCESS, 5)).pack()),
        (Frames.PORT_MTU, frames.PortMtu(1, 1500).pack()),
        (Frames.MACS, b""),
        (Frames.MAC_FLUSH, b""),
        (Frames.STATS, b""),
        (Frames.DUMP, b""),
        (Frames.OPENFLOW, packet_out((Output(Reserved.TABLE),))),
        (Frames.PORT_DEL, frames.PortRef(1).pack()),
        (Frames.SESSION_END, b""),
        (Frames.BRIDGE_DEL, b""),
        (Frames.SHUTDOWN, b""),
    )
    packed = [frames.Frame(kind, payload, 1, 1, 9).pack() for kind, payload in payloads]
    prefixed = [struct.pack("!H", len(frame)) + frame for frame in packed]
    yield b"".join(prefixed)
    yield from (b"".join(prefixed[1:4]) + one for one in prefixed[4:])


def write(target: str, inputs: Iterable[bytes]) -> None:
    folder = FOLDER / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, data in enumerate(inputs):
        (folder / f"{number:02}").write_bytes(data)


if __name__ == "__main__":
    write("fuzz_openflow", openflow())
    write("fuzz_decode", decoded())
    write("fuzz_journal", journals())
    write("fuzz_command", commands())
    write("fuzz_vnet", offloaded())
