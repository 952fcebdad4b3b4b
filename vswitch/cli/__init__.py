"""`vswitch`: the operator's one command.  `main` finds the command and tells how it ended.

The daemon does the work; this process reads words, asks, prints.  It must start in
well under 100 ms, so what a command doesn't need is not imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from vswitch import patience, streams
from vswitch.cli.globals import CONTAINER_WORDS, FORMATS, TOML, Chosen, take
from vswitch.errors import Exit, Failure, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vswitch.cli.output import Output

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


@streams.command("vswitch")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line (by default the process's own) and returns its exit code."""
    chosen = Chosen()
    try:
        return _run(chosen, list(sys.argv[1:] if arguments is None else arguments))
    except Failure as failure:
        _tell(failure, chosen)
        return int(failure.exit)
    except KeyboardInterrupt:
        return INTERRUPTED


def _tell(failure: Failure, chosen: Chosen) -> None:
    """An error on standard error: one line for people, an object for programs."""
    from vswitch.cli import output

    print(output.error(failure, chosen.format), file=sys.stderr)


def _run(chosen: Chosen, words: list[str]) -> int:
    chosen, words = take(words, chosen)
    if chosen.run:
        # For everything below, the containers' commands included.
        os.environ["VSWITCH_RUN"] = chosen.run
    if chosen.timeout:
        os.environ[patience.VARIABLE] = chosen.timeout
    if chosen.version:
        from vswitch import __version__

        print(f"vswitch {__version__}")
        return Exit.OK
    if words and words[0] in CONTAINER_WORDS:
        return _containers([*words, "--help"] if chosen.help else words, chosen)
    if chosen.help or not words:
        return _help(words, chosen.help)
    return _command(words, chosen)


def _command(words: list[str], chosen: Chosen) -> int:
    from vswitch.cli.commands import COMMANDS
    from vswitch.rpc.client import Client

    name = _known(words)
    command, arguments = COMMANDS[name], words[len(name.split()) :]
    _check_fit(name, chosen)
    with Client() as client:
        return _shown(lambda out: command(client, arguments, out), chosen, f"vswitch {name}")


def _check_fit(name: str, chosen: Chosen) -> None:
    """Options that not every command can have."""
    if chosen.format == TOML and name != "export":
        do = f"use {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise Failure(f"option -o {TOML}", "only export prints it", do, Exit.USAGE)
    if chosen.watch is not None and name.split()[-1] not in ("ls", "ps"):
        why = "it is for lists"
        raise Failure("option --watch", why, "leave it out, or use it with ls or ps", Exit.USAGE)


def _shown(once: Callable[[Output], int], chosen: Chosen, title: str) -> int:
    """Runs a command that prints, again and again if it is watched."""
    from vswitch.cli.output import Output

    out = Output(chosen.format)
    if chosen.watch is None:
        return once(out)
    from vswitch.cli.watch import watch

    return watch(once, out, chosen.watch, title)


def _known(words: Sequence[str]) -> str:
    """The name of the command that 'words' begin with; Failure if there is none."""
    from vswitch.cli.commands import COMMANDS

    for name in (" ".join(words[:2]), words[0]):
        if name in COMMANDS:
            return name
    from vswitch.cli import help

    verbs = help.verbs(words[0])
    if not verbs:
        what = "option" if words[0].startswith("-") else "command"
        raise Failure(shown(words[0]), f"there is no such {what}", "see vswitch --help", Exit.USAGE)
    why = f"it has no {shown(words[1])}" if words[1:] else "it needs a verb"
    raise Failure(words[0], why, f"use {', '.join(verbs)}", Exit.USAGE)


def _help(words: Sequence[str], asked: bool) -> int:
    from vswitch.cli import help
    from vswitch.cli.commands import COMMANDS

    if not asked:
        print(help.everything(), end="", file=sys.stderr)
        return Exit.USAGE
    if len(words) == 1 and help.verbs(words[0]):
        page = help.noun(words[0])
    elif words:
        page = help.command(COMMANDS[_known(words)])
    else:
        page = help.everything()
    print(page, end="")
    return Exit.OK


def _containers(words: Sequence[str], chosen: Chosen) -> int:
    try:
        from containers.cli import COMMANDS
    except ModuleNotFoundError as error:
        raise Failure(
            words[0], f"this installation has no containers ({error})", "install the whole package"
        ) from None
    command, arguments = COMMANDS[words[0]], list(words[1:])
    _check_fit(words[0], chosen)
    return _shown(lambda out: int(command(arguments, out)), chosen, f"vswitch {words[0]}")
