"""Messages about the connection itself: hello, error, echo, barrier, role, what to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from datapath.problems import Error
from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """The first message each way.

    'version' stands in its header; 'versions' is the bitmap element, None if there is none.
    """

    version: int
    versions: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class ErrorMessage(Message):
    """Something could not be done.

    'error' is a pair of numbers where this version knows no such error; 'data' is the
    beginning of the message at fault (for HELLO_FAILED a sentence).
    """

    error: Error | tuple[int, int]
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class EchoRequest(Message):
    """Are you there?  'data' comes back as it is."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class EchoReply(Message):
    """'data' is the request's."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Experimenter(Message):
    """Somebody's own message."""

    experimenter: int
    exp_type: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class ExperimenterMultipartRequest(MultipartRequest):
    """Somebody's own question."""

    experimenter: int
    exp_type: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class ExperimenterMultipartReply(MultipartReply):
    """Somebody's own answer."""

    experimenter: int
    exp_type: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class BarrierRequest(Message):
    """Finish everything before this, then answer."""


@dataclass(frozen=True, slots=True)
class BarrierReply(Message):
    """Everything before the request with this xid is done."""


class Role(IntEnum):
    """What a controller may do (ofp_controller_role); NOCHANGE only asks."""

    NOCHANGE = 0
    EQUAL = 1
    MASTER = 2
    SLAVE = 3


@dataclass(frozen=True, slots=True)
class RoleRequest(Message):
    """Let me have this role; 'generation_id' tells newer requests from older ones (6.3.5)."""

    role: Role
    generation_id: int = 0


@dataclass(frozen=True, slots=True)
class RoleReply(Message):
    """The role that the session has now."""

    role: Role
    generation_id: int = 0


@dataclass(frozen=True, slots=True)
class GetAsyncRequest(Message):
    """Which unasked messages does this controller get?"""


@dataclass(frozen=True, slots=True)
class AsyncMasks(Message):
    """Bit n of a mask: reason n is sent; as master or equal, and as slave."""

    packet_in: int
    packet_in_slave: int
    port_status: int
    port_status_slave: int
    flow_removed: int
    flow_removed_slave: int


@dataclass(frozen=True, slots=True)
class GetAsyncReply(AsyncMasks):
    """The masks in force."""


@dataclass(frozen=True, slots=True)
class SetAsync(AsyncMasks):
    """The masks to put in force."""
