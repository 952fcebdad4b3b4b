"""What flow-mods do to a table (OpenFlow 1.3.5, section 6.4), and how wrong ones are answered."""

from __future__ import annotations

import struct
from itertools import permutations

import pytest

from datapath.action import Output, PushMpls, SetField
from datapath.fields import BY_NAME
from datapath.instruction import (
    ApplyActions,
    ClearActions,
    GotoTable,
    Meter,
    WriteActions,
    WriteMetadata,
)
from datapath.of13.rule import flow_mod
from datapath.oxm import Match
from datapath.packet_text import parse_packet
from datapath.rule import ALL_TABLES, FlowCommand, Rule, parse_rule
from datapath.switch import OpenFlowRefusal, Switch
from datapath.testing import MakeSwitch
from datapath.wire import Reader
from tests.packet.messages import FLOW_REMOVED, message, statistics

TCP = "tcp,tp_dst=80"
STRICT, LOOSE = FlowCommand.MODIFY_STRICT, FlowCommand.MODIFY


def texts(switch: Switch) -> list[str]:
    """The rules in place: "table/priority match actions"."""
    return [str(flow.rule).split(", ", 1)[1] for flow in switch.dump_flows()]


def counts(switch: Switch) -> list[int]:
    return [flow.packets for flow in switch.dump_flows()]


# ---- add ----


def test_an_identical_rule_is_replaced_and_its_counters_stay(switch: Switch) -> None:
    switch.add_flow(f"{TCP},actions=output:2")
    switch.send(1, TCP)
    switch.advance(5)
    switch.add_flow(f"cookie=7,{TCP},actions=output:3")
    assert list(switch.send(1, TCP)) == [3]
    (flow,) = switch.dump_flows()
    assert (flow.packets, flow.rule.cookie, flow.duration) == (2, 7, 0.0)


def test_reset_counts_starts_a_replaced_rule_at_zero(switch: Switch) -> None:
    switch.add_flow(f"{TCP},actions=output:2")
    switch.send(1, TCP)
    switch.add_flow(f"reset_counts,{TCP},actions=output:3")
    assert counts(switch) == [0]
    switch.send(1, TCP)
    assert counts(switch) == [1]


def test_another_priority_is_another_rule(switch: Switch) -> None:
    switch.add_flow(f"priority=1,{TCP},actions=output:2")
    switch.add_flow(f"priority=2,{TCP},actions=output:3")
    assert len(switch.dump_flows()) == 2


def test_a_rule_is_told_as_it_was_accepted(switch: Switch) -> None:
    text = (
        "cookie=0x12, table=3, idle_timeout=5, hard_timeout=9, send_flow_rem reset_counts "
        "priority=77,tcp,dl_vlan=5,nw_src=10.0.0.0/8 actions=pop_vlan,output:2,goto_table:9"
    )
    switch.add_flow(text)
    assert [str(flow.rule) for flow in switch.dump_flows()] == [text]


# ---- overlap ----


@pytest.mark.parametrize(
    ("rule", "overlaps"),
    [
        ("tcp,nw_src=10.0.0.1", True),
        ("priority=9,tcp,nw_src=10.0.0.1", False),
        ("udp,nw_src=10.0.0.1", False),
        ("ip,nw_dst=10.0.0.0/8", True),
        ("table=1,tcp", False),
        (TCP, True),
    ],
)
def test_check_overlap_refuses_a_rule_that_shares_packets(
    switch: Switch, rule: str, overlaps: bool
) -> None:
    switch.add_flow(f"{TCP},actions=output:2")
    if not overlaps:
        switch.add_flow(f"check_overlap,{rule},actions=output:3")
        return
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(f"check_overlap,{rule},actions=output:3")
    assert (refused.value.type, refused.value.code) == (5, 3)
    assert len(switch.dump_flows()) == 1


# ---- modify ----


@pytest.fixture
def three(switch: Switch) -> Switch:
    """Rules for 80, for TCP and for IP, all output:2, with cookies 1, 2, 3."""
    switch.add_flow(f"cookie=1,priority=30,{TCP},actions=output:2")
    switch.add_flow("cookie=2,priority=20,tcp,actions=output:2")
    switch.add_flow("cookie=3,priority=10,ip,actions=output:3")
    return switch


def ports(switch: Switch) -> list[int]:
    """The port of each rule's single output, by falling priority."""
    found = []
    for flow in switch.dump_flows():
        (applied,) = flow.rule.instructions
        assert isinstance(applied, ApplyActions)
        (output,) = applied.actions
        assert isinstance(output, Output)
        found.append(output.port)
    return found


@pytest.mark.parametrize(
    ("command", "text", "after"),
    [
        (LOOSE, "tcp", [4, 4, 3]),
        (LOOSE, "", [4, 4, 4]),
        (LOOSE, "udp", [2, 2, 3]),
        (LOOSE, "cookie=2/0x2", [2, 4, 4]),
        (LOOSE, "cookie=0x5/0x5", [2, 2, 3]),
        (STRICT, "priority=20,tcp", [2, 4, 3]),
        (STRICT, "priority=21,tcp", [2, 2, 3]),
        (STRICT, "cookie=1,priority=20,tcp", [2, 2, 3]),
        (STRICT, "cookie=1,priority=30,tcp,tp_dst=80", [4, 2, 3]),
    ],
)
def test_a_modification_changes_what_it_means(
    three: Switch, command: FlowCommand, text: str, after: list[int]
) -> None:
    three.send(1, TCP)
    before = [(f.rule.cookie, f.rule.priority, f.packets) for f in three.dump_flows()]
    three.add_flow(f"{text}{',' if text else ''}actions=output:4", command)
    assert ports(three) == after
    assert [(f.rule.cookie, f.rule.priority, f.packets) for f in three.dump_flows()] == before
    assert list(three.send(1, TCP)) == [after[0]]


def test_a_modification_adds_nothing(switch: Switch) -> None:
    switch.add_flow(f"{TCP},actions=output:2", LOOSE)
    switch.add_flow(f"{TCP},actions=output:2", STRICT)
    assert switch.dump_flows() == []
    switch.add_flow(f"{TCP},actions=output:2")
    assert len(switch.dump_flows()) == 1


def test_a_modification_may_reset_counters(three: Switch) -> None:
    three.send(1, TCP)
    three.add_flow("reset_counts,tcp,actions=output:4", LOOSE)
    assert counts(three) == [0, 0, 0]
    three.send(1, TCP)
    assert counts(three) == [1, 0, 0]


def test_a_modification_keeps_timeouts_and_age(switch: Switch) -> None:
    switch.add_flow(f"hard_timeout=10,{TCP},actions=output:2")
    switch.advance(6)
    switch.add_flow(f"hard_timeout=100,{TCP},actions=output:3", LOOSE)
    (flow,) = switch.dump_flows()
    assert (flow.rule.hard_timeout, flow.duration) == (10, 6.0)
    switch.advance(4.5)
    assert switch.dump_flows() == []


def test_a_changed_rule_may_be_changed_again_in_one_breath(switch: Switch) -> None:
    steps = ((2, FlowCommand.ADD), (3, LOOSE), (4, FlowCommand.ADD), (3, STRICT))
    mods = [
        flow_mod(parse_rule(f"{TCP},actions=output:{port}"), command) for port, command in steps
    ]
    switch.openflow(b"".join(mods))
    assert list(switch.send(1, TCP)) == [3]
    assert counts(switch) == [1]


# ---- delete ----


@pytest.mark.parametrize(
    ("text", "strict", "left"),
    [
        ("", False, []),
        ("tcp", False, [3]),
        (TCP, False, [2, 3]),
        ("udp", False, [1, 2, 3]),
        ("out_port=2", False, [3]),
        ("out_port=4", False, [1, 2, 3]),
        ("cookie=3", False, [1, 2]),
        ("cookie=1/1", False, [2]),
        ("table=0", False, []),
        ("table=1", False, [1, 2, 3]),
        ("priority=20,tcp", True, [1, 3]),
        ("priority=20,tcp,out_port=9", True, [1, 2, 3]),
        ("priority=19,tcp", True, [1, 2, 3]),
        ("cookie=9,priority=20,tcp", True, [1, 2, 3]),
    ],
)
def test_a_deletion_takes_what_it_means(
    three: Switch, text: str, strict: bool, left: list[int]
) -> None:
    three.delete_flows(text, strict=strict)
    assert [flow.rule.cookie for flow in three.dump_flows()] == left


def test_a_deletion_reaches_all_tables(switch: Switch) -> None:
    switch.add_flows("\n".join(f"table={i},tcp,actions=output:2" for i in (0, 5, 254)))
    switch.add_flow("table=5,udp,actions=output:2")
    assert len(switch.dump_flows()) == 4
    switch.delete_flows("tcp")
    assert [flow.rule.table for flow in switch.dump_flows()] == [5]


def test_what_was_deleted_is_no_longer_hit(three: Switch) -> None:
    assert list(three.send(1, TCP)) == [2]
    three.delete_flows("priority=30,tcp,tp_dst=80", strict=True)
    three.delete_flows("priority=20,tcp", strict=True)
    assert list(three.send(1, TCP)) == [3]


def test_a_deletion_ignores_instructions(three: Switch) -> None:
    """Section 7.3.4.1: they mean nothing in a DELETE, whatever they are."""
    rule = parse_rule("tcp,actions=goto_table:9")
    broken = bytearray(flow_mod(rule, FlowCommand.DELETE))
    broken[-8:] = b"\xff\xff\0\7\0\0\0\0"
    three.add_flow(bytes(broken))
    assert [flow.rule.cookie for flow in three.dump_flows()] == [3]


# ---- limits ----


def test_a_full_switch_refuses_rules_and_takes_replacements(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_rules=4)
    for i in range(4):
        switch.add_flow(f"tcp,tp_dst={i},actions=output:2")
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow("tcp,tp_dst=9,actions=output:2")
    assert (refused.value.type, refused.value.code) == (5, 1)
    for _ in range(20):
        switch.add_flow("reset_counts,tcp,tp_dst=1,actions=output:3")
    switch.delete_flows("tcp,tp_dst=2")
    switch.add_flow("tcp,tp_dst=9,actions=output:2")
    assert len(switch.dump_flows()) == 4


def test_slots_come_back(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_rules=8)
    for turn in range(300):
        switch.add_flows("\n".join(f"tcp,tp_dst={turn + i},actions=output:2" for i in range(8)))
        assert switch.stats().rules == 8
        switch.delete_flows()
    assert switch.stats().rules == 0


# ---- errors, by type and code ----


def altered(**changed: int | bytes) -> bytes:
    """A correct flow-mod with single members changed."""
    members: dict[str, int | bytes] = {
        "cookie": 0, "cookie_mask": 0, "table": 0, "command": 0, "idle": 0, "hard": 0,
        "priority": 1, "buffer": 0xFFFFFFFF, "out_port": 0xFFFFFFFF, "out_group": 0xFFFFFFFF,
        "flags": 0, "match": Match().pack(), "instructions": b"",
    } | changed  # fmt: skip
    *numbers, match, instructions = members.values()
    body = struct.pack("!QQBBHHHIIIH2x", *numbers)
    return message(14, body + bytes(match) + bytes(instructions))  # type: ignore[arg-type]


def oxm(*tlvs: str) -> bytes:
    body = bytes.fromhex("".join(tlvs))
    size = 4 + len(body)
    return struct.pack("!HH", 1, size) + body + bytes(-size % 8)


# ---- instructions, in any order ----


def test_instructions_mean_the_same_in_any_order(switch: Switch) -> None:
    """Section 5.9: they are carried out in the standard's order, however they stand."""
    steps = (
        Meter(1),
        ApplyActions((SetField(BY_NAME["ipv4_dst"], 0x09090909),)),
        ClearActions(),
        WriteActions((SetField(BY_NAME["mpls_label"], 5), PushMpls(0x8847), Output(2))),
        WriteMetadata(7, 7),
        GotoTable(3),
    )
    match = Match.unpack(Reader(oxm(IP)))
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1000,burst_size=2000")
    switch.add_flow("table=3,metadata=7/7,actions=write_actions(set_queue:1)")
    frame = bytes(parse_packet("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80", 1).frame)
    labelled = frame[:12] + bytes.fromhex("88470000 5100".replace(" ", ""))
    for order in permutations(steps):
        switch.add_flow(Rule(match, order))
        (sent,) = switch.send(1, frame)[2]
        assert sent[:17] == labelled[:17]
        assert sent[34:38] == bytes((9, 9, 9, 9))


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    ("applied", "written", "fits"),
    [
        ([], ["set_dst"], True),
        (["push"], ["set_dst"], False),
        (["set_dst"], ["push"], True),
        (["push"], ["set_label"], True),
        ([], ["push", "set_label"], True),
        ([], ["set_label", "push"], True),  # a set is carried out in an order of its own
        (["set_label"], ["push"], False),
        ([], ["set_label"], False),
    ],
)
def test_what_is_written_relies_on_what_is_applied(
    switch: Switch, applied: list[str], written: list[str], fits: bool, turn: int
) -> None:
    """OFPBAC_MATCH_INCONSISTENT or not, whichever instruction stands first."""
    actions = {
        "push": PushMpls(0x8847),
        "set_dst": SetField(BY_NAME["ipv4_dst"], 1),
        "set_label": SetField(BY_NAME["mpls_label"], 5),
    }
    both = (
        ApplyActions(tuple(actions[name] for name in applied)),
        WriteActions(tuple(actions[name] for name in written)),
    )
    rule = Rule(Match.unpack(Reader(oxm(IP))), both[::turn])
    if fits:
        switch.add_flow(rule)
        return
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flow(rule)
    assert (refused.value.type, refused.value.code) == (2, 10)


def instruction(kind: int, body: str, size: int | None = None) -> bytes:
    data = bytes.fromhex(body)
    return struct.pack("!HH", kind, 4 + len(data) if size is None else size) + data


def apply(actions: str) -> bytes:
    return instruction(4, "00000000" + actions)


IP, PROTO_TCP, TAGGED = "80000a020800", "8000140106", "80000d0410001000"
OUTPUT_2 = "0000001000000002ffff000000000000"
WRONG: dict[str, tuple[bytes, tuple[int, int]]] = {
    "unknown command": (altered(command=5), (5, 6)),
    "unknown flag": (altered(flags=32), (5, 7)),
    "all tables for an addition": (altered(table=255), (5, 2)),
    "all tables for a modification": (altered(table=255, command=1), (5, 2)),
    "a buffer": (altered(buffer=7), (1, 8)),
    "no match": (message(14, altered()[8:48]), (1, 6)),
    "match type": (altered(match=bytes(8)), (4, 0)),
    "match length 3": (altered(match=b"\0\1\0\3\0\0\0\0"), (4, 1)),
    "match length beyond": (altered(match=b"\0\1\xff\0\0\0\0\0"), (4, 1)),
    "OXM of another class": (altered(match=oxm("ffff0a020800")), (4, 6)),
    "OXM of no field": (altered(match=oxm("8000fe00")), (4, 6)),
    "OXM too short": (altered(match=oxm("80000a0108")), (4, 1)),
    "OXM cut": (altered(match=oxm("80000a0208")), (4, 1)),
    "OXM twice": (altered(match=oxm(IP, IP)), (4, 10)),
    "OXM without prerequisite": (altered(match=oxm("80001a020050")), (4, 9)),
    "OXM prerequisite after": (altered(match=oxm(PROTO_TCP, IP)), (4, 9)),
    "OXM mask not allowed": (altered(match=oxm("80000b040800ffff")), (4, 8)),
    "OXM value outside mask": (altered(match=oxm(IP, "800017080a000001ff000000")), (4, 5)),
    "OXM value too large": (altered(match=oxm(IP, "800010" + "0140")), (4, 7)),
    "VLAN id without a tag": (altered(match=oxm("80000c020005")), (4, 7)),
    "unknown instruction": (altered(instructions=instruction(9, "00000000")), (3, 0)),
    "instruction length 0": (altered(instructions=instruction(1, "01000000", 0)), (3, 7)),
    "instruction beyond": (altered(instructions=instruction(1, "01000000", 16)), (3, 7)),
    "instruction twice": (altered(instructions=instruction(1, "01000000") * 2), (3, 1)),
    "goto backwards": (altered(table=3, instructions=instruction(1, "02000000")), (3, 2)),
    "a meter that is not there": (altered(instructions=instruction(6, "00000001")), (12, 2)),
    "a meter that is not for rules": (altered(instructions=instruction(6, "fffffffe")), (12, 2)),
    "an experimenter's instruction": (
        altered(instructions=instruction(0xFFFF, "00002320")),
        (3, 5),
    ),
    "unknown action": (altered(instructions=apply("00630008" + "00000000")), (2, 0)),
    "action length 0": (altered(instructions=apply("00120000" + "00000000")), (2, 1)),
    "action length 4": (altered(instructions=apply("00120004" + "00000000")), (2, 1)),
    "action beyond": (altered(instructions=apply("00000018" + OUTPUT_2[8:])), (2, 1)),
    "output of 8 bytes": (altered(instructions=apply("0000000800000002")), (2, 1)),
    "output to port 0": (altered(instructions=apply("00000010" + "00" * 12)), (2, 4)),
    "push of a strange tag": (altered(instructions=apply("0011000812340000")), (2, 5)),
    "set-field without prerequisite": (
        altered(instructions=apply("0019001080001a0200500000" + "00000000")),
        (2, 10),
    ),
    "set-field of in_port": (
        altered(instructions=apply("0019001080000004" + "00000001" + "00000000")),
        (2, 13),
    ),
    "set-field of a VLAN without its bit": (
        altered(
            match=oxm(TAGGED), instructions=apply("0019001080000c02" + "0005" + "000000000000")
        ),
        (2, 15),
    ),
    "set-field with a mask": (
        altered(instructions=apply("001900188000070c" + "00" * 16)),
        (2, 13),
    ),
    "set-field too short": (altered(instructions=apply("0019001080000605" + "00" * 8)), (2, 14)),
    "too long": (altered(instructions=apply(OUTPUT_2 * 600)), (2, 7)),
    "another version": (b"\1" + altered()[1:], (1, 0)),
    "a message for controllers": (message(FLOW_REMOVED, bytes(48)), (1, 1)),
    "unknown statistics": (statistics(99), (1, 2)),
    "statistics in parts": (statistics(3, flags=1), (1, 13)),
    "flow statistics cut": (statistics(1, bytes(8)), (1, 6)),
    "port statistics of no port": (statistics(4, struct.pack("!I4x", 99)), (1, 11)),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_message_is_answered_and_changes_nothing(switch: Switch, what: str) -> None:
    data, error = WRONG[what]
    switch.add_flow("priority=5,actions=output:2")
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.openflow(data)
    assert (refused.value.type, refused.value.code) == error
    assert refused.value.message[12:] == data[:64]
    assert texts(switch) == ["table=0, priority=5 actions=output:2"]


def test_messages_after_a_wrong_one_are_carried_out(switch: Switch) -> None:
    good = flow_mod(parse_rule("actions=output:2"))
    with pytest.raises(OpenFlowRefusal):
        switch.openflow(altered(command=9) + good)
    assert list(switch.send(1, TCP)) == [2]


# ---- all or nothing ----


@pytest.mark.parametrize("at", range(6))
def test_a_transaction_that_fails_anywhere_changes_nothing(switch: Switch, at: int) -> None:
    """HARDENING S5: the change that fails stands at each index once."""
    switch.add_flow(f"cookie=1,{TCP},actions=output:2")
    switch.add_flow("cookie=2,priority=9,udp,actions=output:2")
    switch.send(1, TCP)
    before = [(str(f.rule), f.packets) for f in switch.dump_flows()]
    changes = [
        flow_mod(parse_rule(f"{TCP},actions=output:3")),
        flow_mod(parse_rule("tcp,actions=output:4"), LOOSE),
        flow_mod(parse_rule("udp", FlowCommand.DELETE), FlowCommand.DELETE),
        flow_mod(parse_rule(f"reset_counts,{TCP},actions=output:1")),
        flow_mod(Rule(table=ALL_TABLES), FlowCommand.DELETE),
    ]
    changes.insert(at, altered(table=ALL_TABLES))
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.atomic(changes)
    assert (refused.value.type, refused.value.code) == (5, 2)
    assert sorted((str(f.rule), f.packets) for f in switch.dump_flows()) == sorted(before)
    assert list(switch.send(1, TCP)) == [2]
    assert switch.flow_removed() == []


def test_a_transaction_is_one_change(switch: Switch) -> None:
    version = switch.stats().version
    switch.add_flows("\n".join(f"tcp,tp_dst={i},actions=output:2" for i in range(50)))
    assert switch.stats().version == version + 1


def test_a_transaction_takes_nothing_but_flow_mods(switch: Switch) -> None:
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.atomic([flow_mod(parse_rule("actions=drop")), message(20)])
    assert (refused.value.type, refused.value.code) == (1, 1)
    assert switch.dump_flows() == []
    switch.atomic([flow_mod(parse_rule("actions=drop"))])
    assert len(switch.dump_flows()) == 1


def rules_of_many_frames(last: str) -> str:
    """Some 150 KB of flow-mods, one a line."""
    lines = [f"udp,tp_dst={port},actions=output:2" for port in range(1, 2000)]
    return "\n".join([*lines, last])


def test_a_transaction_of_many_frames_is_one_change(switch: Switch) -> None:
    version = switch.stats().version
    switch.add_flows(rules_of_many_frames("tcp,actions=output:3"))
    assert (switch.stats().rules, switch.stats().version) == (2000, version + 1)
    assert list(switch.send(1, "udp,tp_dst=1")) == [2]


def test_a_transaction_of_many_frames_that_fails_at_its_end_changes_nothing(
    switch: Switch,
) -> None:
    switch.add_flow("tcp,actions=output:3")
    version = switch.stats().version
    with pytest.raises(OpenFlowRefusal) as refused:
        switch.add_flows(rules_of_many_frames("table=1,ip,actions=group:9"))
    assert (refused.value.type, refused.value.code) == (2, 9)  # OFPBAC_BAD_OUT_GROUP
    assert (switch.stats().rules, switch.stats().version) == (1, version)


def test_a_transaction_of_more_than_the_switch_keeps_changes_nothing(switch: Switch) -> None:
    one = flow_mod(parse_rule("actions=drop"))
    with pytest.raises(OSError, match="at most 67108864 bytes"):
        switch.atomic([one] * (67108864 // len(one) + 1))
    assert switch.dump_flows() == []
    switch.atomic([one])
    assert len(switch.dump_flows()) == 1
