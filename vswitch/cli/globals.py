"""Options that every command has: -o, --watch, --run, --timeout, --help, --version.

They may stand anywhere up to a lone "--", but what `run` and `exec` are given after
their own word belongs to the container: there they stand before it.  Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from vswitch.errors import Exit, Failure, shown
from vswitch.patience import seconds

CONTAINER_WORDS = frozenset(("run", "ps", "exec", "logs", "attach", "connect", "stop", "rm"))
"""First words that the `containers` package serves."""
PASSED_ON = frozenset(("run", "exec"))
"""First words after which no word is ours."""


FORMATS = ("table", "wide", "name", "json", "yaml")
"""How results can be printed: in a table, with every column, one name a line, for programs."""
TOML = "toml"
"""How `export` prints if nothing else is said; no other command has it."""
WATCH_SECONDS = 2.0
"""Between two readings of a list that is watched, if nothing else is said."""


class Option:
    """One option: its words, what stands behind it ("": nothing), what it means, and the only
    values that it has, if they are few."""

    __slots__ = ("choices", "help", "metavar", "optional", "spelt")

    def __init__(
        self, spelt: tuple[str, ...], metavar: str, help: str, choices: tuple[str, ...] = (),
        optional: bool = False,
    ) -> None:  # fmt: skip
        self.spelt, self.metavar, self.help = spelt, metavar, help
        self.choices, self.optional = choices, optional


OPTIONS = (
    Option(("-o", "--output"), "|".join(FORMATS), "how results and errors are printed", FORMATS),
    Option(("--watch",), "SECONDS", "of ls and ps: again and again, every 2 s if left out",
           optional=True),
    Option(("--run",), "DIR", "the daemon's run folder (else VSWITCH_RUN, else the usual one)"),
    Option(("--timeout",), "SECONDS", "that an answer may take (else VSWITCH_TIMEOUT, else 60)"),
    Option(("--version",), "", "print the version"),
    Option(("-h", "--help"), "", "more on a noun or command: vswitch bridge --help"),
)  # fmt: skip


class Chosen:
    """What the options say."""

    __slots__ = ("format", "help", "run", "timeout", "version", "watch")

    def __init__(self) -> None:
        self.format, self.run, self.timeout = "table", "", ""
        self.help = self.version = False
        self.watch: float | None = None
        """Seconds between two readings; None: one is enough."""

    @property
    def json(self) -> bool:
        """For programs: JSON, or the same as YAML."""
        return self.format in ("json", "yaml")


def take(words: Sequence[str], chosen: Chosen | None = None) -> tuple[Chosen, list[str]]:
    """The options in 'words' (put into 'chosen'), and the words without them.

    Failure for a wrong one once all are read: how errors are printed may stand behind it.
    """
    chosen, kept = chosen or Chosen(), list[str]()
    rest, wrong = list(words), list[Failure]()
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        option = _BY_WORD.get(name)
        if option is None or (equals and not option.metavar):
            kept.append(word)
            if word == "--" or kept[0] in PASSED_ON:
                kept += rest
                break
            continue
        try:
            _TAKE[option.spelt[0]](chosen, value if equals else _value(name, option, rest))
        except Failure as failure:
            wrong.append(failure)
    if wrong:
        raise wrong[0]
    return chosen, kept


def _value(name: str, option: Option, rest: list[str]) -> str | None:
    """The word behind an option that is its value; an optional one has to look like it."""
    if not option.metavar or (option.optional and not (rest and _is_number(rest[0]))):
        return None
    if not rest:
        raise Failure(f"option {name}", "it needs a value", "see vswitch --help", Exit.USAGE)
    return rest.pop(0)


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def _format(chosen: Chosen, value: str | None) -> None:
    if value not in (*FORMATS, TOML):
        do = f"use {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise Failure(f"option -o {shown(value)}", "there is no such format", do, Exit.USAGE)
    chosen.format = value


def _watch(chosen: Chosen, value: str | None) -> None:
    if value is not None and not (_is_number(value) and 0.1 <= float(value) <= 86400):
        why, do = "it is no number of seconds", "write 0.1 to 86400, or leave it out"
        raise Failure(f"option --watch {shown(value)}", why, do, Exit.USAGE)
    chosen.watch = WATCH_SECONDS if value is None else float(value)


def _run(chosen: Chosen, value: str | None) -> None:
    if not value:
        raise Failure("option --run", "it is empty", "name a folder", Exit.USAGE)
    chosen.run = value


def _timeout(chosen: Chosen, value: str | None) -> None:
    seconds("option --timeout", value or "")
    chosen.timeout = value or ""


def _version(chosen: Chosen, value: str | None) -> None:
    chosen.version = True


def _help(chosen: Chosen, value: str | None) -> None:
    chosen.help = True


_TAKE = {
    "-o": _format, "--watch": _watch, "--run": _run, "--timeout": _timeout,
    "--version": _version, "-h": _help,
}  # fmt: skip
"""What an option, by its first word, does with its value; None where that was left out."""
_BY_WORD = {word: option for option in OPTIONS for word in option.spelt}
