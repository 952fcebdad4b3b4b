"""What a command prints: the same value as an aligned table or as JSON.

A command hands over the whole result and a way to say it in lines; which of
the two is printed is the user's choice (-o).  JSON has exactly what the
operator API answered.
"""

from __future__ import annotations

import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TextIO

    Record = Mapping[str, Any]
    Column = tuple[str, str | Callable[[Record], object]]
    """A column's head, and the record's key or a function that makes the cell."""


class Output:
    """Where and how results are printed.  'json' is what -o json chose."""

    def __init__(self, json: bool = False, stream: TextIO | None = None) -> None:
        self.json = json
        self.stream = stream or sys.stdout

    def result(self, value: object, lines: Callable[[], Iterable[str]]) -> None:
        """Prints 'value' as JSON, or else the lines that say it."""
        if self.json:
            print(json.dumps(value, indent=2), file=self.stream)
        else:
            for line in lines():
                print(line, file=self.stream)

    def records(self, records: Sequence[Record], columns: Sequence[Column]) -> None:
        """Prints records as a JSON list, or else as a table with these columns."""
        self.result(list(records), lambda: table(records, columns))


def table(records: Iterable[Record], columns: Sequence[Column]) -> list[str]:
    """Aligned lines, the heads first; columns of numbers stand to the right."""
    rows = [[cell(record, column) for _, column in columns] for record in records]
    numeric = [_are_numbers([row[i] for row in rows]) for i in range(len(columns))]
    texts = [[head for head, _ in columns]] + [[_text(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in texts) for i in range(len(columns))]
    return [
        "  ".join(
            word.rjust(width) if right else word.ljust(width)
            for word, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in texts
    ]


def pairs(record: Record, labels: Mapping[str, str]) -> list[str]:
    """Lines of "label  value" for the keys of 'record' that 'labels' names, in its order."""
    width = max(len(label) for label in labels.values())
    return [
        f"{label:{width}}  {_text(record[key])}" for key, label in labels.items() if key in record
    ]


def cell(record: Record, column: str | Callable[[Record], object]) -> object:
    """The value of one column; None where the record has none."""
    return record.get(column) if isinstance(column, str) else column(record)


def counted(counts: Mapping[str, int]) -> str:
    """Counters that are not 0, as in "table-miss 3, ttl 1"."""
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def plural(count: int, noun: str) -> str:
    """ "1 port", "2 ports"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _are_numbers(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(type(value) is int for value in known)


_WORDS = {None: "-", True: "yes", False: "no", "": "-"}


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    if value is None or isinstance(value, bool) or value == "":
        return _WORDS[value]
    # A name from elsewhere must not speak to the terminal (HARDENING S23).
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))
