"""What `vswitch run --help` and its like say; the options from the settings' own words."""

from __future__ import annotations

from collections.abc import Iterator

from containers.spec import Process, Remove, Spec, Stop
from containers.words import OPTIONS
from vswitch.schema import Record

_RUN = """\
usage: vswitch run [OPTION]... [--] COMMAND [WORD]...

Start a command in a container of its own, on a port of a bridge, and stay with it until it
ends: its exit code is the command's (128 + signal if it was killed, 127 if there is no such
command, 126 if it can't be executed). Without --rootfs it sees this machine's files, read-only.
"""
_EXEC = """\
usage: vswitch exec [OPTION]... NAME [--] COMMAND [WORD]...

Run one more command in a container that runs, until it ends; its exit code is the command's.
Variables, folder and user are those of the container unless others are given.
"""
_PS = """\
usage: vswitch ps

Containers, and what has become of detached ones. An ended one stays with its log until it is
removed or its name is used again.
"""
_STOP = """\
usage: vswitch stop [OPTION]... NAME...

Ask containers to end (SIGTERM), and kill those that don't.
"""
_RM = """\
usage: vswitch rm [OPTION]... NAME...

Remove containers that have ended, with their logs.
"""
_PAGES: dict[str, tuple[str, type[Record] | None, str]] = {
    "run": (_RUN, Spec, "run --bridge br0 --address 10.0.0.2/24 -- ping -c1 10.0.0.3"),
    "ps": (_PS, None, "-o json ps"),
    "exec": (_EXEC, Process, "exec c1 -- ip addr"),
    "stop": (_STOP, Stop, "stop c1 --time 2"),
    "rm": (_RM, Remove, "rm -f c1 c2"),
}


def page(command: str) -> str:
    """The page of one command."""
    text, record, example = _PAGES[command]
    options = "".join(f"{line}\n" for line in _options(record)) if record else ""
    return f"{text}\n{options}{chr(10) if options else ''}example: vswitch {example}\n"


def _options(record: type[Record]) -> Iterator[str]:
    """A line for each setting that has options."""
    spelt: dict[str, list[str]] = {}
    for option, name in OPTIONS[record].items():
        spelt.setdefault(name, []).append(option)
    for name, options in spelt.items():
        known = record.settings()[name]
        left = ", ".join(options) + (f" {known.metavar}" if known.metavar else "")
        yield f"  {left:27} {known.help}"
