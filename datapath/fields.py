"""The list of match fields, read from `src/flow/fields.def`.

That file is the one place where a field is declared; the C core includes it,
and this module reads its text with one regular expression, so that rules can be
parsed and printed where the compiled module is not.  In a checkout the file
lies under `src/flow`, in an installed package beside this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources


class Format(StrEnum):
    """How people write a field's value (vs_format)."""

    DECIMAL = "DECIMAL"
    HEX = "HEX"
    ETHER = "ETHER"
    IPV4 = "IPV4"
    IPV6 = "IPV6"
    PORT = "PORT"


class Needs(StrEnum):
    """What a match must say before a field means something (vs_prerequisite)."""

    NOTHING = "NOTHING"
    IN_PORT = "IN_PORT"
    VLAN = "VLAN"
    IP = "IP"
    IPV4 = "IPV4"
    IPV6 = "IPV6"
    ARP = "ARP"
    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"
    ICMPV4 = "ICMPV4"
    ICMPV6 = "ICMPV6"
    ND = "ND"
    NS = "NS"
    NA = "NA"
    MPLS = "MPLS"
    PBB = "PBB"


@dataclass(frozen=True, slots=True)
class Field:
    """One match field: 'bytes' of its OXM value, of which the low 'bits' mean something."""

    name: str
    oxm_class: int
    oxm_field: int
    bytes: int
    bits: int
    maskable: bool
    settable: bool
    format: Format
    needs: Needs

    @property
    def ones(self) -> int:
        """The value with every meaningful bit set: also the mask of an exact match."""
        return (1 << self.bits) - 1


_LINE = re.compile(
    r'^FIELD\(\w+, "(\w+)", \w+, (\w+), (\d+), (\d+), (\d+), ([01]), ([01]), (\w+), (\w+), \w+\)',
    re.MULTILINE,
)


def _definition() -> str:
    """The text of fields.def, from a checkout or from an installed package."""
    package = resources.files(__package__ or "datapath")
    for path in (package / "src" / "flow" / "fields.def", package / "fields.def"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError("fields.def is missing from the datapath package; install it again")


def _field(columns: tuple[str, ...]) -> Field:
    name, oxm_class, oxm_field, size, bits, maskable, settable, form, needs = columns
    return Field(
        name,
        int(oxm_class, 0),
        int(oxm_field),
        int(size),
        int(bits),
        maskable == "1",
        settable == "1",
        Format(form),
        Needs(needs),
    )


FIELDS: tuple[Field, ...] = tuple(_field(columns) for columns in _LINE.findall(_definition()))
"""Every field in the order of fields.def, which is the order the C core uses."""

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
BY_OXM: dict[tuple[int, int], Field] = {(f.oxm_class, f.oxm_field): f for f in FIELDS}
POSITION: dict[str, int] = {field.name: position for position, field in enumerate(FIELDS)}
