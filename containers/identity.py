"""Which process a number means: a pid with its start time, its boot and its pid namespace.

A pid comes round again, a run folder can survive a reboot, and it can be shared by pid namespaces
that each have a process of that number; a process is only believed to be the one we knew if all
four agree.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from vswitch.errors import Failure

PID_MAX = 1 << 22
"""The kernel's own limit."""

_DEAD = b"ZX"
"""States of a process that has ended."""


class Identity(NamedTuple):
    """A process of this machine, for ever."""

    pid: int
    start: int
    """Clock ticks since boot."""
    boot: str
    namespace: int
    """Inode of the pid namespace that counts so."""

    @classmethod
    def from_json(cls, document: dict[str, object]) -> Identity:
        """The inverse of `_asdict`; TypeError or ValueError for anything else."""
        found = cls(**document)  # type: ignore[arg-type]
        if [type(value) for value in found] != [int, int, str, int]:  # and no bool for a number
            raise TypeError("no identity")
        if not 0 < found.pid <= PID_MAX:
            raise ValueError("no process")
        return found

    def __str__(self) -> str:
        return ":".join(map(str, self))

    def is_here(self) -> bool:
        """Whether its number is one of our pid namespace: only then do we know who it is."""
        return self.namespace == pid_namespace()

    def is_alive(self) -> bool:
        """Whether it runs here; a zombie doesn't."""
        state, start = _look(self.pid) or (_DEAD, 0)
        known = self.is_here() and start == self.start and _boot() == self.boot
        return known and state not in _DEAD

    def open(self) -> int:
        """A pidfd of it; ProcessLookupError once it is gone, or if it never was here."""
        pidfd = os.pidfd_open(self.pid)
        if not self.is_alive():
            os.close(pidfd)
            raise ProcessLookupError(f"process {self.pid} is another one now")
        return pidfd


def ourselves() -> Identity:
    """Our own identity; Failure if /proc doesn't tell about our pid namespace.

    Then every other number in it would mean somebody else, too.
    """
    try:
        shown = int(os.readlink("/proc/self"))
    except OSError:
        shown = 0
    if shown != os.getpid():
        raise Failure(
            "/proc", "it doesn't show the processes of this pid namespace",
            "mount it anew: mount -t proc proc /proc",
        )  # fmt: skip
    return identify(shown)


def identify(pid: int) -> Identity:
    """The identity of a process of ours, even if it has just ended and waits to be reaped."""
    found = _look(pid)
    if found is None:
        raise ProcessLookupError(f"no process {pid}")
    return Identity(pid, found[1], _boot(), pid_namespace())


def _look(pid: int) -> tuple[bytes, int] | None:
    """A process's state (one letter) and start time; None if it isn't there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets may hold anything; the state is the first field after it.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])


def pid_namespace() -> int:
    """Which pid namespace is ours, as its inode says."""
    return os.stat("/proc/self/ns/pid").st_ino


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
