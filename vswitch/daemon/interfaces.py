"""Interfaces for ports: from a port's record to a descriptor that carries its frames.

The switch side of a TAP is its descriptor alone, so a container's port has no interface in our
namespace at all: the TAP is born in the container's.  Everything here blocks for
milliseconds and runs on a thread of its own, so that OpenFlow sessions never wait for netlink.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from datapath.frames import PortFlags, PortKind, PortSpec
from vswitch.errors import Failure
from vswitch.schema import Port

OWN_NAMESPACE = "/proc/self/ns/net"


@dataclass(frozen=True, slots=True)
class Interface:
    """An open interface; 'fd' belongs to whoever asked.  'record' has its kind settled."""

    record: Port
    spec: PortSpec
    fd: int


async def open_interface(port: Port, *, ephemeral: bool) -> Interface:
    """Opens or makes the interface of 'port', which has its number.  Failure says why not."""
    return await asyncio.to_thread(_open, port, ephemeral)


def _open(port: Port, ephemeral: bool) -> Interface:
    from datapath.kernel import KernelError

    try:
        kind = _kind(port) if port.kind == "auto" else port.kind
        return _OPENERS[kind](port.changed(kind=kind), ephemeral)
    except KernelError as error:
        raise Failure(f"port {port.name}", f"{error.what}: {error.why}", error.advice) from None


def _kind(port: Port) -> str:
    """auto: the interface that is there, else a TAP that we make."""
    from datapath.kernel import link

    if port.netns or port.addresses or port.interface:
        return "tap"
    return "packet" if link(port.name) else "tap"


def _packet(port: Port, ephemeral: bool) -> Interface:
    from datapath.kernel import link, open_packet_port

    fd = open_packet_port(port.name)
    found = link(port.name)
    mac = found.mac if found else ""
    return Interface(port, _spec(port, PortKind.PACKET, mac, ephemeral), fd)


def _tap(port: Port, ephemeral: bool) -> Interface:
    from datapath.kernel.place import make_tap_inside

    fd, made = make_tap_inside(
        port.netns or OWN_NAMESPACE,
        name=(port.interface or "eth0") if port.netns else port.name,
        mac=port.mac,
        mtu=port.mtu,
        addresses=port.addresses,
        gateway=port.gateway,
    )
    return Interface(port, _spec(port, PortKind.TAP, made.mac, ephemeral), fd)


_OPENERS: dict[str, Callable[[Port, bool], Interface]] = {"packet": _packet, "tap": _tap}


def _spec(port: Port, kind: PortKind, mac: str, ephemeral: bool) -> PortSpec:
    flags = PortFlags.VNET_HDR | (PortFlags.EPHEMERAL if ephemeral else PortFlags.NONE)
    assert port.number is not None
    return PortSpec(
        number=port.number,
        kind=kind,
        name=port.name,
        mac=bytes.fromhex(mac.replace(":", "")) or bytes(6),
        state=4,
        mtu=port.mtu or 0,
        flags=flags,
    )


def adopted(spec: PortSpec, stored: Port | None) -> Port:
    """The record of a port that was there before this daemon: what is stored, where it is true.

    A stored port's settings that the forwarder doesn't hold (addresses, namespace) are taken as
    done: they were when the port was made.
    """
    kind = {PortKind.PACKET: "packet", PortKind.TAP: "tap"}.get(spec.kind, "auto")
    base = stored if stored and stored.kind in ("auto", kind) else Port(spec.name)
    return base.changed(number=spec.number, kind=kind)
