"""What is wanted of an interface inside a namespace: the words judged, without the kernel."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from datapath.kernel.name import check_name
from datapath.kernel.problem import KernelError

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MTU_LEAST, _MTU_LEAST_V6, _MTU_MOST = 68, 1280, 65535
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True, slots=True)
class Placement:
    """How an interface is to be set up."""

    name: str
    mac: str | None
    mtu: int | None
    addresses: tuple[Interface, ...]
    gateways: tuple[Address, ...]


def parse_placement(
    name: str,
    mac: str | None,
    mtu: int | None,
    addresses: Sequence[str],
    gateway: str | Sequence[str] | None,
) -> Placement:
    """Judges the words of a placement; pure.  KernelError says which is wrong."""
    if mtu is not None and not _MTU_LEAST <= mtu <= _MTU_MOST:
        raise KernelError(f"mtu {mtu}", "out of range", f"give {_MTU_LEAST} to {_MTU_MOST}")
    given = [gateway] if isinstance(gateway, str) else list(gateway or ())
    gateways = tuple(_parse_gateway(text) for text in given)
    if len({hop.version for hop in gateways}) < len(gateways):
        raise KernelError(
            "gateway", "two of one family", "give at most one IPv4 and one IPv6 gateway"
        )
    interfaces = tuple(_parse_address(text) for text in addresses)
    if mtu is not None and mtu < _MTU_LEAST_V6 and any(i.version == 6 for i in interfaces):
        raise KernelError(
            f"mtu {mtu}", f"IPv6 needs {_MTU_LEAST_V6} bytes (RFC 8200, 5)",
            f"give {_MTU_LEAST_V6} or more, or leave out the IPv6 address",
        )  # fmt: skip
    own = _parse_mac(mac) if mac is not None else None
    return Placement(check_name(name), own, mtu, interfaces, gateways)


def _parse_mac(text: str) -> str:
    mac = text.lower()
    if not _MAC.fullmatch(mac):
        raise KernelError(f"MAC address {text!r}", "is none", "write it as 02:00:00:00:00:01")
    if mac == "00:00:00:00:00:00":
        raise KernelError(
            f"MAC address {text!r}", "stands for none at all", "write one as 02:00:00:00:00:01"
        )
    if int(mac[:2], 16) & 1:
        raise KernelError(
            f"MAC address {text!r}", "is no unicast address", "write one as 02:00:00:00:00:01"
        )
    return mac


def _parse_address(text: str) -> Interface:
    try:
        if "/" not in text:
            raise ValueError("has no prefix length")
        return ipaddress.ip_interface(text)
    except ValueError as error:
        raise KernelError(
            f"address {text!r}", str(error), "write it as 10.0.0.2/24 or fd00::2/64"
        ) from error


def _parse_gateway(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise KernelError(f"gateway {text!r}", str(error), "write it as 10.0.0.1") from error
