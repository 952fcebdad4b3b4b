"""Words of a command line -> parameters of a request, by the request's own table.

Every command that we have is read here, those of containers too.  What a request requires stands
in order without names, the rest has an option named like its setting: fail_mode is --fail-mode.  A
list may be given with commas or by repeating its option.  Values are checked here, by the same
readers that the daemon uses, so a wrong command line needs no daemon to be told so.  Pure.
"""

from __future__ import annotations

from vswitch.errors import Exit, Failure, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vswitch.requests import Parameter, Request

    Given = dict[str, Any]


def read(command: str, request: Request, words: Sequence[str]) -> Given:
    """The parameters that 'words' after 'command' spell, in JSON's values.

    Failure with exit code 2 for words that don't fit, in the user's terms.
    """
    return in_json(request, request.check(spelt(command, request, words)))


def spelt(command: str, request: Request, words: Sequence[str]) -> Given:
    """The same as they are spelt: text, lists of it, and flags; nothing is checked but that words
    and parameters fit.

    A lone "--" ends the options.  Where a command has another command's words as its rest, all
    words from the first on that is no option are none of ours.
    """
    given: Given = {}
    places = [p for p in request.parameters if p.positional]
    rest, open = list(words), True
    while rest:
        word = rest.pop(0)
        if open and word == "--":
            open = False
        elif open and word.startswith("-") and word != "-":
            for one in _apart(request, word):
                _option(command, request, given, one, rest)
        elif places and places[0].rest:
            given[places[0].name] = [word, *rest]
            break
        else:
            _place(command, given, places, word)
            if any(p.rest for p in places):
                open = False
                rest = rest[1:] if rest[:1] == ["--"] else rest
    missing = [p for p in request.parameters if p.required and p.name not in given]
    if missing:
        raise usage(command, f"it needs {' '.join(map(mark, missing))}")
    return given


def in_json(request: Request, params: Given) -> Given:
    """Checked parameters as values that JSON can hold."""
    return {p.name: p.setting.show(params[p.name]) for p in request.parameters if p.name in params}


def metavar(parameter: Parameter) -> str:
    """How a positional parameter is called in a usage line."""
    return "BRIDGE" if parameter.name == "bridge" else parameter.setting.metavar


def mark(parameter: Parameter) -> str:
    """How a parameter stands in a usage line: "BRIDGE", or "-f FILE"."""
    if parameter.positional:
        return metavar(parameter)
    return f"{named(parameter)[0]} {parameter.setting.metavar}".strip()


def option(parameter: Parameter) -> str:
    """The option's name in full."""
    return next(name for name in named(parameter) if name.startswith("--"))


def named(parameter: Parameter) -> tuple[str, ...]:
    """The options that give a parameter as help shows them: a flag may also be denied, as in
    --no-names."""
    name = "--" + parameter.name.replace("_", "-")
    if parameter.spelt:
        return parameter.spelt
    return (name,) if parameter.setting.metavar else (name, name.replace("--", "--no-", 1))


def spellings(parameter: Parameter) -> list[str]:
    """The words that give an option."""
    names = list(named(parameter))
    return names if parameter.setting.metavar else [*names, _denial(parameter)]


def options(request: Request) -> list[Parameter]:
    """The parameters that are given by options."""
    return [p for p in request.parameters if not p.positional and not p.setting.nested]


def usage(command: str, why: str) -> Failure:
    """The words don't fit the command."""
    return Failure(command, why, f"see vswitch {command} --help", Exit.USAGE)


def _denial(parameter: Parameter) -> str:
    return option(parameter).replace("--", "--no-", 1)


def _place(command: str, given: Given, places: list[Parameter], word: str) -> None:
    if not places:
        raise usage(command, f"{shown(word)} is a word too many")
    place = places[0]
    if place.setting.many:
        given.setdefault(place.name, []).append(word)
    else:
        given[places.pop(0).name] = word


def _apart(request: Request, word: str) -> list[str]:
    """Options of one letter that share a word, as in -it; the last of them may take a value."""
    letters, equals, value = word[1:].partition("=")
    known = {name: p for p in options(request) for name in spellings(p)}
    parts = [f"-{letter}" for letter in letters]
    flags = [part in known and not known[part].setting.metavar for part in parts[:-1]]
    if len(parts) < 2 or letters.startswith("-") or parts[-1] not in known or not all(flags):
        return [word]
    return [*parts[:-1], parts[-1] + equals + value]


def _option(command: str, request: Request, given: Given, word: str, rest: list[str]) -> None:
    name, equals, value = word.partition("=")
    parameter = next((p for p in options(request) if name in spellings(p)), None)
    if parameter is None:
        raise usage(command, f"it has no option {shown(name)}")
    if not parameter.setting.metavar:
        if equals:
            raise usage(command, f"{name} takes no value")
        given[parameter.name] = name != _denial(parameter)
        return
    if not equals:
        if not rest or rest[0] == "--":
            raise usage(command, f"{name} needs a value, {parameter.setting.metavar}")
        value = rest.pop(0)
    _put(command, given, parameter, value)


def _put(command: str, given: Given, parameter: Parameter, text: str) -> None:
    if parameter.setting.many:
        items = [text] if parameter.whole else text.split(",") if text else []
        given[parameter.name] = [*given.get(parameter.name, []), *items]
    elif parameter.name in given:
        raise usage(command, f"{option(parameter)} is there twice")
    else:
        given[parameter.name] = text
