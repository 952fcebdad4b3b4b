"""Which process a number means: a pid with its start time and the boot it belongs to.

A pid comes round again, and a run folder can survive a reboot; a process is only believed
to be the one we knew if all three agree.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of this machine, for ever."""

    pid: int
    start: int
    """Clock ticks since boot."""
    boot: str

    def is_alive(self) -> bool:
        """Whether it still runs; a zombie doesn't."""
        return _start(self.pid) == self.start and _boot() == self.boot

    def open(self) -> int:
        """A pidfd of it; ProcessLookupError once it is gone."""
        pidfd = os.pidfd_open(self.pid)
        if not self.is_alive():
            os.close(pidfd)
            raise ProcessLookupError(f"process {self.pid} is another one now")
        return pidfd


def identify(pid: int) -> Identity:
    """The identity of a process that runs now; ProcessLookupError if none does."""
    start = _start(pid)
    if start is None:
        raise ProcessLookupError(f"no process {pid}")
    return Identity(pid, start, _boot())


def _start(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets may hold anything; state is the first field after it.
            fields = file.read().rpartition(b")")[2].split()
        if fields[0] not in (b"Z", b"X"):
            return int(fields[19])
    return None


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
