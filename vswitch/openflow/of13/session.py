"""Layouts of messages about the connection (OpenFlow 1.3.5: 7.3.8 to 7.3.10, 7.4.4, 7.5)."""

from __future__ import annotations

import struct

from datapath.layout import Layout, Rest, Tail, enum, pad, u32, u64
from datapath.problems import Error
from datapath.wire import Reader
from vswitch.openflow.messages.session import (
    BarrierReply,
    BarrierRequest,
    EchoReply,
    EchoRequest,
    ErrorMessage,
    Experimenter,
    ExperimenterMultipartReply,
    ExperimenterMultipartRequest,
    GetAsyncReply,
    GetAsyncRequest,
    Hello,
    Role,
    RoleReply,
    RoleRequest,
    SetAsync,
)
from vswitch.openflow.of13.tables import Entries

_PAIR = struct.Struct("!HH")
_VERSION_BITMAP = 1
_ERRORS = {error.value: error for error in Error}


class HelloCodec:
    """The elements of a hello; unknown ones are stepped over (7.5.1).

    The same in every version.  The header's version is filled in by whoever reads headers.
    """

    def pack(self, value: Hello) -> bytes:
        """A bitmap of the versions, or nothing where there are none to say."""
        if value.versions is None:
            return b""
        words = bytearray(4 * (max(value.versions, default=0) // 32 + 1))
        for version in value.versions:
            at = version // 32 * 4
            word = int.from_bytes(words[at : at + 4]) | 1 << version % 32
            words[at : at + 4] = word.to_bytes(4)
        size = _PAIR.size + len(words)
        return _PAIR.pack(_VERSION_BITMAP, size) + words + bytes(-size % 8)

    def unpack(self, reader: Reader) -> Hello:
        """The hello with the first bitmap that is there."""
        versions: frozenset[int] | None = None
        while reader.left:
            kind, size = reader.u16(), reader.u16(2)
            if size < _PAIR.size:
                raise reader.problem(f"a hello element of {size} bytes")
            element = reader.part(size)
            reader.take(min(-size % 8, reader.left))
            if kind == _VERSION_BITMAP and versions is None:
                versions = _bitmap(element.take(size)[_PAIR.size :])
        return Hello(version=0, versions=versions)


def _bitmap(words: bytes) -> frozenset[int]:
    numbers = [int.from_bytes(words[at : at + 4]) for at in range(0, len(words) - 3, 4)]
    return frozenset(
        32 * place + bit
        for place, word in enumerate(numbers)
        for bit in range(32)
        if word >> bit & 1
    )


class ErrorCodec:
    """An error: our name for it where this version has one, else its numbers."""

    def pack(self, value: ErrorMessage) -> bytes:
        """Type, code and data."""
        numbers = value.error.value if isinstance(value.error, Error) else value.error
        return _PAIR.pack(*numbers) + value.data

    def unpack(self, reader: Reader) -> ErrorMessage:
        """The error by its name where it has one."""
        kind, code = reader.unpack(_PAIR)
        return ErrorMessage(_ERRORS.get((kind, code), (kind, code)), reader.rest())


_EXPERIMENTER = (u32("experimenter"), u32("exp_type"), Tail("data", Rest()))
_ROLE = (
    enum("role", "I", Role, Error.ROLE_REQUEST_FAILED_BAD_ROLE),
    pad(4),
    u64("generation_id"),
)
_MASKS = (
    u32("packet_in"),
    u32("packet_in_slave"),
    u32("port_status"),
    u32("port_status_slave"),
    u32("flow_removed"),
    u32("flow_removed_slave"),
)

MESSAGES: Entries = {
    0: (Hello, HelloCodec()),
    1: (ErrorMessage, ErrorCodec()),
    2: (EchoRequest, Layout(EchoRequest, Tail("data", Rest()))),
    3: (EchoReply, Layout(EchoReply, Tail("data", Rest()))),
    4: (Experimenter, Layout(Experimenter, *_EXPERIMENTER)),
    20: (BarrierRequest, Layout(BarrierRequest)),
    21: (BarrierReply, Layout(BarrierReply)),
    24: (RoleRequest, Layout(RoleRequest, *_ROLE)),
    25: (RoleReply, Layout(RoleReply, *_ROLE)),
    26: (GetAsyncRequest, Layout(GetAsyncRequest)),
    27: (GetAsyncReply, Layout(GetAsyncReply, *_MASKS)),
    28: (SetAsync, Layout(SetAsync, *_MASKS)),
}
REQUESTS: Entries = {
    0xFFFF: (ExperimenterMultipartRequest, Layout(ExperimenterMultipartRequest, *_EXPERIMENTER)),
}
REPLIES: Entries = {
    0xFFFF: (ExperimenterMultipartReply, Layout(ExperimenterMultipartReply, *_EXPERIMENTER)),
}
