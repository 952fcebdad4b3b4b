"""Actions: what is done to a packet, one dataclass each (OpenFlow 1.3.5, section 5.12).

Bytes are the business of `datapath.of13.action`, text of `datapath.action_text`.
"""

from __future__ import annotations

from dataclasses import dataclass

from datapath.fields import Field

NO_BUFFER = 0xFFFF
"""A max_len that sends the whole packet to the controller (OFPCML_NO_BUFFER)."""


class Action:
    """Something done to a packet; each kind is a frozen dataclass below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Output(Action):
    """Send out of 'port'; 'max_len' bytes at most when that is the controller."""

    port: int
    max_len: int = 0


@dataclass(frozen=True, slots=True)
class CopyTtlOut(Action):
    """Copy the TTL outwards, from the second-outermost header."""


@dataclass(frozen=True, slots=True)
class CopyTtlIn(Action):
    """Copy the TTL inwards, to the second-outermost header."""


@dataclass(frozen=True, slots=True)
class SetMplsTtl(Action):
    """Set the TTL of the outermost MPLS label."""

    ttl: int


@dataclass(frozen=True, slots=True)
class DecMplsTtl(Action):
    """Decrement the outermost MPLS TTL."""


@dataclass(frozen=True, slots=True)
class PushVlan(Action):
    """Put a VLAN tag outermost, with this Ethertype (0x8100, 0x88a8)."""

    ethertype: int


@dataclass(frozen=True, slots=True)
class PopVlan(Action):
    """Remove the outermost VLAN tag."""


@dataclass(frozen=True, slots=True)
class PushMpls(Action):
    """Put an MPLS label outermost, with this Ethertype (0x8847, 0x8848)."""

    ethertype: int


@dataclass(frozen=True, slots=True)
class PopMpls(Action):
    """Remove the outermost MPLS label; 'ethertype' says what is below."""

    ethertype: int


@dataclass(frozen=True, slots=True)
class SetQueue(Action):
    """Let what is sent from now on wait in this queue of its port."""

    queue: int


@dataclass(frozen=True, slots=True)
class Group(Action):
    """Hand the packet to a group."""

    group: int


@dataclass(frozen=True, slots=True)
class SetNwTtl(Action):
    """Set the IP TTL or hop limit."""

    ttl: int


@dataclass(frozen=True, slots=True)
class DecNwTtl(Action):
    """Decrement the IP TTL or hop limit."""


@dataclass(frozen=True, slots=True)
class SetField(Action):
    """Give a header field a value, as a whole."""

    field: Field
    value: int


@dataclass(frozen=True, slots=True)
class PushPbb(Action):
    """Put a PBB service tag outermost, with this Ethertype (0x88e7)."""

    ethertype: int


@dataclass(frozen=True, slots=True)
class PopPbb(Action):
    """Remove the outermost PBB service tag."""


@dataclass(frozen=True, slots=True)
class ExperimenterAction(Action):
    """Somebody's own action; 'data' follows the experimenter's number as it is."""

    experimenter: int
    data: bytes = b""
