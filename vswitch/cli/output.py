"""What a command prints: one value as a table, with every column, by name, as JSON or as YAML.

A command hands over the whole result and a way to say it in lines; which of them is printed is
the user's choice (-o).  JSON and YAML have exactly what the operator API answered, in the shapes
that `vswitch.answers` declares; -o wide has a column for each field of the shape, -o name what
commands call it.  Nothing that came from elsewhere speaks to the terminal (HARDENING S23).
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TextIO, TypeGuard

    from vswitch.errors import Failure
    from vswitch.shapes import Shape

    Record = Mapping[str, Any]

WHOLE = "text"
"""The field that says all others once more, in words: no column of a table."""
NARROWEST = 12
"""Columns of a terminal that a column of text keeps when a table is too wide for it."""


class Column:
    """A column: its head, the field that it shows, and how that is said if not as it is.

    'say' gets the record.  'exact': -o wide shows the field as it is all the same.
    """

    __slots__ = ("exact", "field", "head", "say")

    def __init__(
        self, head: str, field: str, say: Callable[[Record], object] | None = None,
        exact: bool = False,
    ) -> None:  # fmt: skip
        self.head, self.field, self.say, self.exact = head, field, say, exact

    def cell(self, record: Record) -> object:
        """What stands in the column."""
        return self.say(record) if self.say else record.get(self.field)


class Quantity(str):
    """A number with its unit: it stands to the right, as numbers do."""

    __slots__ = ()


class Output:
    """Where and how results are printed: 'format' is one of `globals.FORMATS`.

    'noun': what the results are.  'width': columns that lines should have at most, None: any.
    'compact': JSON on one line, for one reading after the other.
    """

    def __init__(
        self, format: str = "table", stream: TextIO | None = None, width: int | None = None,
        *, compact: bool = False,
    ) -> None:  # fmt: skip
        self.format = format
        self.stream = stream or sys.stdout
        self.width = width if width is not None else _width(self.stream)
        self.compact = compact
        self.noun = ""

    @property
    def shape(self) -> Shape | None:
        """Of the results, where that is declared."""
        from vswitch.answers import NOUNS

        return NOUNS.get(self.noun)

    @property
    def json(self) -> bool:
        """For programs: JSON, or the same as YAML."""
        return self.format in ("json", "yaml")

    def result(self, value: object, lines: Callable[[], Iterable[str]]) -> None:
        """Prints 'value' in the user's format; 'lines' say it to people."""
        if self.json:
            print(dumped(value, self.format, compact=self.compact), file=self.stream)
        else:
            for line in self._names(value) if self.format == "name" else lines():
                print(plain(line), file=self.stream)

    def records(
        self, records: Sequence[Record], columns: Sequence[Column | tuple[str, str]]
    ) -> None:
        """Prints records: for people as a table with these columns, or with all there are."""
        chosen = [c if isinstance(c, Column) else Column(*c) for c in columns]
        self.result(list(records), lambda: self.table(records, chosen))

    def table(
        self, records: Sequence[Record], columns: Sequence[Column], noun: str | None = None
    ) -> list[str]:
        """The lines of a table that fits the width; with every field if that is the format."""
        if self.format == "wide":
            from vswitch.answers import NOUNS

            shape = NOUNS.get(self.noun if noun is None else noun)
            return table(records, widened(columns, shape, records))
        return table(records, columns, self.width)

    def failed(self, failure: Failure) -> None:
        """Tells an error that doesn't end the command."""
        print(error(failure, self.format), file=sys.stderr)

    def _names(self, value: object) -> list[str]:
        values: list[Any] = value if isinstance(value, list) else [] if value is None else [value]
        if all(isinstance(one, str) for one in values):
            return values
        shape = self.shape
        if shape is not None and shape.name:
            return [shape.called(one) for one in values]
        if shape is None and all("name" in one for one in values):
            return [one["name"] for one in values]
        from vswitch.errors import Exit, Failure

        do = "use another format"
        raise Failure("option -o name", "what this prints has no name", do, Exit.USAGE)


def _width(stream: TextIO) -> int | None:
    """Columns of the terminal that 'stream' is; None if it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def dumped(value: object, format: str, *, compact: bool = False) -> str:
    """A value of JSON as JSON or YAML; as 'compact' as it gets, or for people to read."""
    if format == "json":
        return json.dumps(value) if compact else json.dumps(value, indent=2)
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False, explicit_start=compact, width=100)
    return text.removesuffix("\n").removesuffix("\n...")


def error(failure: Failure, format: str) -> str:
    """An error for standard error: a line, or an object where results are for programs."""
    if format not in ("json", "yaml"):
        return plain(f"vswitch: {failure}")
    told = {
        "message": str(failure), "what": failure.what, "why": failure.why, "do": failure.do,
        "exit": int(failure.exit),
    }  # fmt: skip
    return dumped({"error": told}, format, compact=format == "json")


# ---- tables --------------------------------------------------------------------------


def widened(
    columns: Sequence[Column], shape: Shape | None, records: Iterable[Record]
) -> list[Column]:
    """The columns, exact, and behind them one for each field that they don't show."""
    shown = {column.field for column in columns}
    known = [field.name for field in shape.fields] if shape else [n for r in records for n in r]
    more = [name for name in dict.fromkeys(known) if name not in shown | {WHOLE}]
    exact = [Column(c.head, c.field) if c.exact else c for c in columns]
    return [*exact, *(Column(name.upper().replace("_", " "), name) for name in more)]


def table(
    records: Iterable[Record], columns: Sequence[Column], width: int | None = None
) -> list[str]:
    """Aligned lines, the heads first; columns of numbers stand to the right.

    Where lines would have more than 'width' columns, those of text are cut, the widest first.
    """
    rows = [[column.cell(record) for column in columns] for record in records]
    numeric = [_are_numbers([row[i] for row in rows]) for i in range(len(columns))]
    texts = [[c.head for c in columns]] + [[text(value) for value in row] for row in rows]
    widths = [max(_columns(line[i]) for line in texts) for i in range(len(columns))]
    if width is not None:
        widths = _fitted(widths, numeric, width)
    return [
        "  ".join(
            _padded(_cut(word, width), width, right=right)
            for word, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in texts
    ]


def _fitted(widths: Sequence[int], numeric: Sequence[bool], most: int) -> list[int]:
    """The widths, less what is too much for 'most' columns with two between each."""
    fitted = list(widths)
    texts = [i for i, right in enumerate(numeric) if not right and widths[i] > NARROWEST]
    excess = sum(fitted) + 2 * (len(fitted) - 1) - most
    while excess > 0 and texts:
        widest = max(texts, key=lambda i: fitted[i])
        if fitted[widest] == NARROWEST:
            break
        fitted[widest] -= 1
        excess -= 1
    return fitted


def cut(line: str, width: int, start: int = 0) -> str:
    """What is seen of a line in 'width' columns from column 'start' on."""
    seen, at = [], 0
    for character in line:
        wide = _columns(character)
        if start <= at and at + wide <= start + width:
            seen.append(character)
        at += wide
    return "".join(seen)


def _cut(word: str, width: int) -> str:
    return word if _columns(word) <= width else cut(word, width - 3) + "..."


def _padded(word: str, width: int, *, right: bool) -> str:
    space = " " * (width - _columns(word))
    return space + word if right else word + space


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def pairs(record: Record, labels: Mapping[str, str]) -> list[str]:
    """Lines of "label  value" for the keys of 'record' that 'labels' names, in its order."""
    width = max(len(label) for label in labels.values())
    return [
        f"{label:{width}}  {text(record[key])}" for key, label in labels.items() if key in record
    ]


# ---- words ---------------------------------------------------------------------------


def counted(counts: Mapping[str, int]) -> str:
    """Counters that are not 0, as in "table-miss 3, ttl 1"."""
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def plural(count: int, noun: str) -> str:
    """ "1 port", "2 ports"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def human(count: int | None, unit: str = "B") -> Quantity | None:
    """A number with three digits and a prefix: 999 B, 1.20 kB, 18.4 EB."""
    if count is None:
        return None
    if count < 1000:
        return Quantity(f"{count} {unit}")
    prefix, number = next((p, count / 10**n) for p, n in _PREFIXES if count < 999.5 * 10**n)
    digits = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return Quantity(f"{number:.{digits}f} {prefix}{unit}")


_PREFIXES = (("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18), ("Z", 21))


def _are_numbers(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(type(value) in (int, Quantity) for value in known)


_WORDS = {None: "-", True: "yes", False: "no", "": "-"}


def text(value: object) -> str:
    """A value as people read it, without what could speak to their terminal."""
    if isinstance(value, dict):
        value = ", ".join(f"{key} {one}" for key, one in value.items())
    elif isinstance(value, list | tuple):
        value = ", ".join(text(one) if isinstance(one, dict) else str(one) for one in value)
    if value is None or isinstance(value, bool) or value == "":
        return _WORDS[value]
    return here(value) if is_moment(value) else plain(str(value))


def is_moment(value: object) -> TypeGuard[str]:
    """Whether it is a point in time as answers have it: 2026-01-02T03:04:05Z."""
    if not isinstance(value, str) or len(value) != 20 or value[10::9] != "TZ":
        return False
    return value[:10].replace("-", "").isdecimal() and value[11:19].replace(":", "").isdecimal()


def here(moment: str) -> str:
    """A point in time as this place's calendar and clock have it."""
    import time
    from calendar import timegm

    seconds = timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def plain(line: str) -> str:
    """A line without control characters and others that are not seen, which are spelled."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
