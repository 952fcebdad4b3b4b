"""Conversations with the kernel over rtnetlink: the only file that opens pyroute2.

Each conversation runs on a short-lived thread: pyroute2's IPRoute can't be used
where an asyncio loop runs already (the daemon is one), and a thread can be in the namespace
that is talked about.  pyroute2 takes 0.15 s to import, so that waits for the first use.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, TypeVar

from datapath.kernel.namespace import inside
from datapath.kernel.problem import KernelError, kernel_error

T = TypeVar("T")

_NO_NUMBER = 0xFFFFFFFF  # NETNSA_NSID_NOT_ASSIGNED


class Conversation:
    """Requests over one netlink socket; a refusal is a KernelError that says what was asked."""

    def __init__(self, iproute: Any, refusal: type[Exception]) -> None:
        self._iproute = iproute
        self._refusal = refusal

    def ask(self, what: str, request: str, *args: object, **fields: object) -> list[Any]:
        """Sends pyroute2's `request` ("link", "addr", "route") and returns the answers."""
        return list(self._call(what, request, *args, **fields))

    def _call(self, what: str, request: str, *args: object, **fields: object) -> Any:
        try:
            return getattr(self._iproute, request)(*args, **fields)
        except self._refusal as error:
            raise kernel_error(what, getattr(error, "code", 0) or errno.EINVAL) from error
        except OSError as error:
            raise kernel_error(what, error.errno or errno.EIO) from error

    def index(self, name: str) -> int:
        """The number of the interface `name`; KernelError (ENODEV) if it isn't there."""
        return int(self.ask(f"interface {name}", "link", "get", ifname=name)[0]["index"])

    def number_of(self, namespace: int) -> int | None:
        """The number that this namespace has for another (a descriptor); None: it has none."""
        found = self._call("number of a namespace", "get_netnsid", fd=namespace)["nsid"]
        return None if found in (None, -1, _NO_NUMBER) else int(found)

    def set_link(self, what: str, index: int, **fields: object) -> None:
        """Changes the interface of that number; fails as `ask` does."""
        self.ask(what, "link", "set", index=index, **fields)


def converse(task: Callable[[Conversation], T], namespace: int | None = None) -> T:
    """What `task` returns, given a conversation in `namespace` (a descriptor; None: ours)."""

    def run() -> T:
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            iproute = IPRoute()
        except OSError as error:
            raise kernel_error("netlink socket", error.errno or errno.EIO) from error
        with iproute:
            return task(Conversation(iproute, NetlinkError))

    return inside(namespace, run)


def is_missing(error: KernelError) -> bool:
    """The kernel said that there is no such interface."""
    return error.code == errno.ENODEV
