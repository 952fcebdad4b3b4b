"""What the agent decides: the vocabulary between its pure half and the half with sockets.

The agent is told what happened (bytes came, a port appeared) and answers with a list of
effects, in the order in which they have to be carried out.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from datapath.frames import PortRef, SessionSpec


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes for the peer of a session."""

    session: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Relay:
    """Whole hot messages for the forwarder as they came, at most 64 KiB."""

    session: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """Whole messages of a controller's that are about to be handled, for those who snoop."""

    session: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Subscribe:
    """What the forwarder may send to a session from now on."""

    session: int
    spec: SessionSpec


@dataclass(frozen=True, slots=True)
class SetPort:
    """New configuration of a port, by OFPT_PORT_MOD."""

    port: PortRef


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop (or start again) reading from a peer: its messages wait for a barrier."""

    session: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Later:
    """Read no more from a peer until what was sent to it is on its way; then `Agent.go_on`."""

    session: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection once what was sent is written, or 'at_once': a peer that shows no life
    reads no last words either.  'reason' is for the log."""

    session: int
    reason: str
    at_once: bool = False


Effect = Send | Relay | Heard | Subscribe | SetPort | Pause | Later | HangUp
