"""The folders of one daemon, and the locks that keep a second one out of them.

An ephemeral daemon without `--run` makes a fresh run folder and removes it at its end; it has no
state folder.  The locks are the kernel's, so a daemon that was killed leaves none behind.  A folder
that is removed under its daemon is made again, and what belongs in it put back (`upkeep`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vswitch import paths
from vswitch.errors import Exit, Failure
from vswitch.lockfile import FolderLock
from vswitch.target import PASSIVE, parse

_TRANSIENT = (paths.FORWARDER_SOCKET, "forwarder.log")
_OURS = (paths.SOCKET, paths.FORWARDER_SOCKET, paths.STATE_LINK, paths.CONTAINERS)
_OUR_ENDINGS = (".lock", ".log", ".mgmt", ".snoop")
"""What we make in a run folder, by name and by how names end."""


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

    def whose(self, target: str) -> str | None:
        """Why a passive target is not the operator's to choose; None if it is."""
        where = parse(target, PASSIVE).path
        if not where:
            return None
        if self.state and _inside(where, self.state):
            return f"what is in {self.state} is vswitchd's own"
        first = _inside(where, self.run)
        if first in _OURS or first.endswith(_OUR_ENDINGS):
            return f"that name in {self.run} is vswitchd's own"
        return None

    def require_free(self, targets: Iterable[str]) -> None:
        """Failure if one of them is ours."""
        for target in targets:
            if why := self.whose(target):
                do = f"choose a path outside of {self.run}"
                raise Failure(f"listener {target}", why, do, Exit.USAGE)

    def lock(self) -> Locks:
        """Takes the folders for this process.  Failure names the process that has one."""
        locks: Locks = {}
        try:
            for folder, option in ((self.run, "--run"), (self.state, "--state")):
                if folder:
                    do = f"end it with `vswitch shutdown`, or choose another folder with {option}"
                    what = f"vswitchd in {folder}"
                    locks[folder] = FolderLock(str(folder), "vswitchd.lock", what, do)
        except Failure:
            release(locks)
            raise
        return locks

    def keep(self, locks: Locks) -> list[str]:
        """Puts back what was removed of folders and locks; what that was.  InUse if another
        process has taken one meanwhile, Failure if it can't be put back."""
        removed = []
        for folder, lock in locks.items():
            is_gone = not folder.exists()
            paths.make_private(str(folder))
            if lock.keep():
                removed.append(f"folder {folder}" if is_gone else f"the lock of folder {folder}")
        if self.state and not (self.run / paths.STATE_LINK).is_symlink():
            self.say_state()
        return removed

    def say_state(self) -> None:
        """Leaves word in the run folder where the store is: containers are kept from it."""
        link = self.run / paths.STATE_LINK
        with contextlib.suppress(OSError):  # something else is there: it stays
            if link.is_symlink():
                link.unlink()
            if self.state:
                link.symlink_to(self.state)

    def clear(self, locks: Locks) -> None:
        """Removes what a life leaves in the run folder: sockets, the forwarder's log.  Containers
        that are there may live on: they, and what is known of their ports, wait for the next one.

        While the folder is held: one that was removed, or that another daemon has by now, is not
        touched.
        """
        if not locks[self.run].holds():
            return
        if self.fresh and not self._has_containers():
            shutil.rmtree(self.run, ignore_errors=True)
            return
        for name in _TRANSIENT:
            (self.run / name).unlink(missing_ok=True)

    def _has_containers(self) -> bool:
        with contextlib.suppress(OSError):
            return any(path.is_dir() for path in (self.run / paths.CONTAINERS).iterdir())
        return False


def _inside(path: str, folder: Path) -> str:
    """The first part of a name's path below a folder, "" if it is not there, whatever links lead
    to it; the name itself may be a link."""
    parent, name = os.path.split(path)
    real = os.path.join(os.path.realpath(parent), name)
    first = os.path.relpath(real, os.path.realpath(folder)).split("/")[0]
    return "" if first in (os.curdir, os.pardir) else first


Locks = dict[Path, FolderLock]


def release(locks: Locks) -> None:
    """Lets all of them go, the newest first."""
    while locks:
        locks.popitem()[1].release()


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
