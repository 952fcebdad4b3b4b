"""Words of a command line -> parameters of a request, by the request's own table.

What a request requires stands in order without names, the rest has an option
named like its setting: fail_mode is --fail-mode.  A list may be given with commas
or by repeating its option.  Values are checked here, by the same readers that the
daemon uses, so a wrong command line needs no daemon to be told so.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vswitch.errors import Exit, Failure, shown
from vswitch.requests import Parameter, Request

Given = dict[str, Any]


def read(command: str, request: Request, words: Sequence[str]) -> Given:
    """The parameters that 'words' after 'command' spell, in JSON's values.

    Failure with exit code 2 for words that don't fit, in the user's terms.
    """
    given: Given = {}
    places = [p for p in request.parameters if p.positional]
    end = words.index("--") if "--" in words else len(words)
    rest = iter(words[:end])
    for word in rest:
        if word.startswith("-") and word != "-":
            _option(command, request, given, word, rest)
        else:
            _place(command, given, places, word)
    for word in words[end + 1 :]:
        _place(command, given, places, word)
    missing = [p for p in request.parameters if p.required and p.name not in given]
    if missing:
        raise _usage(command, f"it needs {' '.join(map(mark, missing))}", command)
    return in_json(request, request.check(given))


def in_json(request: Request, params: Given) -> Given:
    """Checked parameters as values that JSON can hold."""
    return {p.name: p.setting.show(params[p.name]) for p in request.parameters if p.name in params}


def metavar(parameter: Parameter) -> str:
    """How a positional parameter is called in a usage line."""
    return "BRIDGE" if parameter.name == "bridge" else parameter.setting.metavar


def option(parameter: Parameter) -> str:
    """The option's name."""
    return "--" + parameter.name.replace("_", "-")


SHORT = {"--file": "-f"}
"""Options that have a letter as well."""


def mark(parameter: Parameter) -> str:
    """How a parameter stands in a usage line: "BRIDGE", or "-f FILE"."""
    if parameter.positional:
        return metavar(parameter)
    name = option(parameter)
    return f"{SHORT.get(name, name)} {parameter.setting.metavar}".strip()


def spellings(parameter: Parameter) -> list[str]:
    """The words that give an option: a flag may also be denied, as --no-names."""
    name = option(parameter)
    if not parameter.setting.metavar:
        return [name, name.replace("--", "--no-", 1)]
    return [name, SHORT[name]] if name in SHORT else [name]


def options(request: Request) -> list[Parameter]:
    """The parameters that are given by options."""
    return [p for p in request.parameters if not p.positional]


def _place(command: str, given: Given, places: list[Parameter], word: str) -> None:
    if not places:
        raise _usage(command, f"{shown(word)} is a word too many", command)
    given[places.pop(0).name] = word


def _option(command: str, request: Request, given: Given, word: str, rest: Iterator[str]) -> None:
    name, equals, value = word.partition("=")
    parameter = next((p for p in options(request) if name in spellings(p)), None)
    if parameter is None:
        raise _usage(command, f"it has no option {shown(name)}", command)
    if not parameter.setting.metavar:
        if equals:
            raise _usage(command, f"{name} takes no value", command)
        given[parameter.name] = name == option(parameter)
        return
    text = value if equals else next(rest, None)
    if text is None:
        raise _usage(command, f"{name} needs a value, {parameter.setting.metavar}", command)
    _put(command, given, parameter, text)


def _put(command: str, given: Given, parameter: Parameter, text: str) -> None:
    if parameter.setting.many:
        items = text.split(",") if text else []
        given[parameter.name] = [*given.get(parameter.name, []), *items]
    elif parameter.name in given:
        raise _usage(command, f"{option(parameter)} is there twice", command)
    else:
        given[parameter.name] = text


def _usage(what: str, why: str, command: str) -> Failure:
    return Failure(what, why, f"see vswitch {command} --help", Exit.USAGE)
