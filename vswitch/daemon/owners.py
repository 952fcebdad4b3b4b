"""Processes that ports are for: when one has ended, its port goes.

An interface goes with its network namespace, but a namespace stays as long as anybody holds a
socket of it: one that was handed out of a container would keep the container's port, for whoever
has it now.  So who asks for a port may lend a descriptor of the process that it is for (a pidfd),
which means the same in every pid namespace and is never another's.  A daemon that is started again
doesn't have it: there a port goes with its interface, or is taken off by who ends the container.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from vswitch.errors import Exit, Failure

Ended = Callable[[str, str, str], None]
"""Hears bridge, port and owner."""
Stays = Callable[[str, str, str], bool]
"""Whether that bridge still has that owner's port."""


class Owners:
    """Tells once of each port whose process has ended.  Belongs to one event loop.

    A port may go before its process: it is forgotten with the next one that comes, so that no more
    descriptors are held than there are ports, and one.
    """

    def __init__(self, ended: Ended, stays: Stays) -> None:
        self._ended, self._stays = ended, stays
        self._watched: dict[int, tuple[str, str, str]] = {}

    def watch(self, process: int, bridge: str, port: str, owner: str) -> None:
        """'process' is a pidfd, which stays the caller's."""
        for old in [pidfd for pidfd, what in self._watched.items() if not self._stays(*what)]:
            self._forget(old)
        pidfd = os.dup(process)
        self._watched[pidfd] = bridge, port, owner
        asyncio.get_running_loop().add_reader(pidfd, self._heard, pidfd)

    def _heard(self, pidfd: int) -> None:
        self._ended(*self._forget(pidfd))

    def _forget(self, pidfd: int) -> tuple[str, str, str]:
        asyncio.get_running_loop().remove_reader(pidfd)
        os.close(pidfd)
        return self._watched.pop(pidfd)

    def close(self) -> None:
        """Watches none any more."""
        for pidfd in list(self._watched):
            self._forget(pidfd)


def check_process(port: str, process: int) -> None:
    """Failure unless the descriptor 'process' is a pidfd: others may never tell of an end, or in
    the middle of a life."""
    with open(f"/proc/self/fdinfo/{process}") as file:
        if any(line.startswith("Pid:") for line in file):
            return
    what = f"port {port} process"
    raise Failure(what, "the descriptor given is no process", "lend a pidfd", Exit.USAGE)
