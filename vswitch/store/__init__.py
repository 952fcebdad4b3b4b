"""The store: what the operator wants this host's switch to be, kept.

A store holds one `Config` and a revision that grows with each change.  It never
sees flows (those are the controllers', and live in the journal), and forwarding
never waits for it.  Engines: `memory`, `sqlite`; one contract test runs over all
of them, so whoever holds a `Store` need not know which one it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vswitch.schema import Config

Change = Callable[[Config], Config]
"""Makes the wanted configuration from the present one; raises what forbids the change."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A configuration and the revision at which it was stored; 0 is the empty beginning."""

    revision: int
    config: Config


Notify = Callable[[Snapshot], None]


class Store(Protocol):
    """One host's configuration.  `read` from any thread; all else, and 'notify', on one thread at
    a time."""

    def read(self) -> Snapshot:
        """The newest snapshot."""

    def transaction(self, change: Change) -> Snapshot:
        """Stores what 'change' makes of the newest configuration, all or nothing.

        Durable when it returns.  An equal configuration keeps its revision and
        notifies nobody.  Whatever 'change' raises passes through, StoreError tells
        that it can't be stored; in both cases the store is as it was.
        """

    def watch(self, since: int, notify: Notify) -> Callable[[], None]:
        """Calls 'notify' at once if there is something newer than revision 'since', and after
        each further change, until the returned function is called.

        A watcher sees the newest snapshot, in growing revisions; it may miss some between.
        'notify' must not raise: what it is told has happened already.
        """

    def keep(self) -> None:
        """Looks whether what was stored would be found by the next one who opens it, and puts back
        what was removed under us.  StoreError if that can't be.  Called now and then."""

    def close(self) -> None:
        """Ends watching and lets the engine go; further calls do nothing."""
