"""The page that explains a configuration file, made from the schema.

    python -m vswitch.cli.settings_page > vswitch/CONFIGURATION.md

A test holds the page up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING
from typing import Any

from vswitch import toml
from vswitch.schema import Bridge, Config, Controller, Port, Queue, Record, Setting

_HEAD = """\
# The configuration file

Made from the schema by `python -m vswitch.cli.settings_page`; a test holds it up to date.

`vswitch export > net.toml` writes what a host's switch is told to be, `vswitch plan -f net.toml`
says what a file would change, `vswitch apply -f net.toml` changes it. A file states the whole
configuration: a bridge, port, queue or controller that it leaves out is removed. It is TOML, or
JSON of the same shape (`vswitch export -o json`): a name that ends in `.toml` or `.json` tells
which, and otherwise `{` begins JSON. `-f -` is standard input. At most 1 MiB. What the schema
doesn't know is refused, and the sentence names the place.

What is left out has its default. A number or datapath id that is left out stays as the host has it,
or is chosen once.

```toml
"""

_EXAMPLE = Config(
    (
        Bridge(
            "br0", dpid=1, fail_mode="standalone",
            ports=(
                Port("eth1", number=1, tag=10),
                Port("c1", number=2, kind="tap", netns="/run/netns/c1", interface="eth0",
                     addresses=("10.0.0.2/24",), gateway="10.0.0.1"),
            ),
            queues=(Queue("eth1", 0, max_rate=10_000_000),),
            controllers=(Controller("tcp:127.0.0.1:6653"),),
        ),
    )
)  # fmt: skip


def page() -> str:
    """The whole page."""
    return "\n".join([*_lines()]) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD + "\n".join(toml.lines(_sparse(_EXAMPLE))).strip()
    yield "```"
    yield from _tables(Config, "")


def _sparse(record: Record) -> dict[str, Any]:
    """A record as JSON without what is its default."""
    told = {}
    for name, known in record.settings().items():
        value = getattr(record, name)
        if value != record.__dataclass_fields__[name].default:
            told[name] = [_sparse(one) for one in value] if known.record else known.show(value)
    return told


def _tables(kind: type[Record], path: str) -> Iterator[str]:
    """What one kind of record holds, then the kinds within it."""
    plain = {n: s for n, s in kind.settings().items() if not s.nested}
    if plain:
        yield f"\n## `[[{path}]]`: {_sentence(kind)}\n"
        yield "| key | value | default | |"
        yield "|---|---|---|---|"
        yield from (_row(kind, name, known) for name, known in plain.items())
    for inner, name in kind.parts().items():
        yield from _tables(inner, f"{path}.{name}" if path else name)


def _sentence(kind: type[Record]) -> str:
    first = (kind.__doc__ or "").split("\n")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _row(kind: type[Record], name: str, known: Setting) -> str:
    value = known.metavar.replace("|", " \\| ")
    value = f"list of {value}" if known.many else value
    return f"| `{name}` | {value} | {_default(kind, name, known)} | {known.help} |"


def _default(kind: type[Record], name: str, known: Setting) -> str:
    default = kind.__dataclass_fields__[name].default
    if default is MISSING:
        return "has to be there"
    shown = known.show(default)
    if shown is None or shown == []:
        return "none"
    return ", ".join(map(str, shown)) if isinstance(shown, list) else f"{shown}"


if __name__ == "__main__":
    print(page(), end="")
