"""A rule: which packets, and what is done to them, as a model and as text.

The text is ovs-ofctl's, in both of its dialects: what people write
("table=0,priority=100,tcp,tp_dst=80,actions=output:2") and what `dump-flows`
prints, counters included, so that a dump can be fed back.  Bytes are the business of
`datapath.of13.rule`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from itertools import starmap
from typing import Any

from datapath.instruction import Instruction
from datapath.instruction_text import format_instructions, parse_instructions
from datapath.match_text import format_match, match_of_words
from datapath.oxm import Match, term
from datapath.ports import NAMELESS, PortNames, Reserved
from datapath.problems import SyntaxProblem
from datapath.syntax import parse_number, split_words

ALL_TABLES = 0xFF
ANY_GROUP = 0xFFFFFFFF
NO_BUFFER = 0xFFFFFFFF
DEFAULT_PRIORITY = 0x8000
EVERY_COOKIE_BIT = 0xFFFF_FFFF_FFFF_FFFF


class FlowCommand(IntEnum):
    """What a flow-mod does (ofp_flow_mod_command)."""

    ADD = 0
    MODIFY = 1
    MODIFY_STRICT = 2
    DELETE = 3
    DELETE_STRICT = 4


class Flags(IntFlag):
    """How a rule is kept (ofp_flow_mod_flags); the names are ovs-ofctl's words."""

    NONE = 0
    SEND_FLOW_REM = 1
    CHECK_OVERLAP = 2
    RESET_COUNTS = 4
    NO_PACKET_COUNTS = 8
    NO_BYTE_COUNTS = 16


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, or for a change or deletion which rules are meant.

    Timeouts are seconds, 0 for none.  'cookie_mask', 'out_port' and 'out_group'
    narrow a change or deletion and mean nothing when a rule is added.
    """

    match: Match = Match()  # noqa: RUF009
    instructions: tuple[Instruction, ...] = ()
    table: int = 0
    priority: int = DEFAULT_PRIORITY
    cookie: int = 0
    idle_timeout: int = 0
    hard_timeout: int = 0
    flags: Flags = Flags.NONE
    cookie_mask: int = 0
    out_port: int = Reserved.ANY
    out_group: int = ANY_GROUP

    def __str__(self) -> str:
        return format_rule(self)


def parse_rule(
    text: str, command: FlowCommand = FlowCommand.ADD, ports: PortNames = NAMELESS
) -> Rule:
    """The rule that 'text' means, or for other commands the rules that are meant.

    To add and to modify, "actions=" must be there.  To delete it may be missing,
    all tables are meant unless one is named, a cookie without a mask must match
    wholly, and out_port and out_group narrow what is deleted.  'ports' has the names
    that a port may be told by.  SyntaxProblem names the word that is wrong.
    """
    head, actions = _split_actions(text)
    deleting = command in (FlowCommand.DELETE, FlowCommand.DELETE_STRICT)
    values: dict[str, Any] = {"table": ALL_TABLES} if deleting else {}
    rest = []
    for word in split_words(head):
        key, _, value = word.partition("=")
        if key in _READERS:
            _READERS[key](values, value, word, ports)
        elif key not in _COUNTERS:
            rest.append(word)
    _check_words(values, command)
    match = match_of_words(rest, ports)
    if actions is None and not deleting:
        raise SyntaxProblem(text, "it doesn't say what to do", "add actions=..., or actions=drop")
    instructions = _instructions(actions or "", _context(match), ports)
    return Rule(match=match, instructions=instructions, **values)


_CONTEXT = frozenset(("eth_type", "ip_proto", "vlan_vid", "icmpv6_type"))
"""Fields of a match by which words of actions are understood."""


def _context(match: Match) -> tuple[tuple[str, int, int | None], ...]:
    """What of a match tells what actions mean, as a key that is quickly compared."""
    return tuple([(t.field.name, t.value, t.mask) for t in match.terms if t.field.name in _CONTEXT])


@functools.lru_cache(maxsize=256)
def _instructions(
    text: str, context: tuple[tuple[str, int, int | None], ...], ports: PortNames
) -> tuple[Instruction, ...]:
    """Instructions in words; many rules of a file have the same."""
    return parse_instructions(text, Match(tuple(starmap(term, context))), ports)


_Reader = Callable[[dict[str, Any], str, str, PortNames], None]


_ACTIONS = re.compile(r"\bactions?\s*=")


def _split_actions(text: str) -> tuple[str, str | None]:
    found = _ACTIONS.search(text)
    return (text[: found.start()], text[found.end() :]) if found else (text, None)


def _check_words(values: dict[str, Any], command: FlowCommand) -> None:
    """What a word may say depends on what is done with the rule."""
    if command is FlowCommand.ADD:
        refused = {"cookie_mask", "out_port", "out_group"} & values.keys()
        why, instead = "it only narrows a change or deletion", "leave it out"
    elif command is FlowCommand.DELETE:
        refused = {"priority"} & values.keys()
        why, instead = (
            "flows are chosen by it only in a strict deletion",
            "leave it out, or delete strictly",
        )
    else:
        refused = set()
        why = instead = ""
    if refused:
        raise SyntaxProblem(", ".join(sorted(refused)), why, instead)
    if command is not FlowCommand.ADD and "cookie" in values:
        values.setdefault("cookie_mask", EVERY_COOKIE_BIT)


def _number(name: str, bits: int) -> _Reader:
    def read(values: dict[str, Any], value: str, word: str, ports: PortNames) -> None:
        values[name] = parse_number(value, bits, word)

    return read


def _cookie(values: dict[str, Any], value: str, word: str, ports: PortNames) -> None:
    cookie, slash, mask = value.partition("/")
    values["cookie"] = parse_number(cookie, 64, word)
    if slash:
        values["cookie_mask"] = EVERY_COOKIE_BIT if mask == "-1" else parse_number(mask, 64, word)


def _out_port(values: dict[str, Any], value: str, word: str, ports: PortNames) -> None:
    values["out_port"] = ports.read(value, word)


def _flag(values: dict[str, Any], value: str, word: str, ports: PortNames) -> None:
    if word.upper() not in Flags.__members__:
        raise SyntaxProblem(word, "a flag has no value", f"write {word.partition('=')[0]} alone")
    values["flags"] = values.get("flags", Flags.NONE) | Flags[word.upper()]


def _importance(values: dict[str, Any], value: str, word: str, ports: PortNames) -> None:
    raise SyntaxProblem(word, "OpenFlow 1.3 knows no importance", "leave it out")


_READERS: dict[str, _Reader] = {
    "table": _number("table", 8),
    "priority": _number("priority", 16),
    "idle_timeout": _number("idle_timeout", 16),
    "hard_timeout": _number("hard_timeout", 16),
    "out_group": _number("out_group", 32),
    "cookie": _cookie,
    "out_port": _out_port,
    "importance": _importance,
    **{flag.name.lower(): _flag for flag in Flags if flag.name},
}
_COUNTERS = {"duration", "n_packets", "n_bytes", "idle_age", "hard_age"}
"""Words of a dump that say how a rule fared rather than what it is."""


def format_rule(
    rule: Rule, duration: str = "", counters: str = "", ports: PortNames = NAMELESS
) -> str:
    """The rule as a line of `ovs-ofctl dump-flows`; parse_rule reads it back.

    'duration' ("duration=3.2s") and 'counters' ("n_packets=4, n_bytes=392") are what
    a dump says beside the rule itself.
    """
    words = [_format_cookie(rule), duration, f"table={rule.table}", counters]
    words += [f"{name}={getattr(rule, name)}" for name in _TIMEOUTS if getattr(rule, name)]
    words += [f"out_port={ports.write(rule.out_port)}"] if rule.out_port != Reserved.ANY else []
    words += [f"out_group={rule.out_group}"] if rule.out_group != ANY_GROUP else []
    flags = [f"{flag.name.lower()} " for flag in Flags if flag & rule.flags and flag.name]
    priority = f"priority={rule.priority}" if rule.priority != DEFAULT_PRIORITY else ""
    match = ",".join(word for word in (priority, format_match(rule.match, ports)) if word)
    head = ", ".join(word for word in words if word)
    actions = format_instructions(rule.instructions, ports)
    return f"{head}, {''.join(flags)}{match} actions={actions}"


_TIMEOUTS = ("idle_timeout", "hard_timeout")


def _format_cookie(rule: Rule) -> str:
    mask = f"/{rule.cookie_mask:#x}" if rule.cookie_mask else ""
    return f"cookie={rule.cookie:#x}{mask}"
