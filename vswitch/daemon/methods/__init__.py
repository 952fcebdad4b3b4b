"""The operator API's methods: one file a noun, each a table of small async functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.methods import (
    bridges,
    controllers,
    flows,
    groups,
    macs,
    meters,
    ports,
    queues,
    switch,
    traces,
)

Method = Callable[..., Awaitable[object]]


def methods(daemon: Daemon) -> dict[str, Method]:
    """Every method of the API, by its name, over one daemon."""
    rooms = (bridges, ports, macs, queues, controllers, flows, groups, meters, traces, switch)
    return {name: partial(do, daemon) for room in rooms for name, do in room.METHODS.items()}
