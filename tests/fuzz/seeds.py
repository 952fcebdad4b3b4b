"""Seeds for fuzz_openflow and fuzz_command, made from rules in words.

`python -m tests.fuzz.seeds` writes tests/fuzz/corpus/<target>/ anew.  A fuzzer that
starts from whole, sensible messages reaches the inside of the tables at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from datapath import frames
from datapath.action import Output, PopVlan, pack_actions
from datapath.frames import Command as Frames
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.rule import Command, parse_rule

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
NARROWED = ("cookie=0x1234/0xff", "out_port=2", "table=7", "", "tcp")
PACKET = "tcp,dl_vlan=5,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=8080"


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", 4, kind, 8 + len(body), 1) + body


def packet_out(actions: tuple[Output | PopVlan, ...]) -> bytes:
    data, packed = parse_packet(PACKET, 1).frame, pack_actions(actions)
    head = struct.pack("!IIH6x", 0xFFFFFFFF, 1, len(packed))
    return message(13, head + packed + data)


def flow_mods() -> Iterable[bytes]:
    for text in RULES:
        for command in (Command.ADD, Command.MODIFY_STRICT):
            yield parse_rule(text).to_flow_mod(command)
    for text in NARROWED:
        yield parse_rule(text, Command.DELETE).to_flow_mod(Command.DELETE)


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


def commands() -> Iterable[bytes]:
    """Inputs of fuzz_command: frames, each behind its length."""
    bridge, port = frames.BridgeSpec("b", 1), frames.PortSpec(1, frames.PortKind.MEM, "p")
    payloads = (
        (Frames.HELLO, frames.Hello().pack()),
        (Frames.BRIDGE_ADD, bridge.pack()),
        (Frames.SESSION, frames.SessionSpec(4, 7, 7).pack()),
        (Frames.PORT_ADD, port.pack()),
        (Frames.PORT_ADD, frames.PortSpec(2, frames.PortKind.PCAP, "q").pack()),
        (Frames.OPENFLOW, parse_rule(RULES[5]).to_flow_mod() + message(20, b"")),
        (Frames.ATOMIC, parse_rule(RULES[1]).to_flow_mod()),
        (Frames.TRACE, frames.trace_request(1, parse_packet(PACKET, 1).frame)),
        (Frames.PORT_SET, frames.PortRef(1, 1, 0, 1).pack()),
        (Frames.PORT_VLANS, frames.PortVlans(1, frames.Vlans(frames.VlanMode.ACCESS, 5)).pack()),
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
    write("fuzz_command", commands())
