"""AF_PACKET sockets: every frame of an interface, received and sent, offloads passed whole."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

from datapath.kernel.name import check_name
from datapath.kernel.problem import KernelError, kernel_error

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
# linux/if_packet.h
_ADD_MEMBERSHIP, _AUXDATA, _VNET_HDR, _QDISC_BYPASS, _IGNORE_OUTGOING = 1, 8, 15, 20, 23
_MR_PROMISC = 1
# asm-generic/socket.h
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE, _SO_RXQ_OVFL = 32, 33, 40
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCGIFHWADDR = 0x8913, 0x8914, 0x8927
_IFF_UP = 0x1
_ARPHRD_ETHER = 1
_IFREQ = struct.Struct("16sH22x")

# The kernel doubles these; super-frames count with all they hold, so this is about 30 of them.
RECEIVE_BUFFER = 2 << 20
SEND_BUFFER = 1 << 20

_OPTIONS = (
    (_SOL_PACKET, _VNET_HDR, "offload headers (PACKET_VNET_HDR)"),
    (_SOL_PACKET, _AUXDATA, "VLAN tags beside frames (PACKET_AUXDATA)"),
    (_SOL_PACKET, _IGNORE_OUTGOING, "no echo of sent frames (PACKET_IGNORE_OUTGOING)"),
    (_SOL_PACKET, _QDISC_BYPASS, "sending without a queue (PACKET_QDISC_BYPASS)"),
    (socket.SOL_SOCKET, _SO_RXQ_OVFL, "the count of lost frames (SO_RXQ_OVFL)"),
)


def open_packet_port(interface: str) -> int:
    """A non-blocking AF_PACKET socket on `interface` of this namespace, as a descriptor.

    The caller closes it.  Each frame has a 10 byte virtio_net_hdr before it.  The interface is set
    up, and is promiscuous for as long as the socket is open.  Only Ethernet interfaces;
    KernelError otherwise.
    """
    check_name(interface)
    what = f"packet port on {interface}"
    try:
        with socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
        ) as sock:
            _prepare(sock, interface, what)
            return sock.detach()
    except OSError as error:
        raise kernel_error(what, error.errno or errno.EIO) from error


def packet_interface(descriptor: int) -> str:
    """What the interface of an AF_PACKET socket is called now; "" if it is gone.  The descriptor
    stays the caller's."""
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        return str(sock.getsockname()[0])


def _prepare(sock: socket.socket, interface: str, what: str) -> None:
    """Options first, then bind: no frame arrives that lacks its header."""
    try:
        index = socket.if_nametoindex(interface)
    except OSError as error:
        raise kernel_error(what, errno.ENODEV) from error
    _require_ethernet(sock, interface, what)
    for level, option, meaning in _OPTIONS:
        _switch_on(sock, level, option, f"{what}: {meaning}")
    _widen(sock, _SO_RCVBUFFORCE, socket.SO_RCVBUF, RECEIVE_BUFFER)
    _widen(sock, _SO_SNDBUFFORCE, socket.SO_SNDBUF, SEND_BUFFER)
    membership = struct.pack("iHH8s", index, _MR_PROMISC, 0, b"")
    sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
    _set_up(sock, interface)  # a socket bound while it is down would begin with ENETDOWN
    sock.bind((interface, _ETH_P_ALL))


def _require_ethernet(sock: socket.socket, interface: str, what: str) -> None:
    answer = fcntl.ioctl(sock, _SIOCGIFHWADDR, _IFREQ.pack(interface.encode(), 0))
    if _IFREQ.unpack(answer)[1] != _ARPHRD_ETHER:
        raise KernelError(
            what, "is no Ethernet interface", "give a veth, a TAP or a network card", errno.EINVAL
        )


def _switch_on(sock: socket.socket, level: int, option: int, what: str) -> None:
    try:
        sock.setsockopt(level, option, 1)
    except OSError as error:
        raise kernel_error(what, error.errno or errno.EIO, "use Linux 4.20 or newer") from error


def _widen(sock: socket.socket, forced: int, asked: int, size: int) -> None:
    """Past the system's limit if we may, else up to it."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, forced, size)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, asked, size)


def _set_up(sock: socket.socket, interface: str) -> None:
    name = interface.encode()
    flags = _IFREQ.unpack(fcntl.ioctl(sock, _SIOCGIFFLAGS, _IFREQ.pack(name, 0)))[1]
    if not flags & _IFF_UP:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, _IFREQ.pack(name, flags | _IFF_UP))
