"""The folders of one daemon, and the lock that keeps a second one out of them.

An ephemeral daemon without `--run` makes a fresh run folder and removes it at its end; it has no
state folder.  The locks are the kernel's, so a daemon that was killed leaves none behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vswitch import paths
from vswitch.errors import Failure
from vswitch.lockfile import Lock

_TRANSIENT = (paths.FORWARDER_SOCKET, "forwarder.log")


@dataclass(frozen=True, slots=True)
class Folders:
    """'state' is None when nothing is stored; 'fresh': the run folder was made for this life."""

    run: Path
    state: Path | None
    fresh: bool = False

    @property
    def api(self) -> Path:
        """The operator API's socket."""
        return Path(paths.socket_path(str(self.run)))

    @property
    def forwarder(self) -> Path:
        """The forwarder's socket."""
        return self.run / paths.FORWARDER_SOCKET

    @property
    def forwarder_log(self) -> Path:
        """What the forwarder says on its standard error."""
        return self.run / "forwarder.log"

    def mgmt(self, bridge: str) -> Path:
        """The socket of a bridge for OpenFlow commands (ovs-ofctl)."""
        return self.run / f"{bridge}.mgmt"

    def snoop(self, bridge: str) -> Path:
        """The socket of a bridge that shows what its controllers say."""
        return self.run / f"{bridge}.snoop"

    def lock(self) -> list[Lock]:
        """Takes the folders for this process.  Failure names the process that has one."""
        locks: list[Lock] = []
        for folder, option in ((self.run, "--run"), (self.state, "--state")):
            if folder:
                do = f"end it with `vswitch shutdown`, or choose another folder with {option}"
                what = f"vswitchd in {folder}"
                try:
                    locks.append(Lock(str(folder / "vswitchd.lock"), what, do))
                except Failure:
                    release(locks)
                    raise
        return locks

    def say_state(self) -> None:
        """Leaves word in the run folder where the store is: containers are kept from it."""
        link = self.run / paths.STATE_LINK
        with contextlib.suppress(OSError):  # something else is there: it stays
            if link.is_symlink():
                link.unlink()
            if self.state:
                link.symlink_to(self.state)

    def clear(self) -> None:
        """Removes what a life leaves in the run folder: sockets, the forwarder's log.  Containers
        that are there may live on: they, and what is known of their ports, wait for the next one.
        """
        if self.fresh and not self._has_containers():
            shutil.rmtree(self.run, ignore_errors=True)
            return
        for name in _TRANSIENT:
            (self.run / name).unlink(missing_ok=True)

    def _has_containers(self) -> bool:
        with contextlib.suppress(OSError):
            return any(path.is_dir() for path in (self.run / paths.CONTAINERS).iterdir())
        return False


def release(locks: list[Lock]) -> None:
    """Lets all of them go, the newest first."""
    while locks:
        locks.pop().release()


def choose(state: Path | None, run: Path | None, ephemeral: bool) -> Folders:
    """The folders to use, made (mode 0700) where they were missing.  Failure with a sentence."""
    if ephemeral and run is None and not os.environ.get("VSWITCH_RUN"):
        parent = os.path.dirname(paths.run_folder())
        fresh = tempfile.mkdtemp(
            prefix="vswitch-", dir=parent if os.access(parent, os.W_OK) else None
        )
        return Folders(Path(fresh), None, fresh=True)
    folder = paths.run_folder(str(run) if run else None)
    fresh_one = ephemeral and not os.path.lexists(folder)
    paths.make_private(folder)
    if ephemeral:
        return Folders(Path(folder), None, fresh=fresh_one)
    home = paths.state_folder(str(state) if state else None)
    return Folders(Path(folder), Path(paths.make_private(home)))
