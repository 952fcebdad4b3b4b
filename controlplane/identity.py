"""Which connection may say that it is which switch: the one that said so first.

A datapath id names a switch (OpenFlow 1.3.5, 7.3.1), and apps keep what they know under it. Two
connections of one id would take each other's rules and stations away in turns, so the second is
refused, with a line in the log that names both, and the first is not disturbed.

The first may be dead without anybody having noticed: its machine lost power, and here it is again.
So it is asked for an echo when the second comes, and is closed if nothing at all came from it
within `PATIENCE_S`; switches try again every few seconds, and find their place free then.

A connection says who it is once: another id later ends it. Knows no os-ken: `guard` calls it with
what it sees.
"""

from __future__ import annotations

import weakref
from typing import Any

PATIENCE_S = 3.0
"""How long the first of two may be silent after it was asked."""

DEAD = "dead"
"""os-ken's name of the state of a connection that has ended (`DEAD_DISPATCHER`)."""


class Identities:
    """The connections of all switches by datapath id; knows none longer than os-ken does."""

    def __init__(self) -> None:
        self._owners: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._ids: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._heard: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def hear(self, connection: Any) -> None:
        """Counts a message of a connection."""
        self._heard[connection] = self.heard(connection) + 1

    def heard(self, connection: Any) -> int:
        """How many messages came from it."""
        return self._heard.get(connection, 0)

    def claim(self, connection: Any, dpid: int) -> str | None:
        """`connection` says that it is the switch `dpid`; why that can't be, or None."""
        if self._ids.setdefault(connection, dpid) != dpid:
            return f"it said that it is {self._ids[connection]:016x}, and now {dpid:016x}"
        owner = self.owner(dpid)
        if owner is not None and owner is not connection:
            where = f"{owner.address[0]} port {owner.address[1]}"
            return f"datapath id {dpid:016x} is that of the switch at {where}; give it another one"
        self._owners[dpid] = connection
        return None

    def owner(self, dpid: int) -> Any | None:
        """The open connection of the switch `dpid`, or None."""
        owner = self._owners.get(dpid)
        return None if owner is None or owner.state == DEAD else owner
