"""What vswitch-init says over its control socket, decoded: see containers/init/control.h.  Pure.

Here and in its neighbours small records are named tuples: defining one takes an eighth of the
time that a frozen dataclass takes, and every start of a container would pay for that.
"""

from __future__ import annotations

from typing import NamedTuple

MESSAGE_MAX = 640
GO = b"G"


class Born(NamedTuple):
    """A process was made; it is our child, whatever follows."""

    pid: int


class Ready(NamedTuple):
    """Its namespaces exist; `flags` (CLONE_NEW*) were really used."""

    flags: int


class Standing(NamedTuple):
    """Its walls stand: who joins it from now on is inside them."""


class Terminal(NamedTuple):
    """The command's terminal; the fd is ours to close."""

    fd: int


class Broken(NamedTuple):
    """A step failed; nothing comes after it."""

    step: str
    errno: int
    doing: str


class Closed(NamedTuple):
    """The other side is closed: the command runs, or nothing is left."""


Message = Born | Ready | Standing | Terminal | Broken | Closed


def decode(message: bytes, fds: list[int]) -> Message:
    """One datagram and the fds that came with it; ValueError for what init never says."""
    kind, body = message[:1], message[1:]
    match kind:
        case b"":
            return Closed()
        case b"B":
            return Born(_number(body, 4))
        case b"N":
            return Ready(_number(body, 8))
        case b"W" if not body:
            return Standing()
        case b"T" if len(fds) == 1:
            return Terminal(fds[0])
        case b"E":
            step, _, doing = body[4:].partition(b"\0")
            return Broken(_text(step), _number(body[:4], 4), _text(doing))
    raise ValueError(f"vswitch-init said {message!r}")


def _number(body: bytes, size: int) -> int:
    if len(body) != size:
        raise ValueError(f"vswitch-init sent {len(body)} bytes where {size} are due")
    return int.from_bytes(body, "little")


def _text(text: bytes) -> str:
    return text.decode(errors="replace")
