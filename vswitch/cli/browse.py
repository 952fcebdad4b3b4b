"""Looking at lines that are read again and again on a terminal: scrolling, and `q` ends it.

`Scroll` is what is seen of them, pure; `browse` reads, draws and listens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from vswitch.cli.output import cut, error
from vswitch.cli.terminal import REDRAW
from vswitch.errors import Failure

SIDEWAYS = 8
"""Columns that one step to the side is."""


class Screen(Protocol):
    """What is drawn on: `terminal.Terminal`, or a list in tests."""

    def size(self) -> tuple[int, int]:
        """Columns and lines."""

    def draw(self, lines: Sequence[str]) -> None:
        """Shows lines."""

    def key(self, seconds: float) -> str | None:
        """The next key within so long, or None."""


class Source(Protocol):
    """What is looked at."""

    def read(self) -> None:
        """Takes a new reading."""

    def lines(self, width: int) -> tuple[list[str], list[str]]:
        """The head, which stays, and the lines below it, for a screen of so many columns."""

    def press(self, key: str) -> bool:
        """Whether a key meant something to it."""


class Scroll:
    """The first line and column that are seen."""

    def __init__(self) -> None:
        self.top = self.left = 0

    def press(self, key: str, page: int) -> bool:
        """Moves; 'page' is how many lines are seen at a time.  Whether the key meant that."""
        moved = _MOVES.get(key)
        if moved is None:
            return False
        self.top, self.left = moved(self.top, self.left, page)
        return True

    def seen(self, head: list[str], body: list[str], columns: int, lines: int) -> list[str]:
        """What fits the screen; the last line says where that is, if it isn't all."""
        page = max(lines - len(head), 1)
        whole = len(body) <= page
        page = page if whole else max(page - 1, 1)
        self.top = max(min(self.top, len(body) - page), 0)
        widest = max(map(len, body), default=0)
        self.left = max(min(self.left, widest - columns), 0)
        part = [cut(line, columns, self.left) for line in body[self.top : self.top + page]]
        head = [cut(line, columns, self.left if i else 0) for i, line in enumerate(head)]
        end = min(self.top + page, len(body))
        return head + part + ([] if whole else [f"lines {self.top + 1}-{end} of {len(body)}"])


_ENDLESS = 1 << 40
_MOVES: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "up": lambda top, left, page: (max(top - 1, 0), left),
    "k": lambda top, left, page: (max(top - 1, 0), left),
    "down": lambda top, left, page: (top + 1, left),
    "j": lambda top, left, page: (top + 1, left),
    "page up": lambda top, left, page: (max(top - page, 0), left),
    "b": lambda top, left, page: (max(top - page, 0), left),
    "page down": lambda top, left, page: (top + page, left),
    " ": lambda top, left, page: (top + page, left),
    "home": lambda top, left, page: (0, 0),
    "g": lambda top, left, page: (0, 0),
    "end": lambda top, left, page: (_ENDLESS, left),
    "G": lambda top, left, page: (_ENDLESS, left),
    "left": lambda top, left, page: (top, max(left - SIDEWAYS, 0)),
    "right": lambda top, left, page: (top, left + SIDEWAYS),
}


def browse(
    terminal: Screen,
    source: Source,
    seconds: float,
    times: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Shows 'source', which was read, until `q` is pressed, or for the time of 'times' readings.

    It is read again every 'seconds'.  When that fails (the daemon is started anew, say), the
    reading before stays, under the reason.
    """
    scroll, read, trouble = Scroll(), 1, ""
    while _look(terminal, source, scroll, trouble, clock, clock() + seconds) and read != times:
        read += 1
        try:
            source.read()
            trouble = ""
        except Failure as failure:
            trouble = error(failure, "table")


def _look(
    terminal: Screen,
    source: Source,
    scroll: Scroll,
    trouble: str,
    clock: Callable[[], float],
    due: float,
) -> bool:
    """Shows one reading until its time is over, at 'due'; False if that was enough."""
    while True:
        columns, lines = terminal.size()
        head, body = source.lines(columns)
        head = [trouble, *head[1:]] if trouble else head
        terminal.draw(scroll.seen(head, body, columns, lines))
        page = max(lines - len(head) - 1, 1)
        while True:
            key = terminal.key(due - clock())
            if key is None:
                return True
            if key in ("q", "Q"):
                return False
            if scroll.press(key, page) or source.press(key) or key == REDRAW:
                break
