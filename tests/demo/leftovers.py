"""What the demo could leave behind, listed before and after: the two lists must be the same.

Processes are found by making the demo the reaper of its descendants: whatever outlives its own
parent becomes our child instead of init's, however often it forked.
"""

import contextlib
import ctypes
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
FOLDERS = ("/run/vswitch", "/var/lib/vswitch", "/run/netns")


def adopt_orphans() -> None:
    """From now on descendants without a parent are our children (prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def listing() -> set[str]:
    """Links, mounts, folders, files and control groups that are here now, in words."""
    return {*_links(), *_mounts(), *_files(), *_control_groups()}


def _links() -> Iterator[str]:
    return (f"link {name}" for _, name in socket.if_nameindex())


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield f"mount on {line.split()[4]}"


def _files() -> Iterator[str]:
    for name in FOLDERS:
        with contextlib.suppress(OSError):
            yield from (f"file {name}/{entry}" for entry in os.listdir(name))
            yield f"folder {name}"
    yield from (f"file {path}" for path in Path(tempfile.gettempdir()).glob("vswitch-*"))


def _control_groups() -> Iterator[str]:
    for pattern in ("*vswitch*", "*/*vswitch*", "*/*/*vswitch*"):
        yield from (f"control group {path}" for path in Path("/sys/fs/cgroup").glob(pattern))


def children(limit_s: float = 3.0) -> list[str]:
    """Descendants that are still there after `limit_s`, in words; reaps those that have ended."""
    deadline = time.monotonic() + limit_s
    while left := _living_children():
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def _living_children() -> list[str]:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return [
        f"process {pid} ({name})" for pid, parent, name in _processes() if parent == os.getpid()
    ]


def _processes() -> Iterator[tuple[int, int, str]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
            yield int(path.parent.name), int(rest.split()[1]), name
