"""The kernel's machine for packet filters, as far as filters of system calls use it."""

from __future__ import annotations

import struct
from collections.abc import Sequence

MAX_INSTRUCTIONS = 4096


def decide(program: bytes, architecture: int, number: int, arguments: Sequence[int]) -> int:
    """What the filter returns for a system call; ValueError for what the kernel would not load."""
    data = struct.pack("<IIQ6Q", number, architecture, 0x7F0000001000, *arguments)
    code = check(program)
    accumulator, at = 0, 0
    while True:
        operation, skip, skip_else, value = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x25: accumulator > value,
                     0x45: bool(accumulator & value)}[operation]  # fmt: skip
            at += skip if holds else skip_else


def check(program: bytes) -> list[tuple[int, int, int, int]]:
    """The instructions, once they are what the kernel's checker accepts."""
    if not program or len(program) % 8 or len(program) > 8 * MAX_INSTRUCTIONS:
        raise ValueError("no whole number of instructions, or too many")
    code = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    for at, (operation, skip, skip_else, value) in enumerate(code):
        if operation == 0x20:
            if value % 4 or value > 60:
                raise ValueError(f"instruction {at} loads from outside")
        elif operation in (0x15, 0x25, 0x45):
            if at + 1 + max(skip, skip_else) >= len(code):
                raise ValueError(f"instruction {at} jumps past the end")
        elif operation != 0x06:
            raise ValueError(f"instruction {at} is unknown")
    if code[-1][0] != 0x06:
        raise ValueError("it ends without a return")
    return code
