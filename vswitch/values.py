"""Readers of values: what a person or a program wrote -> the value we keep.

One function a kind of value.  Each takes what JSON, Python or a command line
can hand over, so text and numbers alike, and returns the canonical value or
raises `Refused` with the reason and a way out.  The schema names which setting
is read by which of them.  Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from vswitch.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Reader = Callable[[object], Any]

NAME_MAX = 15
"""Characters in a name: an interface's limit (IFNAMSIZ - 1), also OpenFlow's for ports."""
PORT_NUMBER_MAX = 0xFEFF
"""Largest port number: every version of OpenFlow can express it."""
LOCAL = 0xFFFFFFFE
"""OFPP_LOCAL, the one number above it that a port may have: the host's own port (1.3.5, 7.2.1)."""
RATE_MAX = 10**12
"""Bits a second."""
PROTOCOLS = {"OpenFlow13": 4}
"""Versions that the switch speaks -> version byte on the wire."""
TEXT_MAX = 65536
"""Characters in a flow, match or packet given as text."""

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_NAME_RULE = f"use 1 to {NAME_MAX} letters, digits or '_', '-', '.', '+', a letter or digit first"


def text(value: object) -> str:
    """Any text without control characters, up to TEXT_MAX characters."""
    if not isinstance(value, str):
        raise Refused(f"it is {kind_of(value)}", "give text")
    if len(value) > TEXT_MAX:
        raise Refused(f"it is longer than {TEXT_MAX} characters", "give a shorter text")
    if not value.isprintable():
        raise Refused("it holds a control character", "give plain text on one line")
    return value


def name(value: object) -> str:
    """A bridge's, port's or interface's name: safe as a file name too (HARDENING S23)."""
    word = text(value)
    if not word:
        raise Refused("it is empty", _NAME_RULE)
    if len(word) > NAME_MAX:
        raise Refused(f"it has {len(word)} characters", _NAME_RULE)
    if not re.fullmatch(_NAME, word) or ".." in word:
        raise Refused("it holds what a name can't hold", _NAME_RULE)
    return word


def integer(low: int, high: int) -> Reader:
    """A reader of whole numbers from 'low' to 'high', decimal or 0x..."""

    def read(value: object) -> int:
        number = value
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}|0[xX][0-9a-fA-F]{1,16}", value):
            number = int(value, 16 if value[:2] in ("0x", "0X") else 10)
        if type(number) is not int or not low <= number <= high:
            raise Refused(f"it is no whole number from {low} to {high}", "choose one of these")
        return number

    return read


mtu = integer(68, 65535)
_plain_port_number = integer(1, PORT_NUMBER_MAX)


def port_number(value: object) -> int:
    """A port's number: 1 to PORT_NUMBER_MAX, or LOCAL (also in words)."""
    if (isinstance(value, str) and value.upper() == "LOCAL") or value == LOCAL:
        return LOCAL
    try:
        number: int = _plain_port_number(value)
    except Refused as refused:
        do = "choose one of these, or LOCAL for the host's own port"
        raise Refused(refused.why, do) from None
    return number


def port(value: object) -> str:
    """A port of a bridge as a word: its number, a reserved name, or its own name."""
    if type(value) is int:
        return str(value)
    word = text(value)
    if not word:
        raise Refused("it is empty", "name a port, or give its number")
    return word


def port_number_text(number: int | None) -> int | str | None:
    """The number as people read it: LOCAL is a word."""
    return "LOCAL" if number == LOCAL else number


def moment(seconds: float | None) -> str | None:
    """A point in time given in Unix seconds, as JSON has it: ISO 8601 in UTC, whole seconds."""
    from datetime import UTC, datetime

    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_RATE = r"([0-9]{1,15})(?:\.([0-9]{1,12}))?([kmgt]?)bps"
_RATE_RULE = "write as in 10Mbps, 2.5Gbps or unlimited"
_RATE_UNITS = {"T": 10**12, "G": 10**9, "M": 10**6, "k": 10**3, "": 1}


def rate(value: object) -> int:
    """Bits a second, 1 to RATE_MAX, or 0: any number.  Text has its unit ("10Mbps", "2.5Gbps") or
    is "unlimited"; what is a number already is in bits a second."""
    number = value
    if isinstance(value, str):
        number = _bits(value)
    if type(number) is not int or not 0 <= number <= RATE_MAX:
        raise Refused(f"it is not within 1bps and {rate_text(RATE_MAX)}", _RATE_RULE)
    return number


def _bits(text: str) -> int:
    found = re.fullmatch(_RATE, text, re.IGNORECASE)
    if text == "unlimited":
        return 0
    if not found:
        raise Refused("it is no rate", _RATE_RULE)
    whole, fraction, unit = found.groups("")
    factor = next(f for u, f in _RATE_UNITS.items() if u.lower() == unit.lower())
    bits, rest = divmod(int(whole + fraction) * factor, int("1" + "0" * len(fraction)))
    if rest or not bits:
        raise Refused("it is no whole number of bits above 0", _RATE_RULE)
    return bits


def rate_text(rate: int) -> str:
    """A rate as `rate` reads it, exactly, in the largest unit below it."""
    if not rate:
        return "unlimited"
    unit, factor = next((u, f) for u, f in _RATE_UNITS.items() if rate >= f)
    whole, rest = divmod(rate, factor)
    fraction = str(factor + rest)[1:].rstrip("0")
    return f"{whole}.{fraction}{unit}bps" if fraction else f"{whole}{unit}bps"


vlan_tag = integer(1, 4094)
mac_age = integer(0, 1_000_000)
mac_limit = integer(1, 65536)
flood_rate = integer(0, 1_000_000_000)


def or_none(read: Reader) -> Reader:
    """A reader that takes the word "none" for None, since a command line has no null."""

    def read_or_none(value: object) -> object:
        return None if value == "none" else read(value)

    return read_or_none


def vlan_ranges(value: object) -> tuple[str, ...]:
    """VLANs from 0 to 4094, alone or as ranges, canonical: "20,10,11-12" is ("10-12", "20")."""
    found = {vlan for vlans in many(_vlan_range)(value) for vlan in vlans}
    starts = sorted(vlan for vlan in found if vlan - 1 not in found)
    ends = sorted(vlan for vlan in found if vlan + 1 not in found)
    return tuple(
        str(start) if start == end else f"{start}-{end}"
        for start, end in zip(starts, ends, strict=True)
    )


def vlans_in(ranges: Sequence[str]) -> frozenset[int]:
    """The VLANs in canonical ranges."""
    return frozenset(vlan for one in ranges for vlan in _vlan_range(one))


def _vlan_range(value: object) -> range:
    said = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", str(value))
    low, high = (int(said[1]), int(said[2] or said[1])) if said else (1, 0)
    if isinstance(value, bool) or not low <= high <= 4094:
        raise Refused("it is no VLAN from 0 to 4094 and no range", "write as in 10,20-30")
    return range(low, high + 1)


def dpid(value: object) -> int:
    """A datapath id: text is hexadecimal, with or without 0x; 1 to 2^64 - 1."""
    number = value
    if isinstance(value, str):
        digits = re.fullmatch(r"(?:0[xX])?([0-9a-fA-F]{1,16})", value)
        number = int(digits[1], 16) if digits else None
    if type(number) is not int or not 0 < number < 1 << 64:
        raise Refused("a datapath id is 1 to 16 hexadecimal digits, not all 0", "try 1, 2, 3 ...")
    return number


def choice(*words: str) -> Reader:
    """A reader of one of 'words'."""

    def read(value: object) -> str:
        if value not in words:
            raise Refused("there is no such choice", f"use {_either(words)}")
        return str(value)

    return read


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Refused(f"it is {kind_of(value)}", "give true or false")
    return value


def protocol(value: object) -> str:
    """A version of OpenFlow that the switch speaks."""
    if not isinstance(value, str) or value not in PROTOCOLS:
        raise Refused("this switch doesn't speak it", f"use {_either(tuple(PROTOCOLS))}")
    return str(value)


def controller_target(value: object) -> str:
    """The canonical spelling of an active target."""
    from vswitch import target

    return str(target.parse(text(value), target.ACTIVE))


def listen_target(value: object) -> str:
    """The canonical spelling of a passive target."""
    from vswitch import target

    return str(target.parse(text(value), target.PASSIVE))


def mac(value: object) -> str:
    """A unicast Ethernet address, canonical: "02:00:00:00:00:01"."""
    word = text(value).lower().replace("-", ":")
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", word):
        raise Refused("it is no Ethernet address", "write six pairs as in 02:00:00:00:00:01")
    if word == "00:00:00:00:00:00":
        raise Refused("it stands for no address at all", "write one as in 02:00:00:00:00:01")
    if int(word[:2], 16) & 1:
        raise Refused("it can't be an interface's own", "use a unicast address (first byte even)")
    return word


def address(value: object) -> str:
    """An interface's address with its prefix length: "10.0.0.2/24"."""
    import ipaddress

    word = text(value)
    try:
        if "/" in word:
            return str(ipaddress.ip_interface(word))
    except ValueError:
        pass
    raise Refused("it is no address with a prefix length", "write as in 10.0.0.2/24 or fd00::2/64")


def gateway(value: object) -> str:
    """A router's address: "10.0.0.1"."""
    import ipaddress

    try:
        return str(ipaddress.ip_address(text(value)))
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise Refused("it is no IP address", "write as in 10.0.0.1 or fd00::1") from None


def path(value: object) -> str:
    """An absolute path without '..' and control characters (HARDENING S23)."""
    word = text(value)
    if not word.startswith("/") or ".." in word.split("/") or len(word) > 4095:
        raise Refused("it is no absolute path without '..'", "write the whole path")
    return word


def many(read: Reader, name: Callable[[Any], object] | None = None) -> Reader:
    """A reader of a list: of JSON, or as text with commas.  No value twice; one that is, and that
    isn't plain itself, is called what 'name' says."""

    def read_all(value: object) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = value.split(",") if value else ()
        if not isinstance(value, Sequence):
            raise Refused(f"it is {kind_of(value)}", "give a list")
        items = tuple(one(read, item) for item in value)
        if twice := [item for item, count in Counter(items).items() if count > 1]:
            first = name(twice[0]) if name else twice[0]
            raise Refused("it is there twice", "name each once", (first,))
        return items

    return read_all


def one(read: Reader, item: object) -> Any:
    """One item of a list; a Refused about it names it alone."""
    try:
        return read(item)
    except Refused as refused:
        raise Refused(refused.why, refused.do, refused.items or (item,)) from None


def some(read: Reader) -> Reader:
    """As `many`, at least one."""
    read_all = many(read)

    def read_some(value: object) -> tuple[Any, ...]:
        items: tuple[Any, ...] = read_all(value)
        if not items:
            raise Refused("it is empty", "name at least one")
        return items

    return read_some


def optional(read: Reader) -> Reader:
    """A reader that lets None (JSON's null) pass: nothing was chosen."""

    def read_optional(value: object) -> object:
        return None if value is None else read(value)

    return read_optional


_KINDS: dict[type, str] = {
    type(None): "nothing", bool: "true or false", int: "a number", float: "a number",
    str: "text", dict: "an object", list: "a list", tuple: "a list",
}  # fmt: skip


def kind_of(value: object) -> str:
    """What a value of JSON is, in words."""
    return _KINDS.get(type(value), "of another kind")


def _either(words: Sequence[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1]) if words[1:] else words)
