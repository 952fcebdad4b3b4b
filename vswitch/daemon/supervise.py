"""Supervises the forwarder: reaches one, takes over what it holds, waits for its end, goes on.

When the forwarder dies its bridges are forgotten here, except for who they are and the ports'
descriptors.  The next forwarder gets these and the journal, from which it plays back the flows.
Peers are hung up on: a message may have been lost on its way, and only they know what they want.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from functools import partial

from vswitch.daemon import ephemeral, events
from vswitch.daemon.adopt import adopt, decide_kinds, play_back, restore_ephemeral
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.forwarder import dump, reach
from vswitch.daemon.link import ForwarderGone
from vswitch.daemon.operate import bridges
from vswitch.errors import Failure

log = logging.getLogger("vswitch.daemon")


async def start(daemon: Daemon) -> None:
    """Reaches a forwarder and makes everything wanted active.  Failure if that can't be."""
    daemon.on_owner_ended = partial(ephemeral.owner_ended, daemon)
    await _meet(daemon)
    daemon.spawn(_supervise(daemon))
    daemon.spawn(_retry(daemon))


async def _meet(daemon: Daemon) -> None:
    """Reaches a forwarder, takes over what it holds, and does what is missing."""
    forwarder = await reach(
        daemon.folders,
        daemon.ephemeral,
        partial(events.heard, daemon),
        partial(events.congested, daemon),
        daemon.journal,
        daemon.adopt,
    )
    daemon.forwarder = forwarder
    _note_replaced(daemon, forwarder.instead_of)
    _keep_journal(daemon, forwarder.journal)
    async with daemon.changing:
        # Not before: whoever waits for 'changing' as well would make bridges of its own
        # in the place of those that it holds, or that the journal knows.
        daemon.operator.link = forwarder.link
        for held in await dump(forwarder.link):
            await adopt(daemon, held)
        await play_back(daemon)
        await decide_kinds(daemon)
        await daemon.reconcile()
        await restore_ephemeral(daemon)
    log.info("%s forwarder %d", "adopted" if forwarder.adopted else "started", forwarder.hello.pid)


def _keep_journal(daemon: Daemon, journal: int) -> None:
    """Holds a forwarder's journal instead of the one before."""
    if daemon.journal >= 0:
        os.close(daemon.journal)
    daemon.journal = journal


async def _supervise(daemon: Daemon) -> None:
    while True:
        assert daemon.forwarder
        await asyncio.shield(daemon.forwarder.link.closed)
        log.warning("the forwarder (process %d) is gone", daemon.forwarder.hello.pid)
        _note_replaced(daemon, daemon.forwarder.heart.why if daemon.forwarder.heart else "")
        async with daemon.changing:
            _lost(daemon)
        said = ""
        while not daemon.forwarder:
            try:
                await _meet(daemon)
            except (Failure, ForwarderGone) as failure:
                if str(failure) != said:  # whose service was stopped may stay away for days
                    said = str(failure)
                    log.error("no forwarder: %s", said)
                await asyncio.sleep(daemon.retry_seconds)


def _note_replaced(daemon: Daemon, why: str) -> None:
    """One was killed since it hung, if there is a reason."""
    if why:
        daemon.replaced = time.time(), why


def _lost(daemon: Daemon) -> None:
    """Forgets what the forwarder held, except for the ports' descriptors."""
    if daemon.forwarder:
        daemon.forwarder.reap()
    daemon.forwarder = daemon.operator.link = None
    for name, bridge in list(daemon.live.bridges.items()):
        views = bridge.exchange.agent.view.ports
        for port in bridge.ports.values():
            daemon.operator.kept.keep(name, port, views[port.spec.number])
        daemon.kept[name] = (bridge.id, bridge.identity)
        bridge.ports.clear()
        bridge.exchange.detach()
        bridges.close(bridge)
    daemon.live.bridges.clear()


async def _retry(daemon: Daemon) -> None:
    while True:
        await asyncio.sleep(daemon.retry_seconds)
        await daemon.try_again()


async def shut_down(daemon: Daemon) -> None:
    """Ends the forwarder now and the daemon soon, so that whoever asked gets an answer."""
    await stop(daemon, forwarder=True)
    daemon.end("shutdown")


async def stop(daemon: Daemon, *, forwarder: bool) -> None:
    """Ends the daemon's side, and the forwarder with all that it holds if 'forwarder'."""
    daemon.cancel()
    daemon.owners.close()
    for bridge in daemon.live.bridges.values():
        bridges.close(bridge)
    daemon.live.bridges.clear()
    ending, daemon.forwarder, daemon.operator.link = daemon.forwarder, None, None
    if ending and forwarder:
        await ending.end()
    elif ending:
        ending.link.close()
    await daemon.close_store()
