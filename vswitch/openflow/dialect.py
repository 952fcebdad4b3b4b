"""A dialect: which number each message has in one version, and how it lies in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Any

from datapath.problems import Error, ProtocolProblem
from datapath.wire import Codec, Reader
from vswitch.openflow.messages import Message

_Entries = Mapping[int, tuple[type[Any], Codec[Any]]]
_Multiparts = tuple[int, _Entries, Codec[Any]]


class Dialect:
    """One version's tables.

    'messages' maps message types to classes and codecs.  Multipart 'requests' and 'replies' are
    frames that hold many classes under one message type each: the type, the classes by multipart
    type, and the codec of the frame.  'multipart_head' is how such a frame begins behind the
    message's header: multipart type and flags.
    """

    def __init__(
        self,
        version: int,
        messages: _Entries,
        requests: _Multiparts,
        replies: _Multiparts,
        multipart_head: Struct,
    ) -> None:
        self.version = version
        self.multipart_types = requests[0], replies[0]
        self.multipart_head = multipart_head
        self.requests: dict[int, type[Any]] = {n: of for n, (of, _) in requests[1].items()}
        """Multipart types of requests -> their classes."""
        self.classes: dict[type[Any], tuple[int, Codec[Any]]] = {
            of: (number, codec) for number, (of, codec) in messages.items()
        }
        self._codecs: dict[int, Codec[Any]] = {
            number: codec for number, (_, codec) in messages.items()
        }
        for number, parts, codec in (requests, replies):
            self._codecs[number] = codec
            self.classes |= {of: (number, codec) for of, _ in parts.values()}

    def pack(self, message: Message) -> tuple[int, bytes]:
        """The message's type and the bytes behind its header.

        ValueError for a message that this version doesn't have or that doesn't fit.
        """
        name = type(message).__name__
        if type(message) not in self.classes:
            raise ValueError(f"OpenFlow version {self.version} has no {name}")
        number, codec = self.classes[type(message)]
        return number, codec.pack(message)

    def unpack(self, number: int, body: bytes) -> Message:
        """The message of type 'number' with these bytes behind its header."""
        if number not in self._codecs:
            raise ProtocolProblem(Error.BAD_REQUEST_BAD_TYPE, f"message type {number}")
        reader = Reader(body)
        message: Message = self._codecs[number].unpack(reader)
        reader.finish()
        return message
