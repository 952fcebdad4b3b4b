"""Groups and meters: what flows refer to by number, asked for and changed in one way.

Words become a mod, descriptions and statistics rows.  What differs between the two is a `Kind`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any, Generic, TypeVar

from datapath.ports import NAMELESS, PortNames
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.door import ask, refuse_errors, understood
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.methods.finding import live_bridge, port_names
from vswitch.errors import Exit, Failure, shown
from vswitch.openflow import encode
from vswitch.openflow.messages.base import Message

D = TypeVar("D")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Numbered(Generic[D, S]):
    """What is known of one kind: D describes one of them, S has its counters."""

    noun: str
    """Its name in the API; D and S have their number in an attribute of that name."""
    every: int
    """The number that stands for all."""
    commands: type[IntEnum]
    """Has ADD, MODIFY, DELETE."""
    parse: Callable[[str, Any, PortNames], D]
    """Words and a command to what is meant; SyntaxProblem."""
    mod: Callable[[D, Any, int], bytes]
    """A whole message with that command and xid; TooLong."""
    descriptions: Message
    """Asks for all of them."""
    statistics: Message
    described: Callable[[Message], Sequence[D]]
    """Those in an answer to 'descriptions', none in another message."""
    counted: Callable[[Message], Sequence[S]]
    row: Callable[[D, S | None, PortNames], dict[str, Any]]
    """One of them with its counters as JSON has it."""

    def number(self, one: D | S) -> int:
        """The number of one."""
        number: int = getattr(one, self.noun)
        return number


def methods(kind: Numbered[Any, Any]) -> dict[str, Callable[..., Awaitable[object]]]:
    """The API's methods for one kind: add, mod, list, rm.  Each gets the words under its noun."""
    return {
        f"{kind.noun}.add": partial(_change, kind, kind.commands["ADD"]),
        f"{kind.noun}.mod": partial(_change, kind, kind.commands["MODIFY"]),
        f"{kind.noun}.list": partial(_list, kind),
        f"{kind.noun}.rm": partial(_remove, kind),
    }


async def described(kind: Numbered[D, S], daemon: Daemon, live: LiveBridge) -> dict[int, D]:
    """All of a bridge by number."""
    answers = await ask(daemon, live, [encode(kind.descriptions)])
    refuse_errors(f"{kind.noun}s", answers)
    return {kind.number(one): one for one in _chosen(kind, answers, kind.every)}


async def _change(
    kind: Numbered[D, S], command: IntEnum, daemon: Daemon, bridge: str, **words: str
) -> None:
    live, text = live_bridge(daemon, bridge), words[kind.noun]
    with understood(kind.noun):
        message = kind.mod(kind.parse(text, command, port_names(daemon, live)), command, 1)
    refuse_errors(f"{kind.noun} {shown(text)}", await ask(daemon, live, [message]))


async def _remove(kind: Numbered[D, S], daemon: Daemon, bridge: str, **words: str) -> None:
    """One, which has to be there, or all."""
    live, text = live_bridge(daemon, bridge), words.get(kind.noun, "")
    delete = kind.commands["DELETE"]
    which = _parsed(kind, text)
    asked = [encode(kind.descriptions), kind.mod(which, delete, 2)]
    answers = await ask(daemon, live, asked)
    _chosen(kind, answers, kind.number(which))
    refuse_errors(f"{kind.noun} {shown(text)}", answers)


async def _list(
    kind: Numbered[D, S], daemon: Daemon, bridge: str, names: bool = False, **words: str
) -> list[dict[str, Any]]:
    """With counters, by number; 'names': with their ports' names where they have any."""
    live = live_bridge(daemon, bridge)
    ports = port_names(daemon, live) if names else NAMELESS
    which = kind.number(_parsed(kind, words.get(kind.noun, "")))
    answers = await ask(daemon, live, map(encode, (kind.descriptions, kind.statistics)))
    refuse_errors(f"{kind.noun}s", answers)
    # There may be tens of thousands: on a thread, so that sessions go on.
    return await asyncio.to_thread(_rows, kind, answers, which, ports)


def _rows(
    kind: Numbered[D, S], answers: list[Message], which: int, ports: PortNames
) -> list[dict[str, Any]]:
    counted = _by_number(kind, (one for answer in answers for one in kind.counted(answer)))
    found = _chosen(kind, answers, which)
    return [kind.row(one, counted.get(kind.number(one)), ports) for one in found]


def _parsed(kind: Numbered[D, S], text: str) -> D:
    """Which is meant, to be found or deleted."""
    with understood(kind.noun):
        return kind.parse(text, kind.commands["DELETE"], NAMELESS)


def _by_number(kind: Numbered[Any, S], counted: Iterable[S]) -> Mapping[int, S]:
    return {kind.number(one): one for one in counted}


def _chosen(kind: Numbered[D, S], answers: Iterable[Message], which: int) -> list[D]:
    """Those of the answers by number, or one; Failure (exit 3) if that one is not there."""
    every = [one for answer in answers for one in kind.described(answer)]
    found = [one for one in every if which in (kind.every, kind.number(one))]
    if which != kind.every and not found:
        do = f"see `vswitch {kind.noun} ls`"
        raise Failure(f"{kind.noun} {which}", "there is none of that number", do, Exit.NOT_FOUND)
    return sorted(found, key=kind.number)
