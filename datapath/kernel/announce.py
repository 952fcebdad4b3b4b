"""An endpoint makes itself known: what it sends once it is there, so that nobody has to ask.

Whoever talked to its address before may remember another Ethernet address, and switches another
port; both would be right again only when their entries have aged (tens of seconds).  An ARP
announcement (RFC 5227, 3) and an unsolicited neighbour advertisement (RFC 4861, 7.2.6) put them
right at once.  The kernel's own `arp_notify` and `ndisc_notify` would do it for IPv4 alone:
addresses that skip duplicate address detection are never advertised.

The frames are pure functions; `announce` sends them from the namespace of its caller.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_ARP, _IPV6 = 0x0806, 0x86DD
_ETHERNET, _IPV4, _REQUEST = 1, 0x0800, 1
_ICMPV6, _ADVERTISEMENT, _OVERRIDE, _TARGET_ADDRESS = 58, 136, 0x20000000, 2
_ALL_NODES = ipaddress.IPv6Address("ff02::1").packed


def announcement(mac: bytes, address: Address) -> bytes:
    """The frame by which the owner of `mac` tells everybody that `address` is there."""
    make = _arp if address.version == 4 else _advertisement
    return make(mac, address.packed)


def _arp(mac: bytes, address: bytes) -> bytes:
    """A request for its own address: every neighbour that has an entry takes it over."""
    head = b"\xff" * 6 + mac + struct.pack("!HHHBBH", _ARP, _ETHERNET, _IPV4, 6, 4, _REQUEST)
    return head + mac + address + bytes(6) + address


def _advertisement(mac: bytes, address: bytes) -> bytes:
    """To all nodes, unsolicited, overriding what they know."""
    option = struct.pack("!BB", _TARGET_ADDRESS, 1) + mac
    body = struct.pack("!BBHI", _ADVERTISEMENT, 0, 0, _OVERRIDE) + address + option
    pseudo = address + _ALL_NODES + struct.pack("!II", len(body), _ICMPV6)
    body = body[:2] + struct.pack("!H", _checksum(pseudo + body)) + body[4:]
    ip = struct.pack("!IHBB", 6 << 28, len(body), _ICMPV6, 255) + address + _ALL_NODES
    return b"\x33\x33" + _ALL_NODES[12:] + mac + struct.pack("!H", _IPV6) + ip + body


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def announce(interface: str, mac: str, addresses: Iterable[Address]) -> None:
    """Announces each of the addresses from `interface` of this thread's namespace, which is up.

    One that can't be sent is no failure: neighbours find out as they would have without it.
    """
    own = bytes.fromhex(mac.replace(":", ""))
    with contextlib.suppress(OSError), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((interface, 0))
        for address in addresses:
            with contextlib.suppress(OSError):
                sock.send(announcement(own, address))
