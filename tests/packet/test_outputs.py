"""Where packets may go: by number, reserved ports, ports that don't want them (section 4.5)."""

from __future__ import annotations

import pytest

from datapath.action import Output, PushVlan, SetField
from datapath.fields import BY_NAME
from datapath.frames import Command
from datapath.instruction import ApplyActions
from datapath.of13.rule import flow_mod
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.rule import Rule, parse_rule
from datapath.switch import OpenFlowRefusal, Switch
from datapath.testing import MakeSwitch
from tests.packet.messages import BARRIER, message, packet_out

DOWN, NO_RECV, NO_FWD, NO_PACKET_IN = 1, 4, 32, 64
LINK_DOWN, BLOCKED = 1, 2
FRAME = parse_packet("tcp,tp_dst=80", 1).frame


@pytest.mark.parametrize(
    ("port", "out"),
    [("2", [2]), ("IN_PORT", [1]), ("ALL", [2, 3, 4]), ("FLOOD", [2, 3, 4])],
)
def test_an_output_goes_where_it_says(switch: Switch, port: str, out: list[int]) -> None:
    switch.add_flow(f"actions=output:{port}")
    for _ in range(2):
        assert sorted(switch.send(1, FRAME)) == out


def test_an_output_to_the_port_it_came_from_is_dropped(switch: Switch) -> None:
    switch.add_flow("actions=output:1,output:2")
    assert list(switch.send(1, FRAME)) == [2]
    assert switch.drops(1) == {"output-self": 1}
    assert sorted(switch.send(3, FRAME)) == [1, 2]


def test_an_output_to_no_port_is_dropped(switch: Switch) -> None:
    switch.add_flow("actions=output:77")
    assert switch.send(1, FRAME) == {}
    assert switch.drops(1) == {"no-port": 1}


def test_a_port_that_comes_later_gets_its_packets(switch: Switch) -> None:
    switch.add_flow("actions=output:77")
    switch.send(1, FRAME)
    switch.add_port(77)
    assert list(switch.send(1, FRAME)) == [77]
    switch.remove_port(77)
    assert switch.send(1, FRAME) == {}


@pytest.mark.parametrize(
    ("port", "code"), [(0, 4), (Reserved.TABLE, 4), (0xFFFFFF01, 4), (Reserved.ANY, 4)]
)
def test_an_output_that_makes_no_sense_is_refused(switch: Switch, port: int, code: int) -> None:
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(Rule(instructions=(ApplyActions((Output(port),)),)))
    assert (refused.value.type, refused.value.code) == (2, code)


def test_a_flood_reaches_two_hundred_ports(make_switch: MakeSwitch) -> None:
    switch = make_switch(ports=201)
    switch.add_flow("actions=FLOOD")
    for _ in range(40):
        assert {port: len(out) for port, out in switch.send(7, FRAME).items()} == {
            port: 1 for port in range(1, 202) if port != 7
        }
    assert switch.drops(7) == {}


@pytest.mark.parametrize("actions", ["FLOOD", "NORMAL"])
def test_a_flood_reaches_as_many_ports_as_there_may_be(
    make_switch: MakeSwitch, actions: str
) -> None:
    switch = make_switch(ports=1)
    switch.add_flow(f"actions={actions}")
    for number in range(2, 4097):
        switch.add_counting_port(number)
    with pytest.raises(OSError, match="4096 ports, its most"):
        switch.add_counting_port(4097)
    switch.send(1, FRAME)
    counted = {number: stats.tx_packets for number, stats in switch.port_stats().items()}
    assert counted == {1: 0} | dict.fromkeys(range(2, 4097), 1)


# ---- ports that don't want packets ----


@pytest.mark.parametrize("config", [DOWN, NO_RECV])
def test_a_port_that_does_not_receive_drops(switch: Switch, config: int) -> None:
    switch.add_flow("actions=output:2")
    switch.set_port(1, config=config, mask=config)
    assert switch.send(1, FRAME) == {}
    assert switch.drops(1) == {"port-down": 1}
    switch.set_port(1, config=0, mask=config)
    assert list(switch.send(1, FRAME)) == [2]


@pytest.mark.parametrize(
    ("config", "state"), [(DOWN, 0), (NO_FWD, 0), (0, LINK_DOWN), (0, BLOCKED)]
)
@pytest.mark.parametrize("port", ["2", "FLOOD", "ALL"])
def test_a_port_that_does_not_send_drops(
    switch: Switch, config: int, state: int, port: str
) -> None:
    switch.add_flow(f"actions=output:{port}")
    switch.send(1, FRAME)
    switch.set_port(2, config=config, mask=0xFF, state=state)
    assert 2 not in switch.send(1, FRAME)
    assert switch.drops(2) == {"output-down": 1}


def test_a_mask_leaves_other_config_bits_alone(switch: Switch) -> None:
    switch.add_flow("actions=output:2")
    switch.set_port(2, config=NO_FWD, mask=NO_FWD)
    switch.set_port(2, config=0, mask=NO_PACKET_IN)
    assert switch.send(1, FRAME) == {}
    switch.set_port(2, config=0, mask=NO_FWD)
    assert list(switch.send(1, FRAME)) == [2]


def test_a_port_may_keep_its_misses_from_the_controller(switch: Switch) -> None:
    """Not what a rule sends there on purpose (7.2.1)."""
    switch.add_flow("priority=0,actions=CONTROLLER:65535,output:2")
    switch.add_flow("priority=9,arp,actions=CONTROLLER:65535")
    switch.set_port(1, config=NO_PACKET_IN, mask=NO_PACKET_IN)
    assert list(switch.send(1, FRAME)) == [2]
    assert switch.packet_ins() == []
    switch.send(3, FRAME)
    switch.send(1, "arp")
    assert [told.in_port for told in switch.packet_ins()] == [3, 1]


@pytest.mark.parametrize(("size", "fits"), [(114, True), (115, False)])
def test_a_frame_longer_than_the_mtu_is_dropped(switch: Switch, size: int, fits: bool) -> None:
    switch.add_port(9, mtu=100)
    switch.add_flow("actions=output:9,output:2")
    assert sorted(switch.send(1, FRAME.ljust(size, b"\0"))) == ([2, 9] if fits else [2])
    assert switch.drops(9) == ({} if fits else {"mtu": 1})


def test_a_tag_does_not_count_for_the_mtu(switch: Switch) -> None:
    switch.add_port(9, mtu=100)
    switch.add_flow("actions=push_vlan:0x8100,output:9")
    assert list(switch.send(1, FRAME.ljust(114, b"\0"))) == [9]


# ---- the controller ----


def test_the_controller_is_told_everything(switch: Switch) -> None:
    switch.add_flow("actions=goto_table:4")
    switch.add_flow("table=4,cookie=0x99,tcp,actions=set_field:81->tcp_dst,CONTROLLER:16")
    assert switch.send(3, FRAME) == {}
    (told,) = switch.packet_ins()
    assert (told.in_port, told.reason, told.table, told.cookie) == (3, 1, 4, 0x99)
    assert len(told.data) == len(FRAME), "nothing is buffered, so all of it goes"
    assert int.from_bytes(told.data[36:38], "big") == 81


def test_a_table_miss_entry_has_a_reason_of_its_own(switch: Switch) -> None:
    switch.add_flow("priority=0,actions=CONTROLLER:65535")
    switch.send(1, FRAME)
    assert [told.reason for told in switch.packet_ins()] == [0]


def test_without_a_table_miss_entry_nobody_is_told(switch: Switch) -> None:
    switch.send(1, FRAME)
    assert switch.packet_ins() == []
    assert switch.drops(1) == {"table-miss": 1}
    switch.add_flow("priority=0,actions=CONTROLLER:65535")
    switch.send(1, FRAME)
    assert len(switch.packet_ins()) == 1


# ---- packet-outs ----


def out(
    switch: Switch, *actions: object, in_port: int = Reserved.CONTROLLER
) -> dict[int, list[bytes]]:
    switch.openflow(packet_out(actions, FRAME, in_port) + message(BARRIER))  # type: ignore[arg-type]
    return switch.received()


def test_a_packet_out_goes_to_its_port(switch: Switch) -> None:
    assert out(switch, Output(2)) == {2: [FRAME]}


@pytest.mark.parametrize(
    ("port", "in_port", "ports"),
    [
        (Reserved.FLOOD, 3, [1, 2, 4]),
        (Reserved.ALL, Reserved.CONTROLLER, [1, 2, 3, 4]),
        (Reserved.IN_PORT, 3, [3]),
        (3, 3, []),
    ],
)
def test_a_packet_out_knows_where_it_comes_from(
    switch: Switch, port: int, in_port: int, ports: list[int]
) -> None:
    assert sorted(out(switch, Output(port), in_port=in_port)) == ports


@pytest.mark.parametrize(
    "in_port", [0, Reserved.CONTROLLER, Reserved.ANY, Reserved.LOCAL], ids=str
)
def test_a_packet_out_may_come_from_no_port(switch: Switch, in_port: int) -> None:
    """0 is what programs send that leave it out; Open vSwitch takes it too."""
    assert out(switch, Output(2), in_port=in_port) == {2: [FRAME]}
    assert sorted(out(switch, Output(Reserved.FLOOD), in_port=in_port)) == [1, 2, 3, 4]
    assert out(switch, Output(Reserved.IN_PORT), in_port=in_port) == {}
    switch.add_flow("priority=2,in_port=1,actions=output:4")
    switch.add_flow("priority=1,actions=output:3")
    assert out(switch, Output(Reserved.TABLE), in_port=in_port) == {3: [FRAME]}


def test_a_packet_out_comes_from_a_port_as_long_as_it_is_there(switch: Switch) -> None:
    assert out(switch, Output(2), in_port=3) == {2: [FRAME]}
    switch.remove_port(3)
    with pytest.raises(OpenFlowRefusal) as refused:
        out(switch, Output(2), in_port=3)
    assert (refused.value.type, refused.value.code) == (1, 11)
    assert switch.received() == {}


def test_a_packet_out_may_go_through_the_tables(switch: Switch) -> None:
    switch.add_flow("tcp,tp_dst=81,in_port=3,actions=output:4")
    tables = Output(Reserved.TABLE)
    assert out(switch, SetField(BY_NAME["tcp_dst"], 81), tables, in_port=3)[4]
    assert out(switch, tables, in_port=3) == {}
    assert [flow.packets for flow in switch.dump_flows()] == [1]


def test_a_packet_out_sets_only_fields_that_the_packet_has(switch: Switch) -> None:
    switch.add_flow("tcp,tp_dst=80,actions=output:2")
    assert out(switch, SetField(BY_NAME["udp_dst"], 53), Output(Reserved.TABLE))[2] == [FRAME]


def test_a_packet_out_may_be_edited(switch: Switch) -> None:
    frame = out(switch, PushVlan(0x8100), SetField(BY_NAME["vlan_vid"], 0x1007), Output(2))[2][0]
    assert frame == FRAME[:12] + bytes.fromhex("81000007") + FRAME[12:]


def test_a_rule_before_a_packet_out_holds_for_it(switch: Switch) -> None:
    rule = flow_mod(parse_rule("actions=output:2"))
    switch.openflow(rule + packet_out((Output(Reserved.TABLE),), FRAME) + message(BARRIER))
    assert switch.received() == {2: [FRAME]}
    switch.delete_flows()


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        ({"buffer": 1}, (1, 8)),
        ({"in_port": 5}, (1, 11)),  # there are 1 to 4
        ({"in_port": Reserved.NORMAL}, (1, 11)),
        ({"in_port": 0xFFFFFF00}, (1, 11)),
        ({"frame": b"short"}, (1, 12)),
        ({"actions": 400}, (1, 6)),
    ],
)
def test_a_wrong_packet_out_is_refused(
    switch: Switch, damage: dict[str, object], error: tuple[int, int]
) -> None:
    data = bytearray(packet_out((Output(2),), damage.get("frame", FRAME)))  # type: ignore[arg-type]
    if "buffer" in damage:
        data[8:12] = bytes(4)
    if "in_port" in damage:
        data[12:16] = int(damage["in_port"]).to_bytes(4)  # type: ignore[call-overload]
    if "actions" in damage:
        data[16:18] = b"\1\x90"
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.openflow(bytes(data))
    assert (refused.value.type, refused.value.code) == error


def test_packet_ins_come_before_the_barriers_reply(switch: Switch) -> None:
    switch.add_flow("actions=CONTROLLER:65535")
    order = packet_out((Output(Reserved.TABLE),), FRAME) * 3 + message(BARRIER, xid=5)
    switch._send(Command.OPENFLOW, order, session=1)
    kinds = [m[1] for event in switch._events() for m in split(event.payload)]
    assert kinds == [10, 10, 10, 21]


def split(messages: bytes) -> list[bytes]:
    found = []
    while messages:
        size = int.from_bytes(messages[2:4], "big")
        found.append(messages[:size])
        messages = messages[size:]
    return found
