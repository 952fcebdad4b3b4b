"""What `--help` says: for everything, for a noun, for a command.

Made from the tables of commands and requests, so it can't go stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vswitch import pages
from vswitch.cli.commands import COMMANDS, Command
from vswitch.cli.globals import OPTIONS, Option

_HEAD = """\
usage: vswitch [options] COMMAND ...

The switch's one command. A daemon, vswitchd, does the work; this asks it.
"""
_FIRST = """
A first switch:
  vswitchd &                                    (or vswitchd --ephemeral ...)
  vswitch bridge add br0
  vswitch port add br0 eth1
  vswitch flow add br0 in_port=1,actions=output:2
  vswitch trace br0 in_port=1,tcp,nw_dst=10.0.0.2

options, anywhere in the line (for run and exec: before the word):
"""
_TAIL = """
formats: table for people, wide with every column, name one name a line, json and yaml for programs

exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 differs (plan), 65 stored but not active,
  124 no answer in time
"""


def everything() -> str:
    """The page of `vswitch --help`."""
    ours = [(c.words, c.request.help) for c in COMMANDS.values()]
    options = _list((_spelt(option), option.help) for option in OPTIONS)
    return f"{_HEAD}\n{_list([*ours, *_of_containers()])}{_FIRST}{options}{_TAIL}"


def _spelt(option: Option) -> str:
    value = f"[{option.metavar}]" if option.optional else option.metavar
    return f"{option.spelt[0]} {value}".strip()


def _of_containers() -> Iterator[tuple[str, str]]:
    """The commands of the `containers` package, if it is installed."""
    try:
        from containers.requests import REQUESTS
    except ModuleNotFoundError:
        return
    yield from ((name, request.help) for name, request in REQUESTS.items())


def noun(word: str) -> str:
    """The commands of a noun."""
    commands = [(w, c.request.help) for w, c in COMMANDS.items() if w.split()[0] == word]
    return f"usage: vswitch {word} {'|'.join(verbs(word))} ...\n\n{_list(commands)}"


def verbs(noun: str) -> list[str]:
    """The verbs that a noun has."""
    return [w.split()[1] for w in COMMANDS if " " in w and w.split()[0] == noun]


def command(this: Command) -> str:
    """How one command is used, each of its options, an example."""
    example = f"{this.words} {this.example}" if this.example else ""
    return pages.page(this.words, this.request, example, this.usage)


def _list(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{line}\n" for line in pages.table(rows))
