"""An OpenFlow peer over a real socket, for tests that block: says hello, asks, reads answers."""

from __future__ import annotations

import socket
from typing import Self

from vswitch.openflow import Frames, Message, decode, encode
from vswitch.openflow.messages.session import EchoReply, EchoRequest, Hello

SECONDS = 5.0


class Peer:
    """The other end of a session; TimeoutError when an answer doesn't come."""

    def __init__(self, sock: socket.socket, *, greet: bool = True) -> None:
        self.sock = sock
        self._frames = Frames()
        self._waiting: list[bytes] = []
        sock.settimeout(SECONDS)
        if greet:
            assert isinstance(self.read(), Hello)
            self.send(Hello(4, frozenset({4})))

    @classmethod
    def to(cls, path: str, *, greet: bool = True) -> Self:
        """Connects to a unix socket."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(SECONDS)
        sock.connect(path)
        return cls(sock, greet=greet)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, *messages: Message) -> None:
        self.sock.sendall(b"".join(map(encode, messages)))

    def read(self) -> Message:
        """The next message; ConnectionError when the other side has hung up."""
        while not self._waiting:
            data = self.sock.recv(1 << 16)
            if not data:
                raise ConnectionError("the switch hung up")
            self._waiting += self._frames.feed(data)
        return decode(self._waiting.pop(0))

    def ask(self, message: Message) -> Message:
        """The first answer with the message's xid, or echo requests apart whatever comes."""
        self.send(message)
        while True:
            answer = self.read()
            if answer.xid == message.xid:
                return answer
            if isinstance(answer, EchoRequest):
                self.send(EchoReply(answer.data, xid=answer.xid))

    def alive(self) -> bool:
        """Whether an echo comes back."""
        return self.ask(EchoRequest(b"here?", xid=0xA11FE)) == EchoReply(b"here?", xid=0xA11FE)

    def ended(self) -> bool:
        """Whether the other side hangs up, whatever it says before."""
        try:
            while True:
                self.read()
        except ConnectionError:
            return True
        except TimeoutError:
            return False
