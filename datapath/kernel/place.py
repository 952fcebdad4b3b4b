"""Interfaces in other network namespaces: moved there, or a TAP born there, and set up.

All or nothing: what goes wrong is undone.  An interface that was moved is back where it was
under its old name; a TAP that was made is gone.  What can be judged without the kernel is
judged first.

A move waits for the kernel's packet path to let go of the interface (RCU): 20 to 40 ms.  A
TAP needs no move: it is made on a thread inside the namespace, all in all about 4 ms.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from datapath.kernel.announce import announce
from datapath.kernel.link import Link, link_from_message
from datapath.kernel.name import check_name
from datapath.kernel.namespace import Namespace, inside, open_namespace, opened
from datapath.kernel.netlink import Conversation, converse, is_missing
from datapath.kernel.placement import Address, Interface, Placement, parse_placement
from datapath.kernel.problem import KernelError
from datapath.kernel.tap import make_tap

_LOOPBACK = 1  # the index of lo in every namespace
_ADDRESS_MODE_NONE = 1  # IN6_ADDR_GEN_MODE_NONE
_NODAD = 0x02  # IFA_F_NODAD: usable at once (RFC 4862, 5.4 would wait a second)


def place(
    interface: str,
    namespace: Namespace,
    *,
    rename: str = "eth0",
    mac: str | None = None,
    mtu: int | None = None,
    addresses: Sequence[str] = (),
    gateway: str | Sequence[str] | None = None,
) -> Link:
    """Moves `interface` of this namespace to `namespace` and sets it up there.

    `addresses` are "10.0.0.2/24" or "fd00::2/64", `mtu` is in bytes of layer 3, `gateway` is the
    next hop of the default route (one of each family at most).  The interface and lo are
    up afterwards, and its addresses are announced; a TAP's frames wait until they are read.
    Returns the interface as it is then.  KernelError: nothing has changed.  Blocks for 30 to
    50 ms; may be called on any thread.
    """
    check_name(interface)
    plan = parse_placement(rename, mac, mtu, addresses, gateway)
    with opened(namespace) as target:
        return _carry_out(interface, target, plan)


def make_tap_inside(
    namespace: Namespace,
    *,
    name: str = "eth0",
    mac: str | None = None,
    mtu: int | None = None,
    addresses: Sequence[str] = (),
    gateway: str | Sequence[str] | None = None,
    quiet: bool = False,
) -> tuple[int, Link]:
    """Makes a TAP inside `namespace` and sets it up there, as `place` would.
    `quiet`: it has no IPv6 address of its own making, so the kernel says nothing by it unasked.

    Returns its descriptor (as from `make_tap`, not persistent; the caller closes it, which takes
    20 to 40 ms) and the interface.  KernelError: nothing has changed.  Blocks for about 4 ms;
    may be called on any thread.
    """
    plan = parse_placement(name, mac, mtu, addresses, gateway)
    with opened(namespace) as target:
        fd = inside(target, lambda: make_tap(plan.name, persistent=False))
        try:
            return fd, converse(lambda talk: _dress_and_configure(talk, plan, quiet), target)
        except BaseException:
            os.close(fd)
            raise


def _dress_and_configure(talk: Conversation, plan: Placement, quiet: bool) -> Link:
    _dress(talk, plan.name, plan.mac, plan.mtu)
    if quiet:
        _hush(talk, plan.name)
    return _configure(talk, plan)


def _hush(talk: Conversation, name: str) -> None:
    """Without a link-local address there is nobody to join groups, look for routers or doubt that
    the address is free.  A kernel without IPv6 is quiet as it is."""
    none = {"attrs": [("IFLA_INET6_ADDR_GEN_MODE", _ADDRESS_MODE_NONE)]}
    with contextlib.suppress(KernelError):
        what = f"no IPv6 address for {name}"
        talk.set_link(what, talk.index(name), IFLA_AF_SPEC={"attrs": [("AF_INET6", none)]})


def _carry_out(interface: str, target: int, plan: Placement) -> Link:
    origin = open_namespace("/proc/thread-self/ns/net")
    try:
        before = converse(lambda talk: _describe(talk, interface))
        with _undoing(before, origin, target, there=before.name):
            # the move renames after it has moved: refused then, it is there under its old name
            converse(lambda talk: _dress_and_move(talk, interface, target, plan))
        with _undoing(before, origin, target, there=plan.name):
            return converse(lambda talk: _configure(talk, plan), target)
    finally:
        os.close(origin)


@contextmanager
def _undoing(before: Link, origin: int, target: int, there: str) -> Iterator[None]:
    """After an error the interface, called `there` if it is in the target by now, is as before."""
    try:
        yield
    except BaseException:
        if not converse(lambda talk: _has(talk, before.name)):
            converse(lambda talk: _move(talk, there, origin, before.name), target)
        converse(lambda talk: _dress(talk, before.name, before.mac, before.mtu))
        raise


def _describe(talk: Conversation, name: str) -> Link:
    return link_from_message(talk.ask(f"interface {name}", "link", "get", ifname=name)[0])


def _has(talk: Conversation, name: str) -> bool:
    try:
        talk.index(name)
    except KernelError as error:
        if is_missing(error):
            return False
        raise
    return True


def _dress_and_move(talk: Conversation, interface: str, target: int, plan: Placement) -> None:
    _dress(talk, interface, plan.mac, plan.mtu)
    _move(talk, interface, target, plan.name)


def _dress(talk: Conversation, name: str, mac: str | None, mtu: int | None) -> None:
    index = talk.index(name)
    if mac:
        talk.set_link(f"MAC address {mac} for {name}", index, address=mac)
    if mtu:
        talk.set_link(f"mtu {mtu} for {name}", index, mtu=mtu)


def _move(talk: Conversation, name: str, namespace: int, rename: str) -> None:
    what = f"move {name} to the namespace as {rename}"
    talk.set_link(what, talk.index(name), net_ns_fd=namespace, ifname=rename)


def _configure(talk: Conversation, plan: Placement) -> Link:
    index = talk.index(plan.name)
    for address in plan.addresses:
        _add_address(talk, index, plan.name, address)
    talk.set_link("lo up", _LOOPBACK, state="up")
    talk.set_link(f"{plan.name} up", index, state="up")
    for hop in plan.gateways:
        _add_default_route(talk, index, hop)
    link = _describe(talk, plan.name)
    announce(link.name, link.mac, [address.ip for address in plan.addresses])
    return link


def _add_address(talk: Conversation, index: int, name: str, address: Interface) -> None:
    fields: dict[str, object] = {"address": str(address.ip), "prefixlen": address.network.prefixlen}
    if address.version == 6:
        fields["flags"] = _NODAD
    elif address.network.prefixlen < 31:
        fields["broadcast"] = str(address.network.broadcast_address)
    talk.ask(f"address {address} on {name}", "addr", "add", index=index, **fields)


def _add_default_route(talk: Conversation, index: int, hop: Address) -> None:
    everything = "0.0.0.0/0" if hop.version == 4 else "::/0"
    talk.ask(
        f"default route via {hop}", "route", "add", dst=everything, gateway=str(hop), oif=index
    )
