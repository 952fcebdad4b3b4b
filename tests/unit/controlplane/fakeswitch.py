"""A switch made of raw OpenFlow 1.3 bytes, and a controller process for it to talk to."""

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = 0, 1, 2, 3
FEATURES_REQUEST, FEATURES_REPLY = 5, 6
MULTIPART_REQUEST, MULTIPART_REPLY = 18, 19
PACKET_IN, PORT_STATUS, PACKET_OUT, FLOW_MOD = 10, 12, 13, 14
NO_BUFFER = 0xFFFFFFFF


@dataclass(frozen=True)
class Message:
    type: int
    xid: int
    body: bytes


class FakeSwitch:
    """One connection to a controller; reads with a time limit instead of waiting for ever."""

    def __init__(self, port: int, dpid: int = 0x1234) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.dpid = dpid
        self._waiting: list[Message] = []

    def send(self, type_: int, body: bytes = b"", xid: int = 0) -> None:
        self.socket.sendall(struct.pack("!BBHI", 4, type_, 8 + len(body), xid) + body)

    def receive(self) -> Message:
        if self._waiting:
            return self._waiting.pop(0)
        version, type_, length, xid = struct.unpack("!BBHI", self._exactly(8))
        assert version == 4
        return Message(type_, xid, self._exactly(length - 8))

    def until(self, type_: int) -> Message:
        """The next message of that type; others are passed over."""
        while (message := self.receive()).type != type_:
            pass
        return message

    def handshake(self) -> None:
        """Hello, features, no ports: afterwards the controller takes us for a switch.

        A flow-mod may come before the question for ports; it is kept for `until`.
        """
        self.send(HELLO)
        request = self.until(FEATURES_REQUEST)
        self.send(FEATURES_REPLY, struct.pack("!QIBBxxII", self.dpid, 0, 254, 0, 0, 0), request.xid)
        early = []
        while (message := self.receive()).type != MULTIPART_REQUEST:
            early.append(message)
        self.send(MULTIPART_REPLY, message.body, message.xid)
        self._waiting = early

    def packet_in(self, in_port: int, frame: bytes) -> None:
        match = struct.pack("!HHIII", 1, 12, 0x80000004, in_port, 0)
        header = struct.pack("!IHBBQ", NO_BUFFER, len(frame), 0, 0, 0)
        self.send(PACKET_IN, header + match + b"\0\0" + frame)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError("the controller closed the connection")
            data += part
        return data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "controlplane.runner", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@contextmanager
def controller(app: str, *options: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A running `vswitch-controller APP`: its port and process."""
    port = free_port()
    process = subprocess.Popen(
        command(app, "--listen", f"tcp:127.0.0.1:{port}", *options),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("vswitch-controller: ")
        wait_for_listener(port)
        yield port, process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def wait_for_listener(port: int, limit_s: float = 10) -> None:
    deadline = time.monotonic() + limit_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the controller does not listen"
