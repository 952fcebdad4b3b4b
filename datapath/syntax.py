"""Words and values of ovs-ofctl's text syntax, shared by matches, actions, rules.

Words are separated by commas or blanks outside parentheses, so that both what
people write and what `dump-flows` prints can be read.  A field's value is read
and written after the field's format: decimal, hexadecimal, Ethernet, IPv4, IPv6
or port.  Values are integers throughout, the mask None when every bit counts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from datapath.fields import Field, Format
from datapath.ports import NAMELESS, PortNames
from datapath.problems import SyntaxProblem

_OCTETS = {str(value): value for value in range(256)}
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}")


def split_words(text: str) -> list[str]:
    """The words of 'text': "a=1, b(c,d) e" -> ["a=1", "b(c,d)", "e"]."""
    if "(" not in text and ")" not in text:
        return text.replace(",", " ").split()
    words, depth, word = [], 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            raise SyntaxProblem(text.strip(), "a ')' closes nothing", "balance the parentheses")
        if depth == 0 and (letter == "," or letter.isspace()):
            words.append(word)
            word = ""
        else:
            word += letter
    if depth:
        raise SyntaxProblem(text.strip(), "a '(' is not closed", "balance the parentheses")
    return [word for word in [*words, word] if word]


def parse_number(text: str, bits: int, word: str = "") -> int:
    """A number of at most 'bits' bits, decimal or 0x...; 'word' is named in the problem."""
    word = word or text
    try:
        value = int(text, 0)
    except ValueError:
        raise SyntaxProblem(word, f"{text!r} is no number", "write it as in 10 or 0xa") from None
    if 0 <= value < 1 << bits:
        return value
    raise SyntaxProblem(
        word, f"{text} is out of range", f"write 0 to {(1 << bits) - 1} ({bits} bits)"
    )


def parse_mac(text: str, word: str = "") -> int:
    """An Ethernet address: "00:11:22:33:44:55"."""
    if not _MAC.fullmatch(text):
        raise SyntaxProblem(
            word or text, f"{text!r} is no Ethernet address", "write it as in 00:11:22:33:44:55"
        )
    return int("".join(part.zfill(2) for part in text.split(":")), 16)


def format_mac(value: int) -> str:
    """An Ethernet address of 48 bits as in 00:11:22:33:44:55."""
    return value.to_bytes(6).hex(":")


def _parse_ipv4(text: str, word: str) -> int:
    try:
        a, b, c, d = text.split(".")
        return _OCTETS[a] << 24 | _OCTETS[b] << 16 | _OCTETS[c] << 8 | _OCTETS[d]
    except (KeyError, ValueError):
        raise SyntaxProblem(
            word, f"{text!r} is no IPv4 address", "write it as in 10.0.0.1"
        ) from None


def _parse_ipv6(text: str, word: str) -> int:
    try:
        return int(ipaddress.IPv6Address(text.partition("%")[0]))
    except ValueError:
        raise SyntaxProblem(
            word, f"{text!r} is no IPv6 address", "write it as in fe80::1"
        ) from None


def _read_value(field: Field, text: str, word: str, ports: PortNames) -> int:
    if field.format is Format.PORT:
        return ports.read(text, word)
    special = _READ.get(field.format)
    return special(text, word) if special else parse_number(text, field.bits, word)


_READ: dict[Format, Callable[[str, str], int]] = {
    Format.ETHER: parse_mac,
    Format.IPV4: _parse_ipv4,
    Format.IPV6: _parse_ipv6,
}
_WRITE: dict[Format, Callable[[int], str]] = {
    Format.DECIMAL: str,
    Format.HEX: hex,
    Format.ETHER: format_mac,
    Format.IPV4: lambda value: str(ipaddress.IPv4Address(value)),
    Format.IPV6: lambda value: str(ipaddress.IPv6Address(value)),
}


def parse_value(field: Field, text: str, word: str, ports: PortNames = NAMELESS) -> int:
    """One value of 'field', without a mask; 'word' is named in the problem."""
    return _read_value(field, text, word, ports)


def parse_masked(
    field: Field, text: str, word: str, ports: PortNames = NAMELESS
) -> tuple[int, int | None]:
    """A value and its mask from "V", "V/MASK", "ADDRESS/LENGTH" or "*" (no bit counts).

    Bits of the value outside the mask are cleared; a full mask comes back as None.
    """
    if text == "*":
        return 0, 0
    value_text, slash, mask_text = text.partition("/")
    value = _read_value(field, value_text, word, ports)
    if not slash:
        return value, None
    mask = _parse_mask(field, mask_text, word)
    if mask == field.ones:
        return value, None
    if mask and not field.maskable:
        raise SyntaxProblem(word, f"{field.name} takes no mask", "write the value alone")
    return value & mask, mask


def _parse_mask(field: Field, text: str, word: str) -> int:
    if field.format in (Format.IPV4, Format.IPV6) and text.isdecimal():
        length = int(text)
        if length > field.bits:
            raise SyntaxProblem(word, f"/{text} is too long", f"write /0 to /{field.bits}")
        return field.ones >> length ^ field.ones
    return _read_value(field, text, word, NAMELESS)


def format_value(field: Field, value: int, ports: PortNames = NAMELESS) -> str:
    """One value as ovs-ofctl prints it in an action."""
    if field.format is Format.PORT:
        return ports.write(value)
    return _WRITE[field.format](value)


def format_masked(
    field: Field, value: int, mask: int | None, digits: int = 0, ports: PortNames = NAMELESS
) -> str:
    """A value and its mask as ovs-ofctl prints them in a match.

    'digits' is the least number of hexadecimal digits, where ovs-ofctl pads.
    """
    if field.format is Format.HEX or (mask is not None and field.format is Format.DECIMAL):
        text = f"{value:#0{digits + 2}x}"
        return text if mask is None else f"{text}/{mask:#0{digits + 2}x}"
    text = format_value(field, value, ports)
    return text if mask is None else f"{text}/{_format_mask(field, mask)}"


def _format_mask(field: Field, mask: int) -> str:
    if field.format in (Format.IPV4, Format.IPV6):
        hole = mask ^ field.ones
        if not hole & (hole + 1):
            return str(field.bits - hole.bit_length())
    return format_value(field, mask)
