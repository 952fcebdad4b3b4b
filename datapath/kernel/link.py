"""Interfaces: what is there, making veth pairs, deleting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datapath.kernel.name import check_name
from datapath.kernel.netlink import Conversation, converse, is_missing
from datapath.kernel.problem import KernelError

_IFF_UP = 0x1
_OPER_UP = ("UP", "UNKNOWN")  # UNKNOWN: a driver that doesn't tell, as lo and TAP (RFC 2863)


@dataclass(frozen=True, slots=True)
class Link:
    """One interface as the kernel describes it."""

    index: int
    name: str
    mac: str  # "" for an interface without one
    mtu: int  # bytes of the largest layer 3 packet
    up: bool  # switched on (IFF_UP)
    carrier: bool  # can carry packets: on, and something is at the other end
    kind: str  # "veth", "tun", "bridge", ...; "" for hardware and lo


def link_from_message(message: Any) -> Link:
    """The Link in an RTM_NEWLINK or RTM_DELLINK message of pyroute2."""
    info = message.get_attr("IFLA_LINKINFO")
    up = bool(message["flags"] & _IFF_UP)
    return Link(
        index=message["index"],
        name=message.get_attr("IFLA_IFNAME") or "",
        mac=message.get_attr("IFLA_ADDRESS") or "",
        mtu=message.get_attr("IFLA_MTU") or 0,
        up=up,
        carrier=up
        and bool(message.get_attr("IFLA_CARRIER"))
        and message.get_attr("IFLA_OPERSTATE") in _OPER_UP,
        kind=(info.get_attr("IFLA_INFO_KIND") or "") if info else "",
    )


def links(namespace: int | None = None) -> list[Link]:
    """Every interface of `namespace` (a descriptor; None: ours), by index."""

    def dump(talk: Conversation) -> list[Link]:
        found = talk.ask("list interfaces", "link", "dump")
        return sorted((link_from_message(m) for m in found), key=lambda link: link.index)

    return converse(dump, namespace)


def link(name: str, namespace: int | None = None) -> Link | None:
    """The interface `name` of `namespace`, or None."""
    check_name(name)

    def get(talk: Conversation) -> Link | None:
        try:
            return link_from_message(talk.ask(f"interface {name}", "link", "get", ifname=name)[0])
        except KernelError as error:
            if is_missing(error):
                return None
            raise

    return converse(get, namespace)


def delete(name: str, namespace: int | None = None) -> bool:
    """Deletes the interface `name`; False if there was none.  A veth takes its peer along."""
    check_name(name)

    def remove(talk: Conversation) -> bool:
        try:
            talk.ask(f"delete {name}", "link", "del", index=talk.index(name))
        except KernelError as error:
            if is_missing(error):
                return False
            raise
        return True

    return converse(remove, namespace)


def make_veth_pair(name: str, peer: str, peer_namespace: int | None = None) -> None:
    """Makes two interfaces joined back to back.

    `peer` is made in `peer_namespace` (a descriptor; None: ours).  Both are down; deleting
    either deletes both.
    """
    check_name(name)
    check_name(peer)
    other: dict[str, object] = {"ifname": peer}
    if peer_namespace is not None:
        other["net_ns_fd"] = peer_namespace

    def make(talk: Conversation) -> None:
        talk.ask(f"veth {name} and {peer}", "link", "add", ifname=name, kind="veth", peer=other)

    converse(make)
