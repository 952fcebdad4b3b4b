"""The keeper of detached containers: a process that looks after their ports.

Whoever starts a detached container leaves; so there is one keeper for all those of a run folder
(and of a pid namespace: only there does it know who they are), started with the first and ending
after the last.  It holds nothing that a container needs: killed, it is missed only when ports go,
and whoever looks next (`vswitch ps`, `run -d`) starts another.

There is at most one, by a lock in the registry's lock file at a place of their pid namespace's
own.  The lock is the open file's, which the keeper inherits from who started it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import sys
import time
from collections.abc import Sequence

from containers import port
from containers.identity import pid_namespace
from containers.plug import ANSWER_SECONDS, LOOK_SECONDS, Plug
from containers.registry import Entry, Registry
from vswitch import signals
from vswitch.errors import Failure
from vswitch.rpc.client import Client

_F_OFD_SETLK = 37
_FLOCK = struct.Struct("hhqqi4x")
"""linux/fcntl.h: type, whence, start, length, pid."""

LOCK_FD = 3
"""Where the keeper has its lock."""

Stamp = tuple[int, int]
"""Tells one version of a container's state from another."""


def ensure(registry: Registry) -> None:
    """There is a keeper from now on; the caller has completed the entries it is for."""
    lock = registry.open_lock()
    try:
        if _take(lock):
            _spawn(registry.run, lock)
    finally:
        os.close(lock)


def _take(lock: int) -> bool:
    place = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, pid_namespace(), 1, 0)
    try:
        fcntl.fcntl(lock, _F_OFD_SETLK, place)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _spawn(run: str, lock: int) -> None:
    """In a session of its own, with nothing of ours but the lock."""
    nothing = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(LOCK_FD)]
    os.posix_spawn(
        sys.executable, [sys.executable, "-P", "-m", __name__, run], os.environ,
        file_actions=[*nothing, (os.POSIX_SPAWN_DUP2, lock, LOCK_FD)], setsid=True,
    )  # fmt: skip


class Keeper:
    """The plugs of all detached containers that live here."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._plugs: dict[str, Plug] = {}
        self._seen: dict[str, Stamp | None] = {}
        self._over: list[Entry] = []

    def find(self) -> bool:
        """Takes in the containers that there are now; False if there are none to look after."""
        names = self._registry.names()
        for name in names:
            self._meet(name)
        for name in [name for name in self._seen if name not in names]:
            self._part(name)
        return bool(self._plugs)

    def _meet(self, name: str) -> None:
        """Reads a container's state if it is another than before."""
        stamp = self._registry.stamp(name)
        if name in self._seen and self._seen[name] == stamp:
            return
        self._part(name)
        self._seen[name] = stamp
        entry = self._registry.peek(name)
        if entry is not None and entry.flags and is_kept(entry):
            with contextlib.suppress(ProcessLookupError):
                self._plugs[name] = Plug(self._registry, entry)

    def _part(self, name: str) -> None:
        self._seen.pop(name, None)
        self._end(name)

    def _end(self, name: str) -> None:
        if plug := self._plugs.pop(name, None):
            plug.close()
            self._over.append(plug.entry)

    def look(self, now: float) -> None:
        """Looks at every port once, and has those taken off whose container has ended: a daemon
        that was started again does not know of its end."""
        for name, plug in list(self._plugs.items()):
            try:
                plug.look(now)
            except ProcessLookupError:
                self._end(name)
        with Client(self._registry.run, timeout=ANSWER_SECONDS) as client:
            while self._over:
                entry = self._over.pop()
                if not entry.keeper.is_alive():
                    port.detach(client, entry.spec, str(entry.keeper))
                    if entry.spec.rm:
                        with contextlib.suppress(Failure):
                            self._registry.remove(entry)


def is_kept(entry: Entry) -> bool:
    """Whether it is a container that no runner looks after, and there is something to do: it has a
    port, or shall leave nothing behind."""
    return bool(entry.spec.detach and (entry.spec.bridge or entry.spec.rm))


def main(arguments: Sequence[str]) -> int:
    """The keeper's life: `arguments` are the run folder."""
    os.closerange(LOCK_FD + 1, os.sysconf("SC_OPEN_MAX"))
    signals.bear()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir("/")
    registry = Registry(arguments[0])
    keeper = Keeper(registry)
    with contextlib.suppress(FileNotFoundError):  # the run folder is gone, and all with it
        while not _is_over(registry, keeper):
            keeper.look(time.monotonic())
            time.sleep(LOOK_SECONDS)
    return 0


def _is_over(registry: Registry, keeper: Keeper) -> bool:
    """Whether nobody is left.  Whoever completes a container after that finds our lock free."""
    if keeper.find():
        return False
    keeper.look(time.monotonic())  # ports of those that have ended
    with contextlib.suppress(Failure), registry.locked():
        if not keeper.find():
            os.close(LOCK_FD)
            return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
