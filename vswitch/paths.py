"""Where the daemon and whoever talks to it meet: the run and the state folder.

The run folder holds sockets and is empty after a reboot; the state folder holds
the store.  Chosen by argument, then VSWITCH_RUN (run folder only), then by who
asks: root has /run/vswitch and /var/lib/vswitch where it can write there (root
of a user namespace often can't), others their XDG folders.  Daemon and command
line compute the same answer from the same environment.  Paths are plain strings
so that the command line starts fast.
"""

from __future__ import annotations

import os
import stat

from vswitch.errors import Failure

SOCKET = "vswitch.sock"
"""The operator API, in the run folder."""
STATE_LINK = "state"
"""Where the daemon of a run folder keeps its store: a symbolic link to the state folder."""
FORWARDER_SOCKET = "forwarder.sock"
PORTS = "ports"
"""What is known of ports that are in no store."""
CONTAINERS = "containers"
"""The containers of a run folder."""
DATABASE = "vswitch.db"
"""The SQLite store, in the state folder."""

RUN_MAX = 107 - len("/") - 15 - len(".snoop")
"""Bytes in the run folder's path that leave room for RUN/<bridge>.snoop in a sockaddr_un."""


def run_folder(chosen: str | None = None) -> str:
    """The absolute run folder; Failure if sockets in it would have too long a path."""
    folder = os.path.abspath(chosen or os.environ.get("VSWITCH_RUN") or _default_run())
    if len(os.fsencode(folder)) > RUN_MAX:
        raise Failure(
            f"run folder {folder}", f"it has more than {RUN_MAX} bytes, too many for sockets in it",
            "choose a shorter one with --run or VSWITCH_RUN", 2,
        )  # fmt: skip
    return folder


def state_folder(chosen: str | None = None) -> str:
    """The absolute state folder."""
    if chosen:
        return os.path.abspath(chosen)
    if _is_root_of("/var/lib", "vswitch"):
        return "/var/lib/vswitch"
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(os.path.abspath(home), "vswitch")


def socket_path(run: str) -> str:
    """The operator API's socket in a run folder."""
    return os.path.join(run, SOCKET)


def state_of(run: str) -> str | None:
    """The state folder of a run folder's daemon, without symbolic links; None if it has none."""
    folder = os.path.realpath(os.path.join(run, STATE_LINK))
    return folder if os.path.isdir(folder) else None


def make_private(folder: str) -> str:
    """Makes 'folder' (and what leads there) for us alone, and returns it.

    Failure when something else has the name, or when others own or may write it:
    a socket or store in such a folder could be replaced under our feet.
    """
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as error:
        raise Failure(
            f"folder {folder}", f"it can't be made: {error.strerror}", "choose another one"
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise Failure(f"folder {folder}", "it is no plain directory", "choose another one")
    if found.st_uid != os.geteuid():
        raise Failure(f"folder {folder}", "it belongs to another user", "choose another one")
    if found.st_mode & 0o022:
        raise Failure(f"folder {folder}", "others may write to it", f"chmod go-w {folder}")
    return folder


def _default_run() -> str:
    if _is_root_of("/run", "vswitch"):
        return "/run/vswitch"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        return os.path.join(runtime, "vswitch")
    return f"/tmp/vswitch-{os.getuid()}"


def _is_root_of(parent: str, name: str) -> bool:
    """Whether we are root and 'parent'/'name' is, or can become, our folder."""
    if os.geteuid() != 0:
        return False
    folder = os.path.join(parent, name)
    return os.access(folder if os.path.isdir(folder) else parent, os.W_OK)
