"""The few of roff's man macros that our pages need, each a function from text to lines.

Text is what people read; what would mean something to roff is escaped here and nowhere else.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Lines = Iterator[str]


def escaped(text: str) -> str:
    """Text on one line: a minus that can be copied, no backslash, no control line."""
    told = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    told = told.replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")
    return f"\\&{told}" if told.startswith(".") else told


def head(name: str, section: int, version: str, book: str) -> Lines:
    """The page's head."""
    yield f'.TH {name.upper()} {section} "" "{escaped(version)}" "{book}"'
    yield ".nh"
    yield ".ad l"


def section(title: str) -> Lines:
    """The beginning of a section."""
    yield f'.SH "{title.upper()}"'


def subsection(title: str) -> Lines:
    """The beginning of a part of a section; the title as it is typed."""
    quoted = escaped(title).replace('"', "\\(dq")
    yield f'.SS "{quoted}"'


def paragraph(text: str) -> Lines:
    """Text that is filled."""
    yield ".PP"
    yield from filled(text)


def filled(text: str) -> Lines:
    """Words of a paragraph that has begun."""
    yield from (escaped(line.strip()) for line in text.splitlines() if line.strip())


def item(tag: str, text: str) -> Lines:
    """An indented paragraph with a tag in front, as options have."""
    yield ".TP"
    yield f".B {_argument(tag)}"
    yield from filled(text) if text.strip() else ["\\&"]


def example(lines: Iterable[str]) -> Lines:
    """Lines as they are typed."""
    yield ".PP"
    yield ".RS 4"
    yield ".nf"
    yield from map(escaped, lines)
    yield ".fi"
    yield ".RE"


def _argument(text: str) -> str:
    quoted = escaped(text).replace('"', "\\(dq")
    return f'"{quoted}"'
