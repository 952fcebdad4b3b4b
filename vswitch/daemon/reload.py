"""SIGHUP: the log file is opened anew, and the configuration file applied as it is now.

Applying is what `vswitch apply` does: what the file leaves out goes, what is there and right is not
touched, ports of containers stay.  A file that is wrong changes nothing.  Several signals at once
are one; one that comes meanwhile is done afterwards, since the file may have changed again.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from vswitch import configuration, logs
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.methods import switch
from vswitch.errors import Exit, Failure
from vswitch.schema import Config

log = logging.getLogger("vswitch.daemon")


def read(path: Path) -> Config:
    """The configuration in a file, checked; Failure if it can't be."""
    return Config.from_json(configuration.read(str(path)))


async def apply(daemon: Daemon, config: Config) -> int:
    """Stores it and makes it active; how many changes that took.  What can't be active now is
    tried again later, as always."""
    try:
        return len((await switch.apply(daemon, config))["operations"])
    except Failure as failure:
        if failure.exit != Exit.NOT_ACTIVE:
            raise
        log.warning("%s", failure)
        return 1


class Reloader:
    """Reloads when it is told to.  'path': the configuration file, if there is one."""

    def __init__(self, daemon: Daemon, path: Path | None) -> None:
        self._daemon, self._path = daemon, path
        self._due = self._busy = False

    def tell(self) -> None:
        """Now, or as soon as the last one is done."""
        self._due = True
        if not self._busy:
            self._busy = True  # at once: the next signal may come before the task has its turn
            self._daemon.spawn(self._reload())

    async def _reload(self) -> None:
        while self._due:
            self._due = False
            logs.reopen()
            await self._once()
        self._busy = False

    async def _once(self) -> None:
        if self._path is None:
            log.info("SIGHUP: no --config was given, so what is stored stays as it is")
            return
        try:
            # On a thread: a long file takes a while, one on a disk that hangs for ever.
            config = await asyncio.to_thread(read, self._path)
            changes = await apply(self._daemon, config)
        except Failure as failure:
            log.error("SIGHUP: nothing was reloaded: %s", failure)
        else:
            log.info("SIGHUP: %s was applied: %d changes", self._path, changes)
