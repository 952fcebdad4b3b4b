"""What `vswitch COMMAND --help` says, for every command that we have.

Made from the request that a command makes, so it can't go stale.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from vswitch import words
from vswitch.requests import Parameter, Request


def page(command: str, request: Request, example: str = "", usage: str = "") -> str:
    """How one command is used, each of its options, an example of the words behind it.

    'usage': the arguments of a command that reads its own.
    """
    lines = [f"usage: {usage_line(command, request, usage)}", "", request.about or request.help, ""]
    if not usage:
        places = [p for p in request.parameters if p.positional]
        optional = words.options(request)
        rows = [(words.metavar(p), p.setting.help) for p in places]
        rows += [
            (f"{', '.join(words.named(p))} {p.setting.metavar}".strip(), p.setting.help)
            for p in optional
        ]
        lines += table(rows)
    if example:
        lines += ["", f"example: vswitch {example}"]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def usage_line(command: str, request: Request, usage: str = "") -> str:
    """A command and what may stand behind it."""
    if usage:
        return f"vswitch {command} {usage}"
    shown = [p for p in request.parameters if p.positional or p.required]
    marks = [_mark(p) if p.required else f"[{_mark(p)}]" for p in shown]
    if any(not p.required for p in words.options(request)):
        first = any(p.rest for p in shown)  # options stand before another command's words only
        marks = ["[options]", *marks] if first else [*marks, "[options]"]
    return " ".join(["vswitch", command, *marks])


def _mark(parameter: Parameter) -> str:
    if parameter.rest:
        return f"[--] {words.mark(parameter)}"
    return words.mark(parameter) + "..." * (parameter.positional and parameter.setting.many)


def table(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of two columns."""
    rows = list(rows)
    width = max((len(left) for left, _ in rows), default=0)
    return [f"  {left:{width}}  {right}" for left, right in rows]
