"""What may stand at the cursor: for the completion of shells, from the tables of commands.

The scripts in `shells.py` hand over the words before the cursor and the one at it, and print
what this says: a word and what it means in each line.  Names of bridges, ports and controllers are
asked from the daemon, which has a moment to answer: a shell that waits is worse than one that knows
less.  Nothing here fails: what isn't understood has no candidates.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from datapath.ports import format_port
from vswitch import words
from vswitch.cli import globals
from vswitch.errors import Failure
from vswitch.requests import Parameter, Request
from vswitch.rpc.client import Client

PATIENCE_S = 0.3
"""Seconds for all that the daemon is asked."""

FILES = (":files", "")
"""Stands for the names of files, which shells know better."""

Candidate = tuple[str, str]
Ask = Callable[..., Any]


def candidates(
    known: Mapping[str, Request], line: Sequence[str], ask: Ask | None = None
) -> list[Candidate]:
    """What may stand at the cursor: 'line' is what stands before it behind `vswitch`, its last
    word the one that is completed (perhaps ""), each with its explanation.  'known' has every
    command's words and its request.

    'ask(method, **params)' asks the daemon, by default the one that the line names.
    """
    *before, last = line or [""]
    chosen, before, open = _without_globals(before)
    if open:
        return _begun(last, _of_option(open))
    asks = ask or _asker(chosen.get("--run"))
    head, equals, value = last.partition("=")
    if equals and head.startswith("--"):
        found = _at_value(known, before, head, asks)
        return [(f"{head}={word}", why) for word, why in _begun(value, found) if word != FILES[0]]
    return _begun(last, _at(known, before, last, asks))


def _begun(prefix: str, found: Iterable[Candidate]) -> list[Candidate]:
    return [(word, why) for word, why in found if word.startswith(prefix) or word == FILES[0]]


# ---- the options of every command ----

_BY_WORD = {word: option for option in globals.OPTIONS for word in option.spelt}


def _of_option(option: globals.Option) -> list[Candidate]:
    """What may stand behind one of them."""
    known = [(choice, option.help) for choice in option.choices]
    return known or ([FILES] if option.metavar in _OF_FILES else [])


def _without_globals(
    before: Sequence[str],
) -> tuple[dict[str, str], list[str], globals.Option | None]:
    """What the options of every command say, by their last spelling; the words without them; and
    the one that still lacks its value."""
    said: dict[str, str] = {}
    kept: list[str] = []
    rest = list(before)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        option = _BY_WORD.get(name)
        if (kept and kept[0] in globals.PASSED_ON) or word == "--":
            return said, [*kept, word, *rest], None
        if option is None:
            kept.append(word)
        elif option.metavar and not equals and not option.optional:
            if not rest:
                return said, kept, option
            said[option.spelt[-1]] = rest.pop(0)
        else:
            said[option.spelt[-1]] = value
    return said, kept, None


def _globals() -> Iterator[Candidate]:
    return ((word, option.help) for option in globals.OPTIONS for word in option.spelt)


# ---- the command and its words ----


def _at(
    known: Mapping[str, Request], before: Sequence[str], last: str, ask: Ask
) -> Iterator[Candidate]:
    name = _command(known, before)
    if name is None:
        yield from _names_of(known, before)
        if last.startswith("-"):
            yield from _globals()
        return
    request, rest = known[name], list(before[len(name.split()) :])
    given, open, places = _given(request, rest)
    if open is not None:
        yield from _values(request, open, given, ask)
        return
    if last.startswith("-") and "--" not in rest:
        yield from _options(request, given)
        yield from _globals()
    elif places:
        yield from _values(request, places[0], given, ask)


def _at_value(
    known: Mapping[str, Request], before: Sequence[str], option: str, ask: Ask
) -> Iterator[Candidate]:
    """The values of --option=..."""
    name = _command(known, before)
    if option in _BY_WORD:
        yield from _of_option(_BY_WORD[option])
    elif name is not None:
        given, _, _ = _given(known[name], list(before[len(name.split()) :]))
        for parameter in words.options(known[name]):
            if option in words.spellings(parameter):
                yield from _values(known[name], parameter, given, ask)


def _command(known: Mapping[str, Request], before: Sequence[str]) -> str | None:
    """The command that the words begin with."""
    return next((n for n in (" ".join(before[:2]), " ".join(before[:1])) if n in known), None)


def _names_of(known: Mapping[str, Request], before: Sequence[str]) -> Iterator[Candidate]:
    """First words, or the verbs of a noun."""
    if not before:
        firsts: dict[str, list[str]] = {}
        for name in known:
            firsts.setdefault(name.split()[0], []).append(name)
        for first, names in firsts.items():
            verbs = " ".join(name.partition(" ")[2] for name in names)
            yield first, known[first].help if names == [first] else verbs
    elif len(before) == 1:
        for name, request in known.items():
            noun, _, verb = name.partition(" ")
            if noun == before[0] and verb:
                yield verb, request.help


def _given(
    request: Request, rest: list[str]
) -> tuple[dict[str, str], Parameter | None, list[Parameter]]:
    """What is said already, the option that lacks its value, and the places that are left."""
    given: dict[str, str] = {}
    places = [p for p in request.parameters if p.positional]
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        parameter = next((p for p in words.options(request) if name in words.spellings(p)), None)
        if word == "--":
            continue
        if parameter is None:
            if places and not word.startswith("-"):
                given[places[0].name] = word
                if not (places[0].rest or places[0].setting.many):
                    places.pop(0)
            continue
        if parameter.setting.metavar and not equals:
            if not rest:
                return given, parameter, places
            value = rest.pop(0)
        given[parameter.name] = value
    return given, None, places


def _options(request: Request, given: Mapping[str, str]) -> Iterator[Candidate]:
    for parameter in words.options(request):
        if parameter.name not in given or parameter.setting.many:
            yield from ((name, parameter.setting.help) for name in words.named(parameter))


# ---- values ----


def _values(
    request: Request, parameter: Parameter, given: Mapping[str, str], ask: Ask
) -> Iterator[Candidate]:
    """What a parameter may be, as far as that is known."""
    noun = request.method.partition(".")[0]
    metavar = parameter.setting.metavar
    if names := _NAMES.get((noun, parameter.name)) or _NAMES.get(("", parameter.name)):
        if request.method not in _NEW or parameter.name != "name":
            yield from names(ask, given)
        elif noun == "port":
            yield from _interfaces()
    elif "|" in metavar and metavar.replace("|", "").replace("-", "").isalnum():
        yield from ((word, parameter.setting.help) for word in metavar.split("|"))
    elif metavar in _OF_FILES or parameter.rest:
        yield FILES


_NEW = frozenset(("bridge.add", "port.add", "run"))
"""What these name is not there yet."""
_OF_FILES = frozenset(("FILE", "PATH", "DIR"))


def _bridges(ask: Ask, given: Mapping[str, str]) -> Iterator[Candidate]:
    return ((row["name"], f"bridge {row['dpid']}") for row in ask("bridge.list"))


def _ports(ask: Ask, given: Mapping[str, str]) -> Iterator[Candidate]:
    of = {"bridge": given["bridge"]} if "bridge" in given else {}
    rows = ask("port.list", **of)
    return ((row["name"], f"port {format_port(row['number'])} of {row['bridge']}") for row in rows)


def _queues(ask: Ask, given: Mapping[str, str]) -> Iterator[Candidate]:
    rows = ask("queue.list", **{key: given[key] for key in ("bridge", "port") if key in given})
    return ((str(row["number"]), f"of {row['port']}, {row['max_rate']}") for row in rows)


def _controllers(ask: Ask, given: Mapping[str, str]) -> Iterator[Candidate]:
    of = {"bridge": given["bridge"]} if "bridge" in given else {}
    return ((row["target"], f"of {row['bridge']}") for row in ask("controller.list", **of))


def _containers(ask: Ask, given: Mapping[str, str]) -> Iterator[Candidate]:
    from containers.registry import Registry
    from vswitch import paths

    try:
        found = sorted(Registry(paths.run_folder()).names())
    except (OSError, Failure):
        found = []
    return ((name, "container") for name in found)


def _interfaces() -> Iterator[Candidate]:
    """Interfaces of this host, which a port may be."""
    try:
        found = sorted(os.listdir("/sys/class/net"))
    except OSError:
        found = []
    return ((name, "interface") for name in found if name != "lo")


_NAMES: Mapping[tuple[str, str], Callable[[Ask, Mapping[str, str]], Iterator[Candidate]]] = {
    ("", "bridge"): _bridges,
    ("bridge", "name"): _bridges,
    ("port", "name"): _ports,
    ("", "port"): _ports,
    ("", "in_port"): _ports,
    ("queue", "number"): _queues,
    ("controller", "target"): _controllers,
    ("exec", "name"): _containers,
    ("", "names"): _containers,
}
"""Noun ("": any) and parameter -> what there is that it may name."""


def _asker(run: str | None) -> Ask:
    """Asks the daemon of that run folder; no answer in time, or none at all, is an empty list."""

    def ask(method: str, **params: object) -> Any:
        try:
            with Client(run or None, timeout=PATIENCE_S) as client:
                return client.call(method, **params)
        except Failure:
            return []

    return ask
