"""What a detached container has written, as far as it is kept.

Process 1 writes to two files in turn, each of a bounded size (`init/console.h`): when one is full
it empties the other and goes on there.  The full one gets the time 0, so the other is newer.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator

LOGS = ("log", "log.1")
LOOK_SECONDS = 0.2
CHUNK = 65536


def read(paths: tuple[str, str], goes_on: Callable[[], bool]) -> Iterator[bytes]:
    """What there is, oldest first; then what comes, as long as it `goes_on`.

    More than both files hold between two looks is lost, as it is for whoever looks later.
    """
    with contextlib.ExitStack() as stack:
        files = [_open(path, stack) for path in paths]
        newer = _newer(files)
        if newer < 0:
            return
        yield from _rest(files[1 - newer])
        while True:
            more = goes_on()  # asked before the last look: nothing comes behind it
            yield from _rest(files[newer])
            if (now := _newer(files)) != newer:
                yield from _rest(files[newer])
                newer = now
                os.lseek(files[newer], 0, os.SEEK_SET)
            elif not more:
                return
            else:
                time.sleep(LOOK_SECONDS)


def _open(path: str, stack: contextlib.ExitStack) -> int:
    """-1 if there is none, or something else in its place."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    stack.callback(os.close, fd)
    return fd if stat.S_ISREG(os.fstat(fd).st_mode) else -1


def _newer(files: list[int]) -> int:
    """Which file was written to last; -1 if there is none."""
    there = [number for number, fd in enumerate(files) if fd >= 0]
    return max(there, key=lambda number: os.fstat(files[number]).st_mtime_ns, default=-1)


def _rest(fd: int) -> Iterator[bytes]:
    """From where it was read last to its end; all of it if it was emptied meanwhile."""
    if fd < 0:
        return
    if os.fstat(fd).st_size < os.lseek(fd, 0, os.SEEK_CUR):
        os.lseek(fd, 0, os.SEEK_SET)
    while data := os.read(fd, CHUNK):
        yield data
