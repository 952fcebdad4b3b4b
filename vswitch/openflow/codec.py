"""Whole messages to and from bytes, in whatever version their header names.

    encode(EchoRequest(b"are you there", xid=7))  ->  bytes
    decode(data)                                  ->  EchoRequest(...)

A hello may have any version, since it is how versions are found out.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from datapath.problems import SIZE_MAX, Error, ProtocolProblem, TooLong
from datapath.wire import Reader
from vswitch.openflow.dialect import Dialect
from vswitch.openflow.messages import Message
from vswitch.openflow.messages.session import ErrorMessage, Hello
from vswitch.openflow.of13 import OF13
from vswitch.openflow.of13.session import HelloCodec

HEADER = struct.Struct("!BBHI")
"""Version, type, length of the whole message, xid (OpenFlow 1.3.5, section 7.1)."""

HELLO_TYPE = 0
ERROR_DATA = 64
"""How much of a message at fault an error quotes (section 7.4.4: at least 64 bytes)."""

DIALECTS: dict[int, Dialect] = {OF13.version: OF13}
"""Every version that messages can be written in."""

_HELLO = HelloCodec()


def encode(message: Message, version: int = OF13.version) -> bytes:
    """The message's bytes in 'version'; a hello names its own.

    ValueError for a message that this version doesn't have, or with a value that
    doesn't fit its place; TooLong for one of more than 65,535 bytes.
    """
    if isinstance(message, Hello):
        number, body, version = HELLO_TYPE, _HELLO.pack(message), message.version
    elif version in DIALECTS:
        number, body = DIALECTS[version].pack(message)
    else:
        raise ValueError(f"OpenFlow version {version} is not spoken here")
    size = HEADER.size + len(body)
    if size > SIZE_MAX:
        raise TooLong(type(message).__name__, size)
    return HEADER.pack(version, number, size, message.xid) + body


def decode(data: bytes) -> Message:
    """The message in 'data', which holds exactly one.

    ProtocolProblem, with 'data' and the xid in it, when it is none; `answer` makes the
    reply to that.
    """
    xid = int.from_bytes(data[4:8])
    try:
        version, number, size, xid = Reader(data).unpack(HEADER)
        if size != len(data):
            why = f"the header says {size} bytes, there are {len(data)}"
            raise ProtocolProblem(Error.BAD_REQUEST_BAD_LEN, why)
        return replace(_decode_body(version, number, data[HEADER.size :]), xid=xid)
    except ProtocolProblem as problem:
        raise ProtocolProblem(problem.error, problem.why, data, xid) from problem


def _decode_body(version: int, number: int, body: bytes) -> Message:
    if number == HELLO_TYPE:
        return replace(_HELLO.unpack(Reader(body)), version=version)
    if version not in DIALECTS:
        raise ProtocolProblem(Error.BAD_REQUEST_BAD_VERSION, f"version {version}")
    return DIALECTS[version].unpack(number, body)


def answer(problem: ProtocolProblem) -> ErrorMessage:
    """The error message that answers a message at fault."""
    return ErrorMessage(problem.error, problem.data[:ERROR_DATA], xid=problem.xid)
