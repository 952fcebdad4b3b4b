"""Ephemeral ports and their queues: in no store, gone with their interface or their owner.

A container's port is one.  They are changed under the same lock as all else, and told to the
forwarder with a flag by which the next daemon knows them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from vswitch.daemon.daemon import Daemon
from vswitch.daemon.live import LivePort
from vswitch.daemon.notes import Note
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
    note: Note | None = None,
) -> LivePort:
    """A port that is not stored; it goes with its interface.  Failure if it can't be.

    'namespace' is a descriptor of what the port's netns is to whoever asks, 'owner' what
    they call themselves, 'process' a pidfd of theirs, with whose end the port goes as well.
    'note': what it was like when it was there before, which it is again.
    """
    if process is not None:
        check_process(port.name, process)
    async with daemon.turn():
        live = daemon.operator.bridge(bridge)
        daemon.require_new(daemon.store.read().config, port.name)
        chosen = _numbered(daemon, bridge, port.decided(), note)
        brought = note.queues if note else ()
        made = await ports.add(
            daemon.operator, bridge, chosen, ephemeral=True, namespace=namespace, brought=brought
        )
        if is_over():  # they were told that it failed
            await ports.remove(daemon.operator, live, port.name)
            raise Failure(f"port {port.name}", "whoever asked no longer waited", "ask again")
        made.owner = owner
        _note(daemon, bridge, made)
        if process is not None and owner is not None:
            daemon.owners.watch(process, bridge, port.name, owner)
        return made


def _numbered(daemon: Daemon, bridge: str, asked: Port, note: Note | None) -> Port:
    """The port with a number that no other of the bridge has, nor a stored one that is missing;
    the one that it had before, if that is still free."""
    live = daemon.operator.bridge(bridge)
    stored = daemon.store.read().config.bridge(bridge)
    taken = {port.number for port in stored.ports} if stored else set()
    taken |= {port.spec.number for port in live.ports.values()}
    port = note.renewed(asked) if note else asked
    if port.number != asked.number and port.number in taken:
        port = port.changed(number=None)
    numbered = live.observed().with_part(port).numbered([n for n in taken if n])
    chosen = numbered.port(port.name)
    assert chosen
    return chosen


def _note(daemon: Daemon, bridge: str, port: LivePort) -> None:
    """Remembers what an owner's port is like."""
    if port.owner is not None:
        mac = port.spec.mac.hex(":") if any(port.spec.mac) else None
        queues = tuple(port.queues.values())
        daemon.notes.write(Note(port.owner, bridge, port.record.changed(mac=mac), queues))


async def set_(daemon: Daemon, bridge: str, name: str, settings: Mapping[str, Any]) -> LivePort:
    """Changes settings of an ephemeral port while it carries packets."""
    async with daemon.turn():
        live = daemon.operator.bridge(bridge)
        port = daemon.operator.port(live, name)
        await ports.set_(daemon.operator, live, name, port.record.changed(**settings))
        _note(daemon, bridge, port)
        return port


async def remove(daemon: Daemon, bridge: str, name: str) -> None:
    """Takes an ephemeral port off a bridge, if it is there; it is not to come back by itself."""
    async with daemon.turn():
        live = daemon.live.bridges.get(bridge)
        port = live.ports.get(name) if live else None
        if live and port and port.ephemeral:
            await ports.remove(daemon.operator, live, name)
            if port.owner is not None:
                daemon.notes.take_off(port.owner)


async def remove_owned(daemon: Daemon, bridge: str, name: str, owner: str) -> None:
    """Takes an ephemeral port off if it is still this owner's: names are used again.  Whoever asks
    so needs it no more."""
    async with daemon.turn():
        daemon.notes.forget(owner)
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


async def set_queue(
    daemon: Daemon, bridge: str, port: str, number: int, make: Callable[[Queue | None], Queue]
) -> None:
    """Gives an ephemeral port a queue, which goes with it, or changes the one it has: to what
    'make' makes of it (None: there is none), which may raise a Failure."""
    async with daemon.turn():
        live = daemon.operator.bridge(bridge)
        there = daemon.operator.port(live, port).queues.get(number)
        await queues.set_(daemon.operator, live, make(there))
        _note(daemon, bridge, daemon.operator.port(live, port))


async def remove_queue(
    daemon: Daemon, bridge: str, port: str, number: int, check: Callable[[Queue | None], object]
) -> None:
    """Takes a queue off an ephemeral port, unless 'check' raises a Failure about the one that is
    there (None: there is none)."""
    async with daemon.turn():
        live = daemon.operator.bridge(bridge)
        check(daemon.operator.port(live, port).queues.get(number))
        await queues.remove(daemon.operator, live, port, number)
        _note(daemon, bridge, daemon.operator.port(live, port))
