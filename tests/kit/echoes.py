"""How long a session's echoes take while something else goes on, seen from another process.

The process connects to a unix socket as a controller would to a passive listener, says hello, and
sends one echo request after the other.  Moments are those of the monotonic clock, which all
processes share.  Each echo is told with two durations: what passed, and what the process whose
loop serves the session had of the processors meanwhile.  A machine that has other things to do
makes the first as long as it likes and leaves the second alone: that is what computing on the loop,
or beside it without giving way, costs an echo.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]

PROGRAM = """
import socket, sys, time
from perf.controller import ECHO, ECHO_REPLY, Controller
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
controller = Controller(sock)
clock = ~int(sys.argv[2]) << 3 | 2  # the processor time of another process (clock_getcpuclockid(3))
while True:
    began, used = time.monotonic(), time.clock_gettime(clock)
    sock.sendall(ECHO)
    controller.wait_for(ECHO_REPLY)
    print(began, time.monotonic(), time.clock_gettime(clock) - used, flush=True)
    time.sleep(0.001)
"""


@dataclass(frozen=True)
class Echo:
    """One echo, in seconds."""

    asked: float
    replied: float
    computed: float
    """Processor time that who serves it used meanwhile, on all its threads."""

    @property
    def waited(self) -> float:
        return self.replied - self.asked


class Echoes:
    """Echoes to whoever listens at 'path', one after the other while entered.  'process' is theirs,
    if it is not this one."""

    def __init__(self, path: Path, process: int | None = None) -> None:
        served_by = os.getpid() if process is None else process
        command = [sys.executable, "-c", PROGRAM, str(path), str(served_by)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self._told = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def seen(self) -> list[Echo]:
        """The echoes so far; waits for nothing."""
        assert self._process.stdout
        while select.select([self._process.stdout], [], [], 0)[0]:
            data = self._process.stdout.read1(1 << 16)  # type: ignore[attr-defined]
            if not data:
                raise AssertionError("the session ended")
            self._told += data
        lines = self._told.rpartition(b"\n")[0].splitlines()
        return [Echo(*map(float, line.split())) for line in lines]

    def between(self, begin: float, end: float) -> list[Echo]:
        """The echoes that were on their way between two moments."""
        found = [echo for echo in self.seen() if echo.replied > begin and echo.asked < end]
        assert found, "no echo in all that time"
        return found


def now() -> float:
    """The clock of echoes."""
    return time.monotonic()
