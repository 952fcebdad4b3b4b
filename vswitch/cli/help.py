"""What `--help` says: for everything, for a noun, for a command.

Made from the tables of commands and requests, so it can't go stale.
"""

from __future__ import annotations

from collections.abc import Iterable

from vswitch.cli import words
from vswitch.cli.commands import COMMANDS, Command
from vswitch.requests import Parameter

CONTAINERS = {
    "run": "start a command in a container on a switch port",
    "ps": "containers",
    "exec": "run a command in a container",
    "stop": "end a container",
    "rm": "remove a container",
}
"""Commands of the `containers` package, which reads their words itself."""

_HEAD = """\
usage: vswitch [--run DIR] [-o table|json] COMMAND ...

The switch's one command. A daemon, vswitchd, does the work; this asks it.
"""
_TAIL = """
A first switch:
  vswitchd &                                    (or vswitchd --ephemeral ...)
  vswitch bridge add br0
  vswitch port add br0 eth1
  vswitch flow add br0 in_port=1,actions=output:2
  vswitch trace br0 in_port=1,tcp,nw_dst=10.0.0.2

options, anywhere in the line (for run and exec: before the word):
  -o table|json   how results are printed
  --run DIR       the daemon's run folder (else VSWITCH_RUN, else the usual one)
  --version       print the version
  --help          more on a noun or command: vswitch bridge --help

exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 differs (plan), 65 stored but not active
"""


def everything() -> str:
    """The page of `vswitch --help`."""
    ours = [(c.words, c.request.help) for c in COMMANDS.values()]
    return f"{_HEAD}\n{_list([*ours, *CONTAINERS.items()])}{_TAIL}"


def noun(word: str) -> str:
    """The commands of a noun."""
    commands = [(w, c.request.help) for w, c in COMMANDS.items() if w.split()[0] == word]
    return f"usage: vswitch {word} {'|'.join(verbs(word))} ...\n\n{_list(commands)}"


def verbs(noun: str) -> list[str]:
    """The verbs that a noun has."""
    return [w.split()[1] for w in COMMANDS if " " in w and w.split()[0] == noun]


def command(this: Command) -> str:
    """How one command is used, each of its options, an example."""
    optional = words.options(this.request)
    lines = [f"usage: {usage(this)}", "", this.request.help, ""]
    if not this.usage:
        places = [p for p in this.request.parameters if p.positional]
        lines += _table(
            [(words.metavar(p), p.setting.help) for p in places]
            + [(_option(p), p.setting.help) for p in optional]
        )
    if this.example:
        lines += ["", f"example: vswitch {this.words} {this.example}"]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def usage(this: Command) -> str:
    """The usage line of a command."""
    if this.usage:
        return f"vswitch {this.words} {this.usage}"
    shown = [p for p in this.request.parameters if p.positional or p.required]
    marks = [words.mark(p) if p.required else f"[{words.mark(p)}]" for p in shown]
    optional = ["[options]"] if any(not p.required for p in words.options(this.request)) else []
    return " ".join(["vswitch", this.words, *marks, *optional])


def _option(parameter: Parameter) -> str:
    names = ", ".join(sorted(words.spellings(parameter), key=len))
    return f"{names} {parameter.setting.metavar}".strip() if parameter.setting.metavar else names


def _list(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{line}\n" for line in _table(rows))


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    width = max((len(left) for left, _ in rows), default=0)
    return [f"  {left:{width}}  {right}" for left, right in rows]
