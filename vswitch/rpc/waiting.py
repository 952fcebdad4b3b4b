"""Whether whoever asked still waits: a request that they have given up must not take effect.

A method that is about to change something calls `begin` once all it had to wait for is there.  If
the client has hung up by then, or its time is over, that raises, and nothing has happened.  Behind
it nothing is left half done; whoever asked is told what that means if their time ends meanwhile:

    not begun        it was given up: nothing of it happens
    begun            it may still happen, which can't be undone
    kept             it is stored, and becomes active by itself as soon as that can be

What is known belongs to the task that runs the method, not to those that it starts: they live on
when the request has been answered.  One event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from vswitch.errors import Exit, Failure


class Withdrawn(Failure):
    """Nobody waits for this request any more, so it is not carried out."""

    exit = Exit.TIMED_OUT


class Waiting:
    """What is known of one request; 'hung_up' says whether the client has."""

    def __init__(self, hung_up: Callable[[], bool]) -> None:
        self._hung_up = hung_up
        self.begun = self.kept = self.over = False
        """'over': whoever asked has been told that it failed."""

    def begin(self) -> None:
        """The request takes effect from here on; Withdrawn if nobody waits for it any more."""
        if self.over or self._hung_up():
            raise Withdrawn("request", "whoever asked no longer waits", "ask again")
        self.begun = True


_WAITING: WeakKeyDictionary[asyncio.Task[object], Waiting] = WeakKeyDictionary()


def wait_for(task: asyncio.Task[object], hung_up: Callable[[], bool]) -> Waiting:
    """Somebody waits for what this task does."""
    waiting = _WAITING[task] = Waiting(hung_up)
    return waiting


def _mine() -> Waiting | None:
    task = asyncio.current_task()
    return _WAITING.get(task) if task else None


def begin() -> None:
    """From here on it takes effect; Withdrawn if nobody waits for it any more."""
    if waiting := _mine():
        waiting.begin()


def keep() -> None:
    """It is stored: whatever happens to whoever asked, it becomes active."""
    if waiting := _mine():
        waiting.kept = True


def is_over() -> bool:
    """Whether whoever asked has been told that it failed: what can be undone is."""
    waiting = _mine()
    return waiting is not None and waiting.over
