"""The store in memory: for `--ephemeral` and for tests.  Ends with its process."""

from __future__ import annotations

from collections.abc import Callable

from vswitch.schema import Config
from vswitch.store import Change, Notify, Snapshot
from vswitch.store.watchers import Watchers


class MemoryStore:
    """See `Store`."""

    def __init__(self) -> None:
        self._newest = Snapshot(0, Config())
        self._watchers = Watchers()

    def read(self) -> Snapshot:
        """See `Store.read`."""
        return self._newest

    def transaction(self, change: Change) -> Snapshot:
        """See `Store.transaction`."""
        wanted = change(self._newest.config)
        if wanted != self._newest.config:
            self._newest = Snapshot(self._newest.revision + 1, wanted)
            self._watchers.tell(self._newest)
        return self._newest

    def watch(self, since: int, notify: Notify) -> Callable[[], None]:
        """See `Store.watch`."""
        return self._watchers.add(since, notify, self._newest)

    def keep(self) -> None:
        """See `Store.keep`: there is nothing that others could take away."""

    def close(self) -> None:
        """See `Store.close`."""
        self._watchers.clear()
