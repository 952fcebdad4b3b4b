"""Which daemons there are on this machine, as far as we may know: run folders in which one answers.

Ours are looked for where `paths` and `--ephemeral` put them; root finds those of users who are
logged in as well.  A folder that might be a stranger's bait, in a place where everybody may make
one, is not named.  For sentences and for `vswitch status`: nothing is asked of anybody.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import socket
import stat

from vswitch import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


TEMPORARY = "/tmp"
"""Where users without a runtime folder have theirs; a daemon may be kept from writing there."""


def daemons() -> list[str]:
    """Their run folders, sorted, each once."""
    return sorted({folder for folder in _candidates() if _is_ours(folder) and _answers(folder)})


def others(run: str) -> list[str]:
    """Those but for 'run'."""
    return [folder for folder in daemons() if not _same(folder, run)]


def _candidates() -> Iterator[str]:
    chosen = os.environ.get("VSWITCH_RUN")
    if chosen:
        yield os.path.abspath(chosen)
    parents = ["/run", TEMPORARY]
    parents += filter(None, map(os.environ.get, ("TMPDIR", "XDG_RUNTIME_DIR")))
    if os.geteuid() == 0:
        parents += glob.glob("/run/user/*")
    for parent in parents:
        yield os.path.join(parent, "vswitch")
        yield from glob.iglob(os.path.join(glob.escape(parent), "vswitch-*"))


def _is_ours(folder: str) -> bool:
    """Whether it is the work of our user or root, or for root of the user whose place it is in."""
    owners = {0, os.geteuid()}
    try:
        found = os.lstat(folder)
        if os.geteuid() == 0 and folder.startswith("/run/user/"):
            owners.add(os.lstat(os.path.dirname(folder)).st_uid)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid in owners and not found.st_mode & 0o022


def _answers(folder: str) -> bool:
    """Whether somebody listens there; a daemon with a full queue does, and isn't waited for."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(paths.socket_path(folder))
        except OSError as error:
            return error.errno == errno.EAGAIN
    return True


def _same(one: str, other: str) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samefile(one, other)
    return False
