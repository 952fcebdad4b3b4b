"""The operator API's methods: one file a noun, each a table of small async functions."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from functools import partial
from types import ModuleType

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.methods import (
    bridges,
    configured,
    flows,
    groups,
    macs,
    meters,
    switch,
    traces,
)
from vswitch.requests import REQUESTS
from vswitch.schema import Bridge, Record

Method = Callable[..., Awaitable[object]]


def methods(daemon: Daemon) -> dict[str, Method]:
    """Every method of the API, by its name, over one daemon."""
    rooms = (switch, bridges, *map(_of_parts, Bridge.parts()), macs, flows, groups, meters, traces)
    found = {name: do for room in rooms for name, do in getattr(room, "METHODS", room).items()}
    return {name: partial(do, daemon) for name, do in found.items()}


def _of_parts(kind: type[Record]) -> ModuleType | dict[str, Method]:
    """The file here that is called like the bridge's setting for such records, or else what is
    usual for them."""
    name = f"{__name__}.{Bridge.parts()[kind]}"
    if importlib.util.find_spec(name):
        return importlib.import_module(name)
    usual = configured.methods(kind)
    return {method: do for method, do in usual.items() if method in REQUESTS}
