"""Runs through a plan: each operation by the function that its noun's file has for it.

An operation either happens as a whole or raises a Failure and leaves what was there.  One that
fails does not stop the others: what could not be made active is told together at the end.

The file of a noun is called like the bridge's setting that holds such records (`queues`), and its
DOERS say what is done where one is added, set or removed.  So what the schema has needs no list
here.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from vswitch.daemon.operate.operator import Operator
from vswitch.errors import Failure
from vswitch.reconcile import Add, Operation
from vswitch.schema import Bridge, Config, Record

log = logging.getLogger("vswitch.daemon")

Doer = Callable[[Operator, Operation], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Unmade:
    """An operation that could not be carried out, and why."""

    operation: Operation
    failure: Failure


async def carry_out(operator: Operator, operations: Iterable[Operation]) -> list[Unmade]:
    """Does all of them in order; returns what could not be done.  The log hears of that once,
    not each time that it is tried again."""
    unmade: list[Unmade] = []
    operations = list(operations)
    operator.coming = _coming(operations)
    for operation in operations:
        try:
            where = _PLACES[type(operation.record)]
            await _doers(where)[type(operation)](operator, operation)
        except Failure as failure:
            unmade.append(Unmade(operation, failure))
    texts = [f"could not {one.operation.text}: {one.failure}" for one in unmade]
    for text in texts:
        if text not in operator.logged:
            log.warning("%s", text)
    operator.logged = frozenset(texts)
    return unmade


_PLACES: Mapping[type[Record], str] = {**Config.parts(), **Bridge.parts()}


@functools.cache
def _doers(where: str) -> Mapping[type[Operation], Doer]:
    """What is done with the records of that setting."""
    doers: Mapping[type[Operation], Doer]
    doers = importlib.import_module(f"vswitch.daemon.operate.{where}").DOERS
    return doers


def _coming(operations: Iterable[Operation]) -> dict[tuple[str, str], list[Record]]:
    """What is to be added to ports, by bridge and port."""
    coming: dict[tuple[str, str], list[Record]] = {}
    for one in operations:
        if isinstance(one, Add) and one.record.PORT is not None:
            port = getattr(one.record, one.record.PORT)
            coming.setdefault((one.bridge, port), []).append(one.record)
    return coming
