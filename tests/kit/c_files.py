"""Which C files call each other: circles of files are found from their text alone.

Two files stand in a circle when each uses, perhaps by way of others, a function or an object that
the other one defines, or includes the other. Such files can't be read, tested or replaced one by
one. `x.c` and `x.h` are one file here. A file defines what it gives to others: names that are
`static` never count, nor do members, nor what no header that the file sees declares. Pure: text
in, findings out.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)|_Alignas\s*\([^)]*\)", re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
NAME = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")
TAG = re.compile(r"\b(?:struct|union|enum)\s+\w+")
POINTER = re.compile(r"\(\s*\*\s*(?:const\s+)?(\w+)")


@dataclass(frozen=True)
class Item:
    """One thing at file level: `head` up to its braces, their content, and what comes behind."""

    head: str
    body: str | None
    tail: str = ""

    @property
    def is_function(self) -> bool:
        return self.body is not None and self.head.endswith(")")

    @property
    def is_private(self) -> bool:
        return bool({"static", "inline"} & set(self.head.split()))

    @property
    def defines(self) -> str | None:
        """The function or object that it defines, or None: it only declares, or is a type."""
        if self.is_function:
            return _first_call(self.head)
        words = self.head.split()
        if not words or words[0] in ("typedef", "extern", "_Static_assert"):
            return None
        declarator = f"{self.head} {self.tail}".split("=")[0]
        declarator = re.sub(r"\[[^\]]*\]", "", declarator)
        if pointer := POINTER.search(declarator):
            return pointer[1]
        names = re.findall(r"\w+", declarator)
        if "(" in declarator or len(names) < 2 or (names[-2] in ("struct", "union", "enum")):
            return None
        return str(names[-1])


def _first_call(head: str) -> str | None:
    call = re.search(r"(\w+)\s*\(", head)
    return call[1] if call else None


def items(text: str) -> Iterator[Item]:
    """What stands at file level in `text`, comments, strings and directives left out."""
    text = DIRECTIVE.sub("", NOISE.sub(lambda noise: " " if noise[0][0] == "/" else "0", text))
    text = ATTRIBUTE.sub("", text)
    start, depth, opened, closed = 0, 0, -1, -1
    for mark in re.finditer(r"[{};]", text):
        at = mark.start()
        if mark[0] == "{":
            opened = at if depth == 0 else opened
            depth += 1
            continue
        depth -= mark[0] == "}"
        if depth:
            continue
        if mark[0] == "}":
            closed = at
            head = text[start:opened].strip()
            if "=" in head or not head.endswith(")"):
                continue  # an initialiser or a type: goes on to the semicolon
            yield Item(head, text[opened + 1 : at])
        elif opened < start:
            yield Item(text[start:at].strip(), None)
        else:
            yield Item(text[start:opened].strip(), text[opened + 1 : closed], text[closed + 1 : at])
        start = at + 1


@dataclass(frozen=True)
class Source:
    """What one file gives to others, keeps to itself, uses, and includes."""

    path: str
    gives: frozenset[str]
    keeps: frozenset[str]
    uses: frozenset[str]
    includes: tuple[str, ...]
    words: frozenset[str]

    @property
    def unit(self) -> str:
        """What `x.c` and `x.h` are together."""
        return self.path[:-2]


def read(path: str, text: str) -> Source:
    found = list(items(text))
    is_header = path.endswith(".h")
    named = [(item.defines, item) for item in found if item.defines]
    code = [
        f"{item.head} {item.body} {item.tail}"
        for item in found
        if item.is_function or (not is_header and item.defines)
    ]
    return Source(
        path,
        frozenset(str(name) for name, item in named if not (is_header or item.is_private)),
        frozenset(str(name) for name, item in named if item.is_private),
        frozenset(name for piece in code for name in NAME.findall(TAG.sub("", piece))),
        tuple(INCLUDE.findall(text)),
        frozenset(re.findall(r"\w+", NOISE.sub(" ", text))),
    )


Edges = dict[str, dict[str, set[str]]]
"""User -> used -> what for: names, or "include"; all of them without .c or .h."""


def edges(sources: dict[str, str]) -> Edges:
    """Every use of one file of `sources` (path -> text) by another."""
    files = {path: read(path, text) for path, text in sources.items()}
    owner = {name: file.unit for file in files.values() for name in file.gives}
    found: Edges = {file.unit: {} for file in files.values()}
    for file in files.values():
        seen = _seen(file, files)
        uses = {(files[path].unit, "include") for path in _resolved(file, files)}
        uses |= {
            (owner[name], name)
            for name in file.uses - file.gives - file.keeps
            if name in owner and _declared(name, seen, files)
        }
        for unit, what in uses:
            if unit != file.unit:
                found[file.unit].setdefault(unit, set()).add(what)
    return found


def _resolved(file: Source, files: dict[str, Source]) -> list[str]:
    """Its includes, as paths of `files`: from the root of all, or beside it."""
    folder = PurePosixPath(file.path).parent
    places = ((name, str(folder / name)) for name in file.includes)
    return [next(p for p in pair if p in files) for pair in places if set(pair) & files.keys()]


def _seen(file: Source, files: dict[str, Source]) -> set[str]:
    """The file and every header that it sees."""
    todo, seen = [file.path], set[str]()
    while todo:
        if (path := todo.pop()) not in seen:
            seen.add(path)
            todo += _resolved(files[path], files)
    return seen


def _declared(name: str, seen: Iterable[str], files: dict[str, Source]) -> bool:
    return any(path.endswith(".h") and name in files[path].words for path in seen)


def circles(graph: Edges) -> list[str]:
    """Each circle as a sentence that names one way round, shortest first."""
    ways = (_way_round(start, graph) for start in sorted(graph, reverse=True))
    rounds = {tuple(sorted(way)): way for way in ways if way}
    return [_told(way, graph) for way in sorted(rounds.values(), key=len)]


def _way_round(start: str, graph: Edges) -> list[str] | None:
    """The shortest way from `start` back to it, or None."""
    before: dict[str, str] = {}
    todo = [start]
    for at in todo:
        for used in sorted(graph.get(at, {})):
            if used == start:
                way = [at]
                while way[0] != start:
                    way.insert(0, before[way[0]])
                return way
            if used not in before:
                before[used] = at
                todo.append(used)
    return None


def _told(way: list[str], graph: Edges) -> str:
    steps = zip(way, [*way[1:], way[0]], strict=True)
    return "; ".join(f"{a} -> {b} ({', '.join(sorted(graph[a][b]))})" for a, b in steps)
