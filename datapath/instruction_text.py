"""What follows "actions=" in a rule: actions to apply, and instructions among them.

"meter:1,output:2,write_actions(group:3),goto_table:4".  Instructions are carried
out in one fixed order, so they must be written in it: ovs-ofctl asks the same,
and nobody reads an order into a rule that it does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from datapath.action_text import (
    ActionList,
    format_action_list,
    parse_action_list,
    parse_experimenter,
    split_action,
)
from datapath.instruction import (
    EVERY_BIT,
    ApplyActions,
    ClearActions,
    ExperimenterInstruction,
    GotoTable,
    Instruction,
    Meter,
    WriteActions,
    WriteMetadata,
)
from datapath.oxm import Match
from datapath.ports import NAMELESS, PortNames
from datapath.problems import SyntaxProblem
from datapath.syntax import parse_number, split_words


def _meter(argument: str, word: str, before: ActionList) -> Instruction:
    return Meter(parse_number(argument, 32, word))


def _clear_actions(argument: str, word: str, before: ActionList) -> Instruction:
    return ClearActions()


def _write_actions(argument: str, word: str, before: ActionList) -> Instruction:
    return WriteActions(parse_action_list(argument, before.known, before.ports))


def _write_metadata(argument: str, word: str, before: ActionList) -> Instruction:
    value, slash, mask = argument.partition("/")
    return WriteMetadata(
        parse_number(value, 64, word), parse_number(mask, 64, word) if slash else EVERY_BIT
    )


def _goto_table(argument: str, word: str, before: ActionList) -> Instruction:
    table = parse_number(argument, 8, word)
    if table == 0xFF:
        raise SyntaxProblem(word, "255 means all tables", "write 0 to 254")
    return GotoTable(table)


def _experimenter(argument: str, word: str, before: ActionList) -> Instruction:
    return ExperimenterInstruction(*parse_experimenter(argument, word))


_READERS: dict[str, Callable[[str, str, ActionList], Instruction]] = {
    "meter": _meter,
    "clear_actions": _clear_actions,
    "write_actions": _write_actions,
    "write_metadata": _write_metadata,
    "goto_table": _goto_table,
    "experimenter_instruction": _experimenter,
}

_ORDER = (
    Meter,
    ApplyActions,
    ClearActions,
    WriteActions,
    WriteMetadata,
    GotoTable,
    ExperimenterInstruction,
)
"""The order in which a switch carries them out (OpenFlow 1.3.5, section 5.9)."""


def parse_instructions(
    text: str,
    match: Match = Match(),  # noqa: B008
    ports: PortNames = NAMELESS,
) -> tuple[Instruction, ...]:
    """The instructions that 'text' means for packets that meet 'match'; "drop" is none."""
    words = split_words(text)
    if "drop" in words and len(words) > 1:
        raise SyntaxProblem("drop", "something else stands beside it", "write drop alone")
    applied = ActionList(match, ports)
    found: list[Instruction] = []
    for word in words:
        name, argument = split_action(word)
        if name in _READERS:
            _append(found, _READERS[name](argument, word, applied), word)
        elif name != "drop":
            _append(found, ApplyActions(), word)
            for inner in split_words(argument) if name == "apply_actions" else [word]:
                applied.add_word(inner)
    if any(isinstance(item, WriteActions | GotoTable) for item in found):
        applied.leave_queue()
    return tuple(
        ApplyActions(tuple(applied.actions)) if isinstance(item, ApplyActions) else item
        for item in found
    )


def _append(found: list[Instruction], new: Instruction, word: str) -> None:
    """Keeps an instruction if it may stand here; all applied actions are one instruction."""
    if not found or _ORDER.index(type(found[-1])) < _ORDER.index(type(new)):
        found.append(new)
    elif not (isinstance(new, ApplyActions) and isinstance(found[-1], ApplyActions)):
        raise SyntaxProblem(
            word,
            "it stands after something that is carried out later, or twice",
            "write meter, actions, clear_actions, write_actions, write_metadata, goto_table"
            " in this order",
        )


def _format_metadata(item: WriteMetadata, ports: PortNames) -> str:
    mask = "" if item.mask == EVERY_BIT else f"/{item.mask:#x}"
    return f"write_metadata:{item.value:#x}{mask}"


_FORMATS: dict[type[Instruction], Callable[[Any, PortNames], str]] = {
    Meter: lambda item, _: f"meter:{item.meter}",
    ApplyActions: lambda item, ports: (
        format_action_list(item.actions, ports) if item.actions else ""
    ),
    ClearActions: lambda item, _: "clear_actions",
    WriteActions: lambda item, ports: f"write_actions({format_action_list(item.actions, ports)})",
    WriteMetadata: _format_metadata,
    GotoTable: lambda item, _: f"goto_table:{item.table}",
    ExperimenterInstruction: lambda item, _: (
        f"experimenter_instruction({item.experimenter:#x},{item.data.hex()})"
    ),
}


def format_instructions(
    instructions: tuple[Instruction, ...], ports: PortNames = NAMELESS
) -> str:
    """Instructions as `ovs-ofctl dump-flows` prints them, in the order they are carried out."""
    ordered = sorted(instructions, key=lambda item: _ORDER.index(type(item)))
    words = [_FORMATS[type(item)](item, ports) for item in ordered]
    return ",".join(word for word in words if word) or "drop"
