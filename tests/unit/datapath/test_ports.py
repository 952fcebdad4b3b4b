"""Names of ports in matches, actions and groups: read, written, and refused where two are meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.group import GroupCommand
from datapath.group_text import format_group, parse_group
from datapath.match_text import format_match, parse_match
from datapath.ports import PortNames, Reserved
from datapath.problems import SyntaxProblem
from datapath.rule import FlowCommand, format_rule, parse_rule

PORTS = PortNames(
    {"eth1": 1, "eth2": 2, "veth-3.10": 3, "7": 4, "8": 8, "flood": 5, "br0": Reserved.LOCAL}
)

READ = {
    "in_port=eth1,actions=output:eth2": "in_port=1,actions=output:2",
    "in_port=br0,actions=output:br0": "in_port=LOCAL,actions=LOCAL",
    'in_port="eth1",actions=output:"veth-3.10"': "in_port=1,actions=output:3",
    "actions=output:veth-3.10": "actions=output:3",
    "actions=eth1,eth2": "actions=output:1,output:2",
    'actions="eth1"': "actions=output:1",
    "actions=veth-3.10": "actions=output:3",
    "actions=enqueue:eth1:5": "actions=enqueue:1:5",
    'actions=enqueue("eth1",5)': "actions=enqueue:1:5",
    "actions=write_actions(output:eth2),goto_table:1": (
        "actions=write_actions(output:2),goto_table:1"
    ),
    "actions=apply_actions(output:eth2)": "actions=output:2",
    'in_port="7",actions=output:"flood"': "in_port=4,actions=output:5",
    "in_port=8": "in_port=8",
    "in_port=0x7": "in_port=0x7",
    "actions=FLOOD,ALL": "actions=FLOOD,all",
    "actions=drop": "actions=drop",
}
"""Rules with names -> the same without ("FLOOD": in capitals no port is called so)."""

REFUSED = {
    "in_port=eth9": "no port has this name; write a number or 7, 8, br0",
    'in_port="eth9"': "no port has this name; there are 7, 8, br0",
    "in_port=7": 'it is port 7, and the name of port 4; write 0x7 for the one, "7" in quotes',
    "actions=output:7": "it is port 7, and the name of port 4",
    "actions=7": "it is port 7, and the name of port 4",
    "actions=flood": "it is port FLOOD, and the name of port 5; write FLOOD for the one",
    "actions=output:flood": "it is port FLOOD, and the name of port 5",
    "actions=enqueue:7:1": "it is port 7, and the name of port 4",
    'in_port="eth1': "its quotes hold no text",
    "actions=ETH1": "no action has this name",
    "actions=output:ETH1": "no port has this name",
}


@pytest.mark.parametrize(("text", "same"), READ.items())
def test_a_name_means_its_port_s_number(text: str, same: str) -> None:
    command = FlowCommand.ADD if "actions" in text else FlowCommand.DELETE
    assert parse_rule(text, command, PORTS) == parse_rule(same, command)


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_what_may_mean_two_ports_or_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(SyntaxProblem) as problem:
        parse_rule(text, FlowCommand.ADD if "actions" in text else FlowCommand.DELETE, PORTS)
    assert why in str(problem.value)


def test_names_are_written_and_quoted_as_ovs_ofctl_does() -> None:
    assert [PORTS.write(n) for n in (1, 2, 3, 4, 5, 6, Reserved.LOCAL, Reserved.FLOOD)] == [
        "eth1", "eth2", '"veth-3.10"', '"7"', '"flood"', "6", "LOCAL", "FLOOD",
    ]  # fmt: skip


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 8, Reserved.LOCAL])
def test_what_is_written_is_read_again(number: int) -> None:
    rule = parse_rule(f"in_port={number:#x},actions=IN_PORT,output:{number:#x}", ports=PORTS)
    assert parse_rule(format_rule(rule, ports=PORTS), ports=PORTS) == rule
    match = parse_match(f"in_port={number:#x}", PORTS)
    assert parse_match(format_match(match, PORTS), PORTS) == match


def test_groups_have_names_in_buckets_and_in_what_they_watch() -> None:
    text = "group_id=1,type=ff,bucket=watch_port:eth1,actions=output:eth2"
    group = parse_group(text, GroupCommand.ADD, PORTS)
    assert group == parse_group("group_id=1,type=ff,bucket=watch_port:1,actions=output:2")
    assert format_group(group, PORTS) == text
    with pytest.raises(SyntaxProblem, match="it is port 7, and the name of port 4"):
        parse_group("group_id=1,type=ff,bucket=watch_port:7,actions=drop", ports=PORTS)


def test_a_deletion_may_name_the_port_that_it_is_narrowed_to() -> None:
    assert parse_rule("out_port=eth2", FlowCommand.DELETE, PORTS).out_port == 2


_NAMES = st.sampled_from(
    ["eth1", "veth-3.10", "1", "2", "0x2", "0x02", "7", "LOCAL", "local", "FLOOD", "flood", "none",
     "ANY", "drop", "output", "4294967291", "0xfffffffb", "a.b", "_x"]
)  # fmt: skip
_NUMBERS = st.sampled_from([1, 2, 3, 7, 65279, int(Reserved.LOCAL)])


@given(st.dictionaries(_NAMES, _NUMBERS, max_size=12))
def test_whatever_ports_are_called_what_is_written_is_read_as_it_was(names: dict[str, int]) -> None:
    one_each = {number: name for name, number in names.items()}
    ports = PortNames({name: number for number, name in one_each.items()})
    outputs = [1, 2, 3, 7, 65279, Reserved.LOCAL, Reserved.FLOOD, Reserved.ALL, Reserved.IN_PORT]
    for number in outputs:
        assert ports.read(ports.write(number)) == number
    text = ",".join(f"output:{number:#010x}" for number in outputs)
    rule = parse_rule(f"in_port=0x000007,actions={text}")
    assert parse_rule(format_rule(rule, ports=ports), ports=ports) == rule


@given(st.dictionaries(_NAMES, _NUMBERS, max_size=12), _NAMES)
def test_a_bare_word_never_means_one_of_two(names: dict[str, int], word: str) -> None:
    ports = PortNames(names)
    try:
        number = ports.read(word)
    except SyntaxProblem:
        return
    assert number == names.get(word, number)
    try:
        assert number == PortNames().read(word)
    except SyntaxProblem:
        assert word in names
