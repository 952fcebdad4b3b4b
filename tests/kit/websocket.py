"""The client's side of a websocket, as much of RFC 6455 as a test needs: short text frames."""

from __future__ import annotations

import base64
import json
import os
import socket
from typing import Any

TEXT, CLOSE = 1, 8


class WebSocket:
    """Opens one on a connected socket, which it owns."""

    def __init__(self, connection: socket.socket, path: str) -> None:
        self._socket = connection
        self._stream = connection.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        asked = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        connection.sendall(asked.encode())
        assert self._stream.readline().split()[1] == b"101"
        while self._stream.readline().strip():
            pass

    def send(self, message: Any) -> None:
        """As JSON."""
        data = json.dumps(message).encode()
        assert len(data) < 126
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._socket.sendall(bytes([0x80 | TEXT, 0x80 | len(data)]) + mask + masked)

    def receive(self) -> str | None:
        """The next text, None when the other side closed."""
        kind, size = self._stream.read(2)
        if size == 126:
            size = int.from_bytes(self._stream.read(2), "big")
        data = self._stream.read(size)
        return data.decode() if kind & 0xF == TEXT else None

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
