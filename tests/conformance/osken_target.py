"""A switch in memory to whom one talks in os-ken's messages.

Ports 1 to 3, as os-ken's tester wants them: packets come in on 1 and leave by 2 or 3.  Messages
go in as the bytes that os-ken made of them, and replies come back as its objects, so that what
is compared has been through its own parser.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from os_ken.ofproto import ofproto_parser
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

from datapath.switch import OpenFlowRefusal, PacketIn, Switch

IN_PORT, OUT_PORT, OTHER_PORT = 1, 2, 3


class Refused(Exception):
    """The switch answered with an error, or with something else than what was asked for."""


class Target:
    """The switch under test; use as a context manager.  'wire' is OpenFlow's version number."""

    def __init__(self, wire: int) -> None:
        self.protocol = ProtocolDesc(wire)
        self.ofp, self.parser = self.protocol.ofproto, self.protocol.ofproto_parser
        self.switch = Switch((IN_PORT, OUT_PORT, OTHER_PORT))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.switch.close()

    # ---- messages ----

    def tell(self, message: Any) -> None:
        """Sends a message that has no reply, and a barrier behind it; Refused at an error."""
        (reply,) = self._exchange(message, self.parser.OFPBarrierRequest(self.protocol))
        if not isinstance(reply, self.parser.OFPBarrierReply):
            raise Refused(f"{type(reply).__name__} instead of a barrier reply")

    def ask(self, request: Any, reply: type) -> list[Any]:
        """What a statistics request brings, of all its parts together."""
        parts = self._exchange(request)
        if not parts or not all(isinstance(part, reply) for part in parts):
            names = ", ".join(type(part).__name__ for part in parts) or "nothing"
            raise Refused(f"{names} instead of {reply.__name__}")
        return [entry for part in parts for entry in part.body]

    def _exchange(self, *messages: Any) -> list[Any]:
        try:
            replies = self.switch.openflow(b"".join(_packed(message) for message in messages))
        except OpenFlowRefusal as refusal:
            raise Refused(f"error type {refusal.type}, code {refusal.code}") from refusal
        return [self._parsed(reply) for reply in replies]

    def _parsed(self, reply: bytes) -> Any:
        return ofproto_parser.msg(self.protocol, *ofproto_parser.header(reply), reply)

    # ---- packets and time ----

    def send(self, frame: bytes) -> tuple[list[bytes], list[PacketIn]]:
        """One frame in; what left by OUT_PORT, and what the controller was told."""
        left = self.switch.send(IN_PORT, frame)
        return left.get(OUT_PORT, []), self.switch.packet_ins()

    def stream(self, frames: list[bytes], seconds: float) -> dict[int, list[bytes]]:
        """Frames that arrive in one instant; then time goes by.  What left, by port."""
        for frame in frames:
            self.switch.offer(IN_PORT, frame)
        left = self.switch.poll()
        self.switch.advance(seconds)
        return left


def _packed(message: Any) -> bytes:
    message.serialize()
    return bytes(message.buf)
