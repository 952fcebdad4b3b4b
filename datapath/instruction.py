"""Instructions: what a rule does, one dataclass each.

OpenFlow 1.3.5, section 5.9.  A rule carries out its instructions in one fixed
order, whatever their order on the wire: meter, apply, clear, write actions,
write metadata, go to a table.  Bytes are the business of `datapath.of13.instruction`.
"""

from __future__ import annotations

from dataclasses import dataclass

from datapath.action import Action

EVERY_BIT = 0xFFFF_FFFF_FFFF_FFFF
"""A metadata mask that replaces all of it."""


class Instruction:
    """Something a rule does; each kind is a frozen dataclass below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class GotoTable(Instruction):
    """Go on in a later table."""

    table: int


@dataclass(frozen=True, slots=True)
class WriteMetadata(Instruction):
    """Replace the bits of the metadata that 'mask' has."""

    value: int
    mask: int = EVERY_BIT


@dataclass(frozen=True, slots=True)
class WriteActions(Instruction):
    """Put actions into the packet's action set, for when its tables end."""

    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyActions(Instruction):
    """Carry out actions at once, in their order."""

    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ClearActions(Instruction):
    """Empty the packet's action set."""


@dataclass(frozen=True, slots=True)
class Meter(Instruction):
    """Hand the packet to a meter, which may drop it."""

    meter: int


@dataclass(frozen=True, slots=True)
class ExperimenterInstruction(Instruction):
    """Somebody's own instruction; 'data' follows the experimenter's number as it is."""

    experimenter: int
    data: bytes = b""
