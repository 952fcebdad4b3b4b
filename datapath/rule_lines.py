"""Rules in a file, a line each, made into flow-mods: what ovs-ofctl's add-flows takes.

`#` begins a comment and blank lines say nothing.  A line may say itself what is done with its rule,
as in "delete tcp" or "modify_strict priority=5,tcp,actions=drop"; what the others mean is the
caller's word.  A flow-mod's xid is its line's number, so an answer about it finds the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from datapath.of13.rule import flow_mod
from datapath.ports import NAMELESS, PortNames
from datapath.problems import SyntaxProblem, TooLong
from datapath.rule import FlowCommand, parse_rule

_WORDS = {command.name.lower(): command for command in FlowCommand}


def flow_mods(
    lines: Iterable[str], command: FlowCommand = FlowCommand.ADD, ports: PortNames = NAMELESS
) -> Iterator[bytes]:
    """A flow-mod for each rule; SyntaxProblem says in which line which word is wrong."""
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                yield _flow_mod(text, command, ports, number)
            except SyntaxProblem as problem:
                where = f"line {number}: {problem.word or text}"
                raise SyntaxProblem(where, problem.why, problem.instead) from None
            except TooLong as problem:
                why = f"it is too long for a message of OpenFlow: {problem}"
                raise SyntaxProblem(f"line {number}", why, "use fewer actions") from None


def _flow_mod(text: str, command: FlowCommand, ports: PortNames, xid: int) -> bytes:
    first, _, rest = text.partition(" ")
    if first in _WORDS:
        command, text = _WORDS[first], rest
    return flow_mod(parse_rule(text, command, ports), command, xid)
