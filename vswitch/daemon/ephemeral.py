"""Ephemeral ports and their queues: in no store, gone with their interface or their owner.

A container's port is one.  They are changed under the same lock as all else, and told to the
forwarder with a flag by which the next daemon knows them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.live import LiveBridge, LivePort
from vswitch.daemon.operate import ports, queues
from vswitch.daemon.owners import check_process
from vswitch.errors import Exit, Failure
from vswitch.rpc.waiting import is_over
from vswitch.schema import Port, Queue

log = logging.getLogger("vswitch.daemon")


async def add(
    daemon: Daemon,
    bridge: str,
    port: Port,
    namespace: int | None = None,
    owner: str | None = None,
    process: int | None = None,
) -> LivePort:
    """A port that is not stored; it goes with its interface.  Failure if it can't be.

    'namespace' is a descriptor of what the port's netns is to whoever asks, 'owner' what
    they call themselves, 'process' a pidfd of theirs, with whose end the port goes as well.
    """
    if process is not None:
        check_process(port.name, process)
    async with daemon.turn():
        live = daemon.operator.bridge(bridge)
        daemon.require_new(daemon.store.read().config, port.name)
        wanted = live.observed().with_part(port.decided())
        numbered = wanted.numbered(daemon.live.reserved()[bridge])
        chosen = numbered.port(port.name)
        assert chosen
        made = await ports.add(daemon.operator, bridge, chosen, ephemeral=True, namespace=namespace)
        if is_over():  # they were told that it failed
            await ports.remove(daemon.operator, live, port.name)
            raise Failure(f"port {port.name}", "whoever asked no longer waited", "ask again")
        made.owner = owner
        if process is not None and owner is not None:
            daemon.owners.watch(process, bridge, port.name, owner)
        return made


async def set_(daemon: Daemon, bridge: str, name: str, settings: Mapping[str, Any]) -> LivePort:
    """Changes settings of an ephemeral port while it carries packets."""
    async with daemon.turn():
        live = daemon.operator.bridge(bridge)
        port = daemon.operator.port(live, name)
        await ports.set_(daemon.operator, live, name, port.record.changed(**settings))
        return port


async def remove(daemon: Daemon, bridge: str, name: str) -> None:
    """Takes an ephemeral port off a bridge, if it is there."""
    async with daemon.turn():
        live = daemon.live.bridges.get(bridge)
        port = live.ports.get(name) if live else None
        if live and port and port.ephemeral:
            await ports.remove(daemon.operator, live, name)


async def remove_owned(daemon: Daemon, bridge: str, name: str, owner: str) -> None:
    """Takes an ephemeral port off if it is still this owner's: names are used again."""
    async with daemon.turn():
        live = daemon.live.bridges.get(bridge)
        port = live.ports.get(name) if live else None
        if live and port and port.owner == owner:
            await ports.remove(daemon.operator, live, name)
        elif not daemon.operator.kept.forget_owned(bridge, name, owner):
            why = f"bridge {bridge} has none of that name and owner"
            do = f"see `vswitch port ls {bridge}`"
            raise Failure(f"port {name}", why, do, Exit.NOT_FOUND)


def owner_ended(daemon: Daemon, bridge: str, name: str, owner: str) -> None:
    """Sees to it that a port goes whose owner's process has ended."""
    daemon.spawn(_remove_ended(daemon, bridge, name, owner))


async def _remove_ended(daemon: Daemon, bridge: str, name: str, owner: str) -> None:
    """Takes a port off whose owner has ended, unless that is done; tries until it is."""
    while True:
        try:
            await remove_owned(daemon, bridge, name, owner)
            log.info("port %s of bridge %s: whom it was for has ended", name, bridge)
            return
        except Failure as failure:
            if failure.exit == Exit.NOT_FOUND:
                return
        await asyncio.sleep(daemon.retry_seconds)


async def set_queue(daemon: Daemon, bridge: LiveBridge, queue: Queue) -> None:
    """Gives an ephemeral port a queue, which goes with it, or changes the one it has."""
    async with daemon.turn():
        await queues.set_(daemon.operator, bridge, queue)


async def remove_queue(daemon: Daemon, bridge: LiveBridge, port: str, number: int) -> None:
    """Takes a queue off an ephemeral port."""
    async with daemon.turn():
        await queues.remove(daemon.operator, bridge, port, number)
