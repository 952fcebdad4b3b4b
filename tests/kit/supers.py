"""Super-frames for a switch in memory: a TAP whose other end the test holds.

What a container's kernel sends through a TAP may be up to 64 KB with one set of headers and an open
checksum; a virtio header before it says how it is to be cut.  A pair of sockets carries just that.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from datapath.frames import Command, PortFlags, PortKind, PortSpec
from datapath.packet_text import checksum
from datapath.switch import Switch
from tests.packet.headers import frame

HEADER = struct.Struct("=BBHHHH")
"""struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset."""
NEEDS_CSUM, TCPV4, TCPV6, UDP_L4 = 1, 1, 4, 5
LARGEST = 1 << 17
ROOM = 1 << 21


@dataclass(frozen=True)
class Super:
    """A frame with an open checksum, to be cut into pieces of 'size' bytes of payload."""

    frame: bytes
    headers: int
    size: int
    kind: int
    csum_start: int
    csum_offset: int

    @property
    def pieces(self) -> int:
        return -(-(len(self.frame) - self.headers) // self.size)

    @property
    def wire_bytes(self) -> int:
        """What the pieces have together."""
        return len(self.frame) + (self.pieces - 1) * self.headers

    def sent(self) -> bytes:
        """As it is written to a TAP."""
        head = (NEEDS_CSUM, self.kind, self.headers, self.size, self.csum_start, self.csum_offset)
        return HEADER.pack(*head) + self.frame


def super_frame(text: str, payload: int, size: int) -> Super:
    """TCP or UDP over IP as ovs-ofctl's words describe it, with so many bytes of payload."""
    whole = frame(f"{text},payload={bytes(i & 0xFF for i in range(payload)).hex()}")
    l3 = 14
    while whole[l3 - 2 : l3] in (b"\x81\0", b"\x88\xa8"):
        l3 += 4
    six = whole[l3 - 2 : l3] == b"\x86\xdd"
    l4, proto = (l3 + 40, whole[l3 + 6]) if six else (l3 + 20, whole[l3 + 9])
    addresses = whole[l3 + 8 : l3 + 40] if six else whole[l3 + 12 : l3 + 20]
    pseudo = addresses + struct.pack("!HH", proto, len(whole) - l4)
    offset = 16 if proto == 6 else 6
    headers = l4 + (20 if proto == 6 else 8)
    opened = (0xFFFF ^ checksum(pseudo)).to_bytes(2)
    whole = whole[: l4 + offset] + opened + whole[l4 + offset + 2 :]
    kind = UDP_L4 if proto == 17 else TCPV6 if six else TCPV4
    return Super(whole, headers, size, kind, l4, offset)


class Tap:
    """Port 'number' of a switch, played by a socket; closed with the test's switch or before."""

    def __init__(self, switch: Switch, number: int, *, mtu: int = 0) -> None:
        theirs, self._ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (theirs, self._ours):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
            end.setblocking(False)
        mac = b"\2\0\0\0\1" + bytes([number])
        spec = PortSpec(
            number, PortKind.TAP, f"tap{number}", mac, mtu=mtu, flags=PortFlags.VNET_HDR
        )
        switch._command(Command.PORT_ADD, spec.pack(), fd=theirs.detach())

    def write(self, packet: Super | bytes) -> None:
        """Lets a packet come in; a frame of bytes is whole, with its checksum."""
        self._ours.send(packet.sent() if isinstance(packet, Super) else bytes(HEADER.size) + packet)

    def read(self) -> list[bytes]:
        """What has left by it, each with its virtio header before it."""
        found = []
        while True:
            try:
                found.append(self._ours.recv(LARGEST))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._ours.close()
