"""OpenFlow's reserved port numbers and their names (OpenFlow 1.3.5, section 7.2.1).

Names are written in capitals, as ovs-ofctl prints them, and read in any case.
"""

from __future__ import annotations

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


def parse_port(text: str) -> int:
    """A port number from "3", "0x3", "LOCAL", "controller"; SyntaxProblem otherwise.

    "none" is ovs-ofctl's other word for ANY.
    """
    name = "ANY" if text.upper() == "NONE" else text.upper()
    if name in Reserved.__members__:
        return Reserved[name]
    try:
        number = int(text, 0)
    except ValueError:
        names = ", ".join(Reserved.__members__)
        raise SyntaxProblem(text, "no port has this name", f"write a number or {names}") from None
    if 0 < number <= PORT_MAX or number in Reserved.__members__.values():
        return number
    raise SyntaxProblem(text, "no port can have this number", f"write 1 to {PORT_MAX}")


def format_port(number: int) -> str:
    """A port as ovs-ofctl prints it: "3", "LOCAL"."""
    try:
        return Reserved(number).name
    except ValueError:
        return str(number)
