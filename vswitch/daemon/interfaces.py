"""Interfaces for ports: from a port's record to a descriptor that carries its frames.

The switch side of a TAP is its descriptor alone, so a container's port has no interface in our
namespace: the TAP is moved to the container's before anybody uses it.  Everything here blocks for
milliseconds and runs on a thread of its own, so that OpenFlow sessions never wait for netlink.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datapath.frames import PortFlags, PortKind, PortSpec, VlanMode, Vlans
from vswitch.errors import Failure
from vswitch.openflow.messages.port import PortState
from vswitch.schema import Port
from vswitch.values import LOCAL

if TYPE_CHECKING:
    from datapath.kernel import Link

log = logging.getLogger("vswitch.daemon")

OWN_NAMESPACE = "/proc/self/ns/net"


@dataclass(frozen=True, slots=True)
class Interface:
    """An open interface; 'fd' belongs to whoever asked."""

    record: Port
    spec: PortSpec
    fd: int


async def open_interface(
    port: Port, mac: str, *, ephemeral: bool, namespace: int | None = None
) -> Interface:
    """Opens or makes the interface of 'port', which has number and kind; a TAP gets 'mac'.
    Failure says why not.

    'namespace' is what the port's netns is to whoever asked: a descriptor, which stays theirs.
    """
    # Whoever lent it may be cancelled and close it while the thread still works.
    own = None if namespace is None else os.dup(namespace)
    return await asyncio.to_thread(_open, port, mac, ephemeral, own)


def _open(port: Port, mac: str, ephemeral: bool, namespace: int | None) -> Interface:
    try:
        with _told(port):
            return _OPENERS[port.kind](port, mac, ephemeral, namespace)
    finally:
        if namespace is not None:
            os.close(namespace)


@contextmanager
def _told(port: Port) -> Iterator[None]:
    """What the kernel refuses within is told as a Failure of the port."""
    from datapath.kernel import KernelError

    try:
        yield
    except KernelError as error:
        raise Failure(f"port {port.name}", f"{error.what}: {error.why}", error.advice) from None


async def check_lent(port: Port, namespace: int) -> None:
    """A port that is stored is opened by its netns again some day; Failure unless that path leads
    us to the very namespace that the descriptor 'namespace' is."""
    await asyncio.to_thread(_check_lent, port, os.dup(namespace))


def _check_lent(port: Port, namespace: int) -> None:
    from datapath.kernel import open_lasting_namespace

    assert port.netns
    try:
        with _told(port):
            here = open_lasting_namespace(port.netns)
        same = os.path.sameopenfile(here, namespace)
        os.close(here)
    finally:
        os.close(namespace)
    if not same:
        raise Failure(
            f"port {port.name} netns {port.netns}",
            "it is another namespace to vswitchd than to you",
            "ask where vswitchd runs, or make the port ephemeral",
        )


async def require_interface(port: Port) -> None:
    """Failure unless there is an interface for a port that is to be of no kind but the usual: a
    name that was mistyped is neither made nor waited for."""
    if port.kind == "auto" and port.decided().kind == "packet":
        await asyncio.to_thread(_require_interface, port)


def _require_interface(port: Port) -> None:
    from datapath.kernel import link

    with _told(port):
        if link(port.name) is None:
            raise _missing(port, ", or --kind packet to wait for it")


async def require_mtu(port: Port) -> None:
    """Failure if a port is to take longer packets than its interface, which we didn't make."""
    if port.mtu and port.decided().kind == "packet":
        await asyncio.to_thread(_require_mtu, port)


def _require_mtu(port: Port) -> None:
    from datapath.kernel import link

    with _told(port):
        found = link(port.name)
    if found and _is_short(port, found):
        do = f"ask for less, or `ip link set {port.name} mtu {port.mtu}` first"
        raise Failure(f"port {port.name} mtu {port.mtu}", _short(found), do)


def _is_short(port: Port, found: Link) -> bool:
    return bool(port.mtu and found.mtu and found.mtu < port.mtu)


def _short(found: Link) -> str:
    return f"its interface takes packets of at most {found.mtu} bytes"


def _missing(port: Port, further: str = "") -> Failure:
    why, do = f"there is no interface {port.name}", "make it, or say --kind tap to have one made"
    return Failure(f"port {port.name}", why, do + further)


def _packet(port: Port, _: str, ephemeral: bool, namespace: int | None) -> Interface:
    from datapath.kernel import KernelError, link, open_packet_port

    try:
        fd = open_packet_port(port.name)
    except KernelError as error:
        if error.code == errno.ENODEV:
            raise _missing(port) from None
        raise
    found = link(port.name)
    if found and _is_short(port, found):
        log.warning("port %s: mtu %d was asked for, but %s", port.name, port.mtu, _short(found))
    return Interface(port, _spec(port, PortKind.PACKET, found, ephemeral), fd)


def _tap(port: Port, mac: str, ephemeral: bool, namespace: int | None) -> Interface:
    fd, made = _tap_there(port, mac, namespace) if port.netns else _tap_here(port, mac)
    return Interface(port, _spec(port, PortKind.TAP, made, ephemeral), fd)


def _tap_here(port: Port, mac: str) -> tuple[int, Link]:
    from datapath.kernel.place import make_tap_inside

    return make_tap_inside(
        OWN_NAMESPACE, name=port.name, mac=mac, mtu=port.mtu,
        addresses=port.addresses, gateway=port.gateway, quiet=not _speaks(port),
    )  # fmt: skip


def _speaks(port: Port) -> bool:
    """Is the host itself a station there?  Other TAPs of this namespace are for whoever opens
    them: a thousand of them, each greeting all others, would be a million packets."""
    return bool(port.addresses) or port.number == LOCAL


def _tap_there(port: Port, mac: str, lent: int | None) -> tuple[int, Link]:
    """A TAP made here and moved: one that is opened in a namespace would keep that alive, and the
    port would never learn that its container has ended.

    A number in a path of the caller's may be a stranger's here: then only 'lent' will do."""
    from datapath.kernel import make_tap, open_lasting_namespace, place

    assert port.netns
    target = open_lasting_namespace(port.netns) if lent is None else os.dup(lent)
    try:
        fd = make_tap(port.name, persistent=False)
        try:
            return fd, place(
                port.name, target, rename=port.interface or "eth0", mac=mac,
                mtu=port.mtu, addresses=port.addresses, gateway=port.gateway,
            )  # fmt: skip
        except BaseException:
            os.close(fd)
            raise
    finally:
        os.close(target)


_OPENERS: dict[str, Callable[[Port, str, bool, int | None], Interface]] = {
    "packet": _packet,
    "tap": _tap,
}


def _spec(port: Port, kind: PortKind, link: Link | None, ephemeral: bool) -> PortSpec:
    """'link': the interface as it was just found."""
    flags = PortFlags.VNET_HDR | (PortFlags.EPHEMERAL if ephemeral else PortFlags.NONE)
    assert port.number is not None
    return PortSpec(
        number=port.number,
        kind=kind,
        name=port.name,
        mac=bytes.fromhex(link.mac.replace(":", "")) if link and link.mac else bytes(6),
        state=PortState.NONE if link and link.carrier else PortState.LINK_DOWN,
        mtu=mtu_of(port, link.mtu if link else 0),
        flags=flags,
        vlans=vlans_of(port),
    )


def mtu_of(port: Port, own: int) -> int:
    """The MTU of a port whose interface has 'own' (0: not known): no more than that, nor than was
    asked for.  0: there is none to keep to."""
    return min((limit for limit in (port.mtu, own) if limit), default=0)


def vlans_of(port: Port) -> Vlans:
    """A port's VLANs as the forwarder is told of them."""
    mode, tag, trunks = port.vlans
    return Vlans(_MODES[mode], tag, trunks)


def with_vlans_of(port: Port, interface: Interface) -> Interface:
    """An interface that was opened before 'port' got other VLANs."""
    record = interface.record.changed(
        vlan_mode=port.vlan_mode, tag=port.tag, trunks=port.trunks
    )  # fmt: skip
    return replace(interface, record=record, spec=replace(interface.spec, vlans=vlans_of(port)))


def _with_vlans(port: Port, vlans: Vlans) -> Port:
    """The record with the VLANs that the forwarder has; as they are written if that is the same."""
    if vlans_of(port) == vlans:
        return port
    mode = {number: word for word, number in _MODES.items()}[vlans.mode]
    return port.changed(vlan_mode=mode, tag=vlans.tag or None, trunks=sorted(vlans.trunks))


_MODES = {
    "trunk": VlanMode.TRUNK,
    "access": VlanMode.ACCESS,
    "native-untagged": VlanMode.NATIVE_UNTAGGED,
    "native-tagged": VlanMode.NATIVE_TAGGED,
}


def adopted(spec: PortSpec, stored: Port | None) -> Port:
    """The record of a port that was there before this daemon: what is stored, where it is true.

    A stored port's settings that the forwarder doesn't hold (addresses, namespace) are taken as
    done: they were when the port was made.
    """
    kind = {PortKind.PACKET: "packet", PortKind.TAP: "tap"}.get(spec.kind, "auto")
    base = stored if stored and stored.kind in ("auto", kind) else Port(spec.name)
    return _with_vlans(base.changed(number=spec.number, kind=kind), spec.vlans)
