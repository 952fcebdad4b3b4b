"""Where a folder of the machine can be seen: under its own path, and through every bind mount.

A container must reach neither the daemon's run folder nor its store, and the same folder may show
in many places: its own, below a second mount of its file system, or a part of it alone.  So the
mount table is asked, not the path: every mount that holds the folder or a part of it shows it
at one place.  `shows` decides purely; what it finds is told to vswitch-init by identity, which
covers exactly that or starts nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from containers.plan import View
from vswitch.errors import Failure

VIEWS_MAX = 64
"""Places that one container can be kept from."""


class Mount(NamedTuple):
    """A line of /proc/PID/mountinfo."""

    id: int
    device: str
    root: str
    """What it shows: a path in its own file system."""
    point: str
    """Where."""


def parse(mountinfo: str) -> list[Mount]:
    """The mount table as the kernel writes it."""
    rows = (line.split(" ") for line in mountinfo.splitlines())
    return [Mount(int(row[0]), row[2], _plain(row[3]), _plain(row[4])) for row in rows]


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def shows(mounts: Iterable[Mount], home: Mount, folder: str) -> Iterator[tuple[Mount, str]]:
    """The mounts that show the folder, which lies in the mount `home`, or a part of it; and where.

    Another mount may lie above such a place: whoever looks has to look at whose it is.
    """
    inside = _join(home.root, _below(folder, home.point) or "")
    for mount in mounts:
        if mount.device != home.device:
            continue
        rest = _below(inside, mount.root)
        if rest is not None:
            yield mount, _join(mount.point, rest)
        elif _below(mount.root, inside) is not None:
            yield mount, mount.point


def _below(path: str, folder: str) -> str | None:
    """What leads from the folder to the path: "" if they are the same, None if nothing does."""
    if path == folder:
        return ""
    start = folder.rstrip("/") + "/"
    return path[len(start) :] if path.startswith(start) else None


def _join(folder: str, rest: str) -> str:
    return os.path.join(folder, rest) if rest else folder


def views(folders: Iterable[str]) -> tuple[View, ...]:
    """Every place where one of the folders, or a part of it, can be seen now.

    Paths are without symbolic links.  Failure if they are too many.
    """
    with open("/proc/self/mountinfo", errors="surrogateescape") as file:
        mounts = parse(file.read())
    by_id = {mount.id: mount for mount in mounts}
    found: dict[str, View] = {}
    for folder in folders:
        home = by_id.get(_look(folder)[0])
        if home is None:
            raise Failure(f"folder {folder}", "its mount can't be told", "mount /proc anew")
        for mount, path in shows(mounts, home, folder):
            id, view = _look(path)
            if id == mount.id:
                found[path] = view
    outermost = [view for path, view in sorted(found.items()) if not _is_covered(path, found)]
    if len(outermost) > VIEWS_MAX:
        why = f"it shows in {len(outermost)} places, more than {VIEWS_MAX}"
        raise Failure("run folder", why, "unmount some, see /proc/self/mountinfo")
    return tuple(outermost)


def _is_covered(path: str, found: Iterable[str]) -> bool:
    """What lies below another place that is covered is out of reach with it."""
    return any(_below(path, other) for other in found)


def _look(path: str) -> tuple[int, View]:
    """The mount that is on top at a path (-1: nothing is there), and what is there."""
    try:
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1, View(path, 0, 0)
    try:
        about = os.fstat(fd)
        with open(f"/proc/self/fdinfo/{fd}") as file:
            said = dict(line.split(":", 1) for line in file)
    finally:
        os.close(fd)
    return int(said["mnt_id"]), View(path, about.st_dev, about.st_ino)
