"""TAP interfaces: the kernel's end is an interface, ours a descriptor that carries its frames."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from datapath.kernel.name import check_name
from datapath.kernel.problem import KernelError, kernel_error

_DEVICE = "/dev/net/tun"
# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_TUNGETIFF = 0x800454D2
_TUNSETPERSIST = 0x400454CB
_TUNSETOFFLOAD = 0x400454D0
_TUNSETVNETHDRSZ = 0x400454D8
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR, _IFF_TUN_EXCL = 0x2, 0x1000, 0x4000, 0x8000
_TUN_F_CSUM, _TUN_F_TSO4, _TUN_F_TSO6, _TUN_F_TSO_ECN = 0x01, 0x02, 0x04, 0x08
_TUN_F_USO = 0x20 | 0x40  # Linux >= 6.2
_TSO = _TUN_F_CSUM | _TUN_F_TSO4 | _TUN_F_TSO6 | _TUN_F_TSO_ECN
_IFREQ = struct.Struct("16s24x")

VNET_HDR_SIZE = 10  # struct virtio_net_hdr, native byte order


def make_tap(name: str, *, persistent: bool) -> int:
    """Makes the TAP interface `name`; returns its non-blocking descriptor, which the caller closes.

    Each frame on the descriptor has a 10 byte virtio_net_hdr before it; super-frames
    and open checksums pass whole.  The interface is down.  Without `persistent` it vanishes with
    the last duplicate of the descriptor and the name must be free; with it, it stays until
    `delete(name)`, and a persistent TAP of that name without a holder is taken over.
    """
    check_name(name)
    fd = _open_device(name)
    try:
        _attach(fd, name, persistent)
        fcntl.ioctl(fd, _TUNSETVNETHDRSZ, struct.pack("i", VNET_HDR_SIZE))
        _offer_offloads(fd)
        fcntl.ioctl(fd, _TUNSETPERSIST, int(persistent))
    except BaseException as error:
        os.close(fd)
        if isinstance(error, OSError):
            raise kernel_error(f"TAP {name}", error.errno or errno.EIO) from error
        raise
    return fd


def tap_interface(tap: int) -> str:
    """What the interface of the TAP with that descriptor is called, wherever it is; "" if it is
    gone."""
    try:
        request = fcntl.ioctl(tap, _TUNGETIFF, bytes(_IFREQ.size))
    except OSError:
        return ""
    return str(_IFREQ.unpack(request)[0].split(b"\0")[0].decode(errors="replace"))


def _open_device(name: str) -> int:
    try:
        return os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KernelError(
            f"TAP {name}",
            f"{_DEVICE} is missing",
            f"load the module (modprobe tun), or make it (mknod {_DEVICE} c 10 200)",
            errno.ENOENT,
        ) from error
    except OSError as error:
        advice = f"make {_DEVICE} accessible, and load the module (modprobe tun) if it has none"
        raise kernel_error(f"TAP {name}: open {_DEVICE}", error.errno or 5, advice) from error


def _attach(fd: int, name: str, persistent: bool) -> None:
    flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR | (0 if persistent else _IFF_TUN_EXCL)
    request = struct.pack("16sH22x", name.encode(), flags)
    try:
        fcntl.ioctl(fd, _TUNSETIFF, request)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EINVAL, errno.EEXIST):
            raise
        # EINVAL is what a name gives that another kind of interface has
        raise KernelError(
            f"TAP {name}",
            "an interface of that name is there already",
            f"choose another name, or delete it (ip link del {name})",
            errno.EEXIST,
        ) from error


def _offer_offloads(fd: int) -> None:
    try:
        fcntl.ioctl(fd, _TUNSETOFFLOAD, _TSO | _TUN_F_USO)
    except OSError:
        fcntl.ioctl(fd, _TUNSETOFFLOAD, _TSO)
