"""Where a `--rootfs` really is: its path without symbolic links, of which only some are followed.

Whoever may rename what leads to a root could put a link there just as a container starts, and it
would be born in the machine's own tree, which it may write then.  A folder is harmless: they can
only put one there that is theirs to move.  So links are followed here, once, if nobody else made
them, as the kernel does in /tmp (protected_symlinks), and vswitch-init follows none.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Container

LINKS_MAX = 40
"""As many as the kernel follows in one path."""


class Foreign(Exception):
    """The path leads through a link that somebody else made; its argument is that link's path."""


def resolve(path: str, trusted: Container[int]) -> str:
    """The absolute path without links, "." and ".."; links are followed if `trusted` has the user
    that they belong to.  Foreign, or OSError if it leads nowhere or to anything but a folder.
    """
    at, rest, links = "/", path.split("/")[::-1], 0
    while rest:
        name = rest.pop()
        if name == "..":
            at = os.path.dirname(at)
        if name in ("", ".", ".."):
            continue
        there = os.path.join(at, name)
        target = _look(there, trusted)
        if target is None:
            at = there
            continue
        links += 1
        if links > LINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        at = "/" if target.startswith("/") else at
        rest += target.split("/")[::-1]
    return at


def _look(path: str, trusted: Container[int]) -> str | None:
    """Where the link at `path` leads; None if a folder is there."""
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        about = os.fstat(fd)
        if stat.S_ISDIR(about.st_mode):
            return None
        if not stat.S_ISLNK(about.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if about.st_uid not in trusted:
            raise Foreign(path)
        return os.readlink("", dir_fd=fd)
    finally:
        os.close(fd)
