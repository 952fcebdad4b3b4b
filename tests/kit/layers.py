"""Reads the import graph of the tree and says which arrows point the wrong way.

The cut into rooms only holds if somebody looks. Python files are read with `ast`, C files by
their `#include` lines; nothing is imported or compiled. Two tables say what is allowed:
`PYTHON_ROOMS` names for each room the rooms below it, `C_ORDER` lists the C rooms from left to
right. Everything else is drawing. Pure: text in, findings out; `read_tree` alone touches files.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PYTHON_ROOMS: dict[str, tuple[str, ...]] = {
    # room (the longest prefix of a module's name wins): what it may import beside itself
    "datapath": (),
    "datapath.__init__": ("datapath", "datapath.switch"),
    "datapath.ffi": ("datapath", "datapath._vswitch"),
    "datapath.switch": ("datapath", "datapath.ffi"),
    "datapath.testing": ("datapath", "datapath.switch"),
    "datapath.kernel": ("pyroute2",),
    "datapath.build_ffi": ("cffi",),
    "vswitch": (),
    "vswitch.rpc.client": (
        *("vswitch", "vswitch.rpc.protocol", "vswitch.rpc.descriptors", "vswitch.rpc.nearby"),
    ),
    "vswitch.rpc.nearby": ("vswitch",),
    "vswitch.rpc.waiting": ("vswitch",),
    "vswitch.rpc.server": (
        *("vswitch", "vswitch.rpc.protocol", "vswitch.rpc.descriptors", "vswitch.rpc.waiting"),
    ),
    "vswitch.rpc.protocol": ("vswitch", "vswitch.rpc.descriptors"),
    "vswitch.rpc.descriptors": (),
    "vswitch.rpc": ("vswitch", "vswitch.rpc.client", "vswitch.rpc.server", "vswitch.rpc.protocol"),
    "vswitch.store": ("vswitch",),
    "vswitch.reconcile": ("vswitch",),
    "vswitch.openflow": ("datapath",),
    "vswitch.agent": ("vswitch", "vswitch.openflow", "datapath"),
    "vswitch.cli": ("vswitch", "vswitch.rpc.client", "containers", "datapath"),
    "vswitch.daemon": (
        *("vswitch", "vswitch.rpc.client", "vswitch.rpc.server", "vswitch.rpc.protocol"),
        "vswitch.rpc.nearby",
        *("vswitch.rpc", "vswitch.rpc.waiting"),
        *("vswitch.store", "vswitch.reconcile", "vswitch.openflow", "vswitch.agent"),
        *("datapath", "datapath.switch", "datapath.kernel"),
    ),
    "containers": ("vswitch", "vswitch.rpc.client", "datapath.kernel"),
    "controlplane": (
        *("vswitch", "vswitch.rpc.client", "os_ken", "ryu", "eventlet", "tinyrpc"),
    ),
    "manual": (
        "vswitch", "vswitch.cli", "vswitch.daemon", "containers", "controlplane",
    ),
    "perf": ("vswitch", "datapath", "datapath.switch", "datapath.kernel", "numpy"),
}

OUTSIDE = (
    *("os_ken", "ryu", "eventlet", "tinyrpc", "pyroute2", "cffi", "numpy", "scapy"),
    "datapath._vswitch",
)
"""From outside, and only for the rooms that list them; the rest of the world is free."""

PURE = (
    "datapath.fields", "datapath.oxm", "datapath.action", "datapath.instruction", "datapath.rule",
    "datapath.group", "datapath.meter", "datapath.of13", "datapath.frames",
    "vswitch.schema", "vswitch.requests", "vswitch.words", "vswitch.pages", "vswitch.shapes",
    "vswitch.answers", "vswitch.openflow", "vswitch.reconcile", "containers.answers",
    "containers.spec", "containers.seccomp", "containers.steps", "containers.plan",
    "containers.encode", "containers.control", "containers.problem", "containers.requests",
    "controlplane.identity", "controlplane.lengths", "controlplane.mactable",
)  # fmt: skip
IMPURE_IMPORTS = ("socket", "threading", "time", "asyncio", "select", "selectors", "subprocess")
"""No socket, no clock, no thread in the rooms that only compute."""

C_ORDER: tuple[tuple[str, ...], ...] = (
    ("base",),
    ("packet",),
    ("flow",),
    ("classify", "cache"),
    ("tunnel", "ct", "meter", "lane", "port"),
    ("act",),
    ("bridge",),
    ("tables",),
    ("compose",),
    ("ofp",),
    ("journal",),
    ("switch",),
    ("forwarder",),
)

FORBIDDEN_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "manager"})

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, order=True)
class Arrow:
    """`user` imports or includes `used`; `where` is file:line."""

    user: str
    used: str
    where: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, and why."""

    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


# ---- Python ---------------------------------------------------------------


def module_name(path: str) -> str:
    """`vswitch/rpc/client.py` -> `vswitch.rpc.client`; a package is called like its folder."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_arrows(sources: dict[str, str]) -> list[Arrow]:
    """Every import in `sources` (path -> text), wherever in the file it stands.

    A package's own file is `package.__init__` as a user: what it offers comes from below it.
    """
    modules = {module_name(path) for path in sources}
    return sorted(
        Arrow(path.removesuffix(".py").replace("/", "."), used, f"{path}:{line}")
        for path, text in sources.items()
        for used, line in _imports(path, text, modules)
    )


def _imports(path: str, text: str, modules: set[str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                is_module = inner in modules or inner in OUTSIDE
                yield (inner if is_module else base), node.lineno


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = path.split("/")[: -node.level]
    return ".".join([*package, node.module] if node.module else package)


def room_of(module: str, rooms: Iterable[str]) -> str | None:
    """The longest room that `module` lies in, or None for the world outside."""
    inside = [room for room in rooms if module == room or module.startswith(room + ".")]
    return max(inside, key=len, default=None)


def python_findings(arrows: list[Arrow]) -> list[Finding]:
    """Arrows that the tables do not allow."""
    return [
        Finding(arrow.where, why)
        for arrow in arrows
        if (why := _wrong_import(arrow) or _impure_import(arrow))
    ]


def _wrong_import(arrow: Arrow) -> str | None:
    user = room_of(arrow.user, PYTHON_ROOMS)
    used = room_of(arrow.used, OUTSIDE) or room_of(arrow.used, PYTHON_ROOMS)
    if used is None or user == used:
        return None
    if user is None:
        return f"{arrow.user} lies in no room: add it to PYTHON_ROOMS"
    allowed = PYTHON_ROOMS[user]
    if used in allowed:
        return None
    return f"{user} -> {used} ({arrow.used}): it may import {', '.join(allowed) or 'only itself'}"


def _impure_import(arrow: Arrow) -> str | None:
    if room_of(arrow.user, PURE) and room_of(arrow.used, IMPURE_IMPORTS):
        return f"{arrow.user} -> {arrow.used}: a pure room has no socket, no clock, no thread"
    return None


def python_circles(sources: dict[str, str]) -> list[str]:
    """Files that import each other, perhaps by way of others: one line for each such knot.

    Every import counts, those of type checkers and those inside functions too: what needs them to
    be read needs them to be understood.
    """
    modules = {module_name(path) for path in sources}
    edges: dict[str, set[str]] = {module: set() for module in modules}
    for arrow in python_arrows(sources):
        user = arrow.user.removesuffix(".__init__")
        if arrow.used in modules and arrow.used != user:
            edges[user].add(arrow.used)
    return [" <-> ".join(sorted(knot)) for knot in knots(edges) if len(knot) > 1]


def homonyms(sources: dict[str, str]) -> list[Finding]:
    """Classes of one name in one room, and classes that are imported under another name since one
    of theirs is there already."""
    found: dict[tuple[str | None, str], str] = {}
    findings = []
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                findings += [
                    Finding(f"{path}:{node.lineno}", f"{alias.name} is called {alias.asname} here")
                    for alias in node.names
                    if alias.asname and re.match(r"[A-Z]+[a-z]", alias.name)
                ]
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                here, room = f"{path}:{node.lineno}", room_of(module_name(path), PYTHON_ROOMS)
                before = found.setdefault((room, node.name), here)
                if before != here:
                    findings.append(Finding(here, f"{node.name} is also at {before}"))
    return findings


def knots(edges: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of a graph, in which every node has an entry: within one,
    each node can be reached from each."""
    reached = {node: _reachable(node, edges) for node in edges}
    left, found = set(edges), []
    while left:
        node = min(left)
        knot = {other for other in reached[node] if node in reached[other]} | {node}
        found.append(knot)
        left -= knot
    return found


def _reachable(start: str, edges: dict[str, set[str]]) -> set[str]:
    """What can be reached from a node by one step or more."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for used in edges[waiting.pop()] - seen:
            seen.add(used)
            waiting.append(used)
    return seen


# ---- C ----------------------------------------------------------------------


def c_arrows(sources: dict[str, str]) -> list[Arrow]:
    """Every `#include "..."` in `sources` (path below datapath/src -> text), by room."""
    arrows = []
    for path, text in sources.items():
        room = path.split("/")[0]
        for match in INCLUDE.finditer(text):
            used = match[1].split("/")[0] if "/" in match[1] else room
            line = text.count("\n", 0, match.start(1)) + 1
            if match[1] != "vswitch.h":  # the public interface lies below all rooms
                arrows.append(Arrow(room, used, f"datapath/src/{path}:{line}"))
    return sorted(arrows)


def c_findings(arrows: list[Arrow]) -> list[Finding]:
    """Includes that do not go left."""
    rank = {room: position for position, rooms in enumerate(C_ORDER) for room in rooms}
    findings = []
    for arrow in arrows:
        if unknown := {arrow.user, arrow.used} - rank.keys():
            findings.append(Finding(arrow.where, f"no room {unknown.pop()!r} in C_ORDER"))
        elif arrow.user != arrow.used and rank[arrow.used] >= rank[arrow.user]:
            why = f"{arrow.user} includes {arrow.used}, which does not lie left of it"
            findings.append(Finding(arrow.where, why))
    return findings


# ---- every file and folder ----------------------------------------------------


def opening_findings(sources: dict[str, str]) -> list[Finding]:
    """Files that do not open with a paragraph on their idea."""
    return [
        Finding(path, "opens without a docstring or comment that says its idea")
        for path, text in sources.items()
        if text.strip() and not _opens_with_words(path, text)
    ]


def _opens_with_words(path: str, text: str) -> bool:
    if path.endswith(".py"):
        return bool(ast.get_docstring(ast.parse(text)))
    return text.lstrip().startswith("/*")


def name_findings(paths: Iterable[str]) -> list[Finding]:
    """Rooms and files whose name says nothing."""
    return [
        Finding(path, "is called for nothing: name it after what it holds")
        for path in paths
        if FORBIDDEN_NAMES & {part.split(".")[0] for part in path.split("/")}
    ]


# ---- drawing and reading ---------------------------------------------------------


def draw(arrows: list[Arrow], rooms: Iterable[str]) -> str:
    """The graph by room, one line each: `room -> room room`."""
    edges: dict[str, set[str]] = {}
    known = [*rooms, *OUTSIDE]
    for arrow in arrows:
        user, used = room_of(arrow.user, known), room_of(arrow.used, known)
        if user and used and user != used:
            edges.setdefault(user, set()).add(used)
    return "\n".join(f"  {user:20} -> {' '.join(sorted(edges[user]))}" for user in sorted(edges))


def draw_floors(sources: dict[str, str]) -> str:
    """Files in floors, the lowest last: each imports only what stands below it.  One line a floor;
    no two files may stand in a circle."""
    modules = {module_name(path): path for path in sources}
    below: dict[str, set[str]] = {module: set() for module in modules}
    for arrow in python_arrows(sources):
        below[arrow.user.removesuffix(".__init__")].add(arrow.used)
    floors: list[list[str]] = []
    left = set(modules)
    while left:
        floors.append(sorted(m for m in left if not below[m] & left - {m}))
        left -= set(floors[-1])
    lines = [" ".join(modules[module] for module in floor) for floor in reversed(floors)]
    return "\n".join(f"{len(lines) - i:3}  {line}" for i, line in enumerate(lines))


def read_tree(root: Path, folders: Iterable[str], suffixes: tuple[str, ...]) -> dict[str, str]:
    """path (relative to `root`) -> text of all files of `folders` with one of `suffixes`."""
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }
