"""`--watch`: a list that is read again and again.

On a terminal it is drawn in place, and can be scrolled; in a pipe or a file one reading follows
the other: tables with an empty line between, JSON one reading a line, YAML as documents.  A daemon
that goes away after the first reading is told and waited for: that is when one watches.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable

from vswitch.cli.output import Output, error
from vswitch.errors import Exit, Failure

Once = Callable[[Output], int]
"""Prints one reading; its exit code, or a Failure."""


def watch(
    once: Once, out: Output, seconds: float, title: str,
    sleep: Callable[[float], None] = time.sleep,
) -> int:  # fmt: skip
    """Prints readings until it is interrupted (0), or its reader has gone."""
    try:
        if out.stream.isatty() and not out.json:
            _on_terminal(once, out, seconds, title)
        else:
            _in_pipe(once, out, seconds, sleep)
    except KeyboardInterrupt:
        pass
    return Exit.OK


def _in_pipe(once: Once, out: Output, seconds: float, sleep: Callable[[float], None]) -> None:
    import sys

    first = True
    while True:
        text = io.StringIO()
        try:
            once(Output(out.format, text, out.width, compact=True))
        except Failure as failure:
            if first:
                raise
            print(error(failure, out.format), file=sys.stderr)
        else:
            between = "" if first or out.json or out.format == "name" else "\n"
            out.stream.write(between + text.getvalue())
            out.stream.flush()
        first = False
        sleep(seconds)


def _on_terminal(once: Once, out: Output, seconds: float, title: str) -> None:
    from vswitch.cli.browse import browse
    from vswitch.cli.terminal import Terminal

    readings = _Readings(once, out.format, title, seconds)
    readings.read()  # what is wrong with the command itself is told as ever
    with Terminal(out.stream) as terminal:
        browse(terminal, readings, seconds)


class _Readings:
    """The lines that a command prints."""

    def __init__(self, once: Once, format: str, title: str, seconds: float) -> None:
        self._once, self._format = once, format
        self._title = f"{title}, every {seconds:g} s"
        self._lines: list[str] = []
        self._read = ""

    def read(self) -> None:
        """Takes a new reading."""
        text = io.StringIO()
        self._once(Output(self._format, text))  # as wide as it is: one can move to the side
        self._lines = text.getvalue().splitlines()
        self._read = time.strftime("%H:%M:%S")

    def lines(self, width: int) -> tuple[list[str], list[str]]:
        """A title and the heads of a table, which stay, and what else was printed."""
        heads = self._lines[:1] if _is_table(self._lines) else []
        title = f"{self._title}   {self._read}   q ends"
        return [title, "", *heads], self._lines[len(heads) :]

    def press(self, key: str) -> bool:
        """No key means anything to a list."""
        return False


def _is_table(lines: list[str]) -> bool:
    """Whether the first line has the heads of columns."""
    return bool(lines) and lines[0].replace(" ", "").replace("/", "").isupper()
