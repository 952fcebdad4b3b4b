"""Ports in words: their numbers, OpenFlow's reserved ones, and names that a bridge's ports have.

Reserved names (OpenFlow 1.3.5, section 7.2.1) are written in capitals, as ovs-ofctl prints them,
and read in any case.  `PortNames` adds the names of one bridge's ports: `eth1`, or as ovs-ofctl
quotes what could be taken for something else, `"eth1.10"`.  What is in quotes is always a name.
A bare word that is a number or reserved, and is another port's name at the same time, is refused:
whichever of the two was meant, the other one would be a hole in a rule.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from enum import IntEnum

from datapath.problems import SyntaxProblem

PORT_MAX = 0xFFFFFF00
"""The largest number that a port of a switch may have."""


class Reserved(IntEnum):
    """Port numbers that are places rather than ports."""

    IN_PORT = 0xFFFFFFF8
    TABLE = 0xFFFFFFF9
    NORMAL = 0xFFFFFFFA
    FLOOD = 0xFFFFFFFB
    ALL = 0xFFFFFFFC
    CONTROLLER = 0xFFFFFFFD
    LOCAL = 0xFFFFFFFE
    ANY = 0xFFFFFFFF


_RESERVED = {**Reserved.__members__, "NONE": Reserved.ANY}
"""Word -> number; "none" is ovs-ofctl's other word for ANY."""
_NUMBERS = frozenset(Reserved)


class PortNames:
    """The names of a bridge's ports, by which they are read and written beside their numbers.

    'numbers' is name -> number.  Immutable.
    """

    __slots__ = ("_names", "_numbers")

    def __init__(self, numbers: Mapping[str, int] | None = None) -> None:
        self._numbers = dict(numbers or {})
        self._names = {number: name for name, number in self._numbers.items()}

    def read(self, text: str, word: str = "") -> int:
        """A port's number from "3", "0x3", "LOCAL", "eth1", '"eth1"'.

        SyntaxProblem otherwise, about 'word' if that is given.
        """
        if text.startswith('"'):
            return self._quoted(text, word or text)
        meant, named = self._meant(text, word or text), self._numbers.get(text)
        if named is None:
            if meant is None:
                known = [*sorted(self._numbers)[:8], *Reserved.__members__]
                instead = f"write a number or {', '.join(known)}"
                raise SyntaxProblem(word or text, "no port has this name", instead)
            return meant
        if meant is not None and meant != named:
            why = f"it is port {format_port(meant)}, and the name of port {format_port(named)}"
            instead = f'write {self._bare(meant)} for the one, "{text}" in quotes for the other'
            raise SyntaxProblem(word or text, why, instead)
        return named

    def knows(self, text: str) -> bool:
        """Is it the name of a port, bare or in quotes?"""
        return text in self._numbers or text.startswith('"')

    def write(self, number: int) -> str:
        """A port as ovs-ofctl prints it: "LOCAL", its name (in quotes if need be), else "3"."""
        name = None if number in _NUMBERS else self._names.get(number)
        if name is None:
            return self._bare(number)
        return name if _is_plain(name) else json.dumps(name)

    def _bare(self, number: int) -> str:
        """A number or reserved name in a spelling that is no other port's name."""
        spellings = _spellings(number)
        return next(text for text in spellings if self._numbers.get(text, number) == number)

    def _quoted(self, text: str, word: str) -> int:
        try:
            name = json.loads(text)
        except ValueError:
            raise SyntaxProblem(word, "its quotes hold no text", 'write "NAME"') from None
        if name not in self._numbers:
            known = ", ".join(sorted(self._numbers)[:8]) or "none"
            raise SyntaxProblem(word, "no port has this name", f"there are {known}")
        return self._numbers[name]

    def _meant(self, text: str, word: str) -> int | None:
        """What a word means that no name is looked up for; None if that is nothing."""
        reserved = _RESERVED.get(text.upper())
        if reserved is not None:
            return reserved
        try:
            number = int(text, 0)
        except ValueError:
            return None
        if 0 < number <= PORT_MAX or number in _NUMBERS:
            return number
        if text in self._numbers:
            return None
        raise SyntaxProblem(word, "no port can have this number", f"write 1 to {PORT_MAX}")


NAMELESS = PortNames()
"""Ports by their numbers alone."""


def _is_plain(name: str) -> bool:
    """Whether a bare name can be taken for nothing else."""
    return name.isascii() and name.isalnum() and name[0].isalpha() and name.upper() not in _RESERVED


def _spellings(number: int) -> Iterator[str]:
    """All the ways to write a number or reserved name, the usual one first."""
    if number in _NUMBERS:
        name = Reserved(number).name
        yield from (name, name.lower())
    yield str(number)
    yield from (f"0x{'0' * zeros}{number:x}" for zeros in itertools.count())


def format_port(number: int) -> str:
    """A port's number as ovs-ofctl prints it: "3", "LOCAL"."""
    return Reserved(number).name if number in _NUMBERS else str(number)
