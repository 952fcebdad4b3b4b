"""Who wants to hear of new snapshots, and what each has heard: the same for every engine."""

from __future__ import annotations

from collections.abc import Callable

from vswitch.store import Notify, Snapshot


class Watchers:
    """The watchers of one store.  A notification may change the store or end a watcher."""

    def __init__(self) -> None:
        self._heard: dict[object, int] = {}
        self._notify: dict[object, Notify] = {}

    def add(self, since: int, notify: Notify, newest: Snapshot) -> Callable[[], None]:
        """As `Store.watch`."""
        key = object()
        self._heard[key], self._notify[key] = since, notify
        self._tell(key, newest)
        return lambda: self._forget(key)

    def tell(self, newest: Snapshot) -> None:
        """Notifies those who have not heard of 'newest' yet."""
        for key in tuple(self._notify):
            self._tell(key, newest)

    def clear(self) -> None:
        """Forgets everybody."""
        self._heard.clear()
        self._notify.clear()

    def _tell(self, key: object, newest: Snapshot) -> None:
        # Marked before the call: the call may change the store and come back here.
        if key in self._notify and self._heard[key] < newest.revision:
            self._heard[key] = newest.revision
            self._notify[key](newest)

    def _forget(self, key: object) -> None:
        self._heard.pop(key, None)
        self._notify.pop(key, None)
