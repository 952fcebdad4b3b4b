"""Options that every command has: -o, --run, --timeout, --help, --version.

They may stand anywhere up to a lone "--", but what `run` and `exec` are given after
their own word belongs to the container: there they stand before it.  Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from vswitch.errors import Exit, Failure, shown
from vswitch.patience import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINER_WORDS = frozenset(("run", "ps", "exec", "logs", "attach", "connect", "stop", "rm"))
"""First words that the `containers` package serves."""
PASSED_ON = frozenset(("run", "exec"))
"""First words after which no word is ours."""


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


FORMATS = ("table", "json")
OPTIONS = (
    Option(("-o", "--output"), "|".join(FORMATS), "how results are printed", FORMATS),
    Option(("--run",), "DIR", "the daemon's run folder (else VSWITCH_RUN, else the usual one)"),
    Option(("--timeout",), "SECONDS", "that an answer may take (else VSWITCH_TIMEOUT, else 60); "
           "a change that has not begun by then never does"),
    Option(("--version",), "", "print the version"),
    Option(("-h", "--help"), "", "more on a noun or command: vswitch bridge --help"),
)  # fmt: skip


class Chosen:
    """What the options say."""

    __slots__ = ("help", "json", "run", "timeout", "version")

    def __init__(self) -> None:
        self.json = self.help = self.version = False
        self.run = self.timeout = ""


def take(words: Sequence[str]) -> tuple[Chosen, list[str]]:
    """The options in 'words', and the words without them; Failure for a wrong one."""
    chosen, kept = Chosen(), list[str]()
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            setattr(chosen, _FLAGS[word], True)
        elif name in _VALUES:
            _VALUES[name](chosen, value if equals else _next(name, rest))
        else:
            kept.append(word)
            if word == "--" or kept[0] in PASSED_ON:
                kept += rest
    return chosen, kept


def _next(name: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise Failure(f"option {name}", "it needs a value", "see vswitch --help", Exit.USAGE)
    return value


def _format(chosen: Chosen, value: str) -> None:
    if value not in ("table", "json"):
        raise Failure(
            f"option -o {shown(value)}", "there is no such format", "use table or json", Exit.USAGE
        )
    chosen.json = value == "json"


def _run(chosen: Chosen, value: str) -> None:
    if not value:
        raise Failure("option --run", "it is empty", "name a folder", Exit.USAGE)
    chosen.run = value


def _timeout(chosen: Chosen, value: str) -> None:
    seconds("option --timeout", value)
    chosen.timeout = value


_FLAGS = {"-h": "help", "--help": "help", "--version": "version"}
_VALUES = {"-o": _format, "--output": _format, "--run": _run, "--timeout": _timeout}
