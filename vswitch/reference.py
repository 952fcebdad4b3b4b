"""The reference of the operator API as a page: methods with their parameters, shapes of answers.

`python -m vswitch.reference` writes vswitch/REFERENCE.md, all of it from the declarations in
`requests` and `answers`; a test tells when that is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vswitch.answers import ANSWERS, SHAPES
from vswitch.answers import __doc__ as rules
from vswitch.requests import REQUESTS, Parameter, Request
from vswitch.shapes import Field, Shape

_HEAD = """\
# Reference of the operator API

Made from the declarations in `requests.py` and `answers.py` by `python -m vswitch.reference`.
`README.md` says how requests and answers travel; `vswitch -o json` prints an answer as it is here.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Methods\n", *map(_method, REQUESTS.values()), "## Shapes\n", _rules()]
    return "\n".join([*parts, *map(_shape, SHAPES)])


def _rules() -> str:
    """What holds for all shapes: the second paragraph of their declaration."""
    return (rules or "").split("\n\n")[1].removesuffix("  Pure.").strip() + "\n"


def _method(request: Request) -> str:
    answer = ANSWERS[request.method].name
    lines = [f"### {request.method}\n", f"{request.help}; answers {answer}.\n"]
    if request.parameters:
        lines += _table(("parameter", "", "what it is"), map(_parameter, request.parameters))
    return "\n".join([*lines, ""])


def _parameter(parameter: Parameter) -> tuple[str, str, str]:
    needed = "required" if parameter.required else ""
    return f"`{parameter.name}`", needed, parameter.setting.help


def _shape(shape: Shape) -> str:
    lines = [f"### {shape.noun}\n", f"{shape.help}\n"]
    lines += _table(("field", "kind", "what it is"), map(_field, shape.fields))
    return "\n".join([*lines, ""])


def _field(field: Field) -> tuple[str, str, str]:
    kind = f"{field.kind.name}, or left out" if field.sometimes else field.kind.name
    return f"`{field.name}`", kind, field.help


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


if __name__ == "__main__":
    Path(__file__).with_name("REFERENCE.md").write_text(page())
