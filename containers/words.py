"""Words of a command line -> settings.

Options are named in a table.  For `run` and `exec` they come first: the first word that is
none (or what follows a lone "--") begins the rest, which belongs to the container.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from containers.spec import Process, Remove, Spec, Stop
from vswitch.errors import Exit, Failure, shown
from vswitch.schema import Record

Given = dict[str, Any]

_PROCESS = {
    "-e": "env", "--env": "env", "-w": "workdir", "--workdir": "workdir",
    "-u": "user", "--user": "user", "-t": "tty", "--tty": "tty",
    "--no-tty": "tty",
}  # fmt: skip
_RUN = {
    "--name": "name", "--bridge": "bridge", "--address": "addresses", "--gateway": "gateway",
    "--port": "port", "--number": "number", "--interface": "interface", "--mac": "mac",
    "--mtu": "mtu", "--rootfs": "rootfs", "--read-only": "read_only", "--hostname": "hostname",
    "--nested": "nested",
    "-d": "detach", "--detach": "detach",
}  # fmt: skip
NEGATIONS = frozenset(("--no-tty",))
"""Options that say no."""

OPTIONS: Mapping[type[Record], Mapping[str, str]] = {
    Spec: {**_RUN, **_PROCESS},
    Process: _PROCESS,
    Stop: {"-t": "time", "--time": "time"},
    Remove: {"-f": "force", "--force": "force"},
}
"""Option -> the setting it is for."""


def read(command: str, record: type[Record], words: Sequence[str]) -> tuple[Given, list[str]]:
    """The settings that options in `words` give, and the words after them.

    Failure (exit 2) for an option that `command` doesn't have or that lacks its value.
    """
    given: Given = {}
    rest = list(words)
    while rest and _is_option(rest[0]):
        word = rest.pop(0)
        if word == "--":
            break
        _option(command, record, given, word, rest)
    return given, rest


def read_names(command: str, record: type[Record], words: Sequence[str]) -> tuple[Given, list[str]]:
    """The same where only names of containers follow: options may stand between them."""
    given, rest = read(command, record, words)
    names: list[str] = []
    while rest:
        names.append(rest.pop(0))
        more, rest = read(command, record, rest)
        given |= more
    if not names:
        raise usage(command, "it needs a container's name")
    return given, names


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _option(command: str, record: type[Record], given: Given, word: str, rest: list[str]) -> None:
    option, equals, value = word.partition("=")
    name = OPTIONS[record].get(option)
    if name is None:
        raise usage(command, f"it has no option {shown(option)}")
    known = record.settings()[name]
    if not known.metavar:
        if equals:
            raise usage(command, f"{option} takes no value")
        given[name] = option not in NEGATIONS
        return
    if not equals:
        if not rest:
            raise usage(command, f"{option} needs a value, {known.metavar}")
        value = rest.pop(0)
    _put(command, given, option, name, value, known.many)


def _put(command: str, given: Given, option: str, name: str, value: str, many: bool) -> None:
    before = given.get(name)
    if many:
        given[name] = (*(before if isinstance(before, tuple) else ()), value)
    elif before is None:
        given[name] = value
    else:
        raise usage(command, f"{option} is there twice")


def usage(command: str, why: str) -> Failure:
    """The words don't fit the command."""
    return Failure(command, why, f"see vswitch {command} --help", Exit.USAGE)
