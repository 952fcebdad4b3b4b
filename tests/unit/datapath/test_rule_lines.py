"""Rules in a file: comments, blank lines, commands, and errors with their lines."""

from __future__ import annotations

import time

import pytest

from datapath.of13.rule import flow_mod
from datapath.ports import PortNames
from datapath.problems import SyntaxProblem
from datapath.rule import FlowCommand, parse_rule
from datapath.rule_lines import flow_mods

FILE = """\
# what the office may do
priority=5,tcp,tp_dst=80,actions=output:2   # the web

  delete tcp,tp_dst=23
modify_strict priority=5,tcp,actions=drop
delete
"""


def test_a_line_is_a_flow_mod_whose_xid_is_its_number() -> None:
    assert list(flow_mods(FILE.splitlines())) == [
        flow_mod(parse_rule("priority=5,tcp,tp_dst=80,actions=output:2"), FlowCommand.ADD, 2),
        flow_mod(parse_rule("tcp,tp_dst=23", FlowCommand.DELETE), FlowCommand.DELETE, 4),
        flow_mod(
            parse_rule("priority=5,tcp,actions=drop", FlowCommand.MODIFY_STRICT),
            FlowCommand.MODIFY_STRICT, 5,
        ),
        flow_mod(parse_rule("", FlowCommand.DELETE), FlowCommand.DELETE, 6),
    ]


def test_the_others_are_what_the_caller_says() -> None:
    (made,) = flow_mods(["tcp,actions=eth1\n"], FlowCommand.MODIFY, PortNames({"eth1": 7}))
    rule = parse_rule("tcp,actions=output:7", FlowCommand.MODIFY)
    assert made == flow_mod(rule, FlowCommand.MODIFY, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# x\n\ntp_dst=80,actions=drop", "line 3: tp_dst=80: tp_dst alone says nothing"),
        ("tcp", "line 1: tcp: it doesn't say what to do"),
        ("add", "line 1: add: it doesn't say what to do"),
        ("actions=" + "output:1," * 5000, "line 1: it is too long for a message of OpenFlow"),
        ("delete priority=5,tcp", "line 1: priority: flows are chosen by it only in a strict del"),
    ],
)
def test_an_error_says_the_line_and_the_word(text: str, why: str) -> None:
    with pytest.raises(SyntaxProblem) as problem:
        list(flow_mods(text.splitlines()))
    assert str(problem.value).startswith(why)


@pytest.mark.slow
def test_twenty_thousand_lines_take_less_than_a_second_of_processor() -> None:
    lines = [
        f"table=0,priority={n},tcp,in_port=eth{n % 40},nw_src=10.0.{n >> 8}.{n & 255},tp_dst={n},"
        f"actions=set_field:00:00:00:00:00:01->eth_dst,output:eth{n % 40}"
        for n in range(20_000)
    ]
    ports = PortNames({f"eth{n}": n + 1 for n in range(40)})
    began = time.process_time()
    size = sum(map(len, flow_mods(lines, ports=ports)))
    assert time.process_time() - began < 1
    assert size == 20_000 * 128
