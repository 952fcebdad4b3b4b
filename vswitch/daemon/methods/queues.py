"""queue.add, queue.set, queue.list, queue.rm.

A stored port's queue is stored; an ephemeral port's is as ephemeral as its port.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from vswitch.daemon import ephemeral
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.door import ask, refuse_errors
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.methods.finding import require_active, still_there, wanted_bridge
from vswitch.errors import Exit, Failure
from vswitch.openflow import encode
from vswitch.openflow.messages.queue import QueueStats, QueueStatsReply, QueueStatsRequest
from vswitch.schema import Bridge, Config, Queue

_Counters = dict[tuple[int, int], QueueStats]
"""By the port's and the queue's number."""


async def add(daemon: Daemon, bridge: str, port: str, number: int, **settings: Any) -> object:
    """Gives a port a queue; Failure if it has one of that number."""
    queue = Queue(port, number, **settings)

    def new(there: Queue | None) -> Queue:
        _require_new(there is not None, queue)
        return queue

    if _is_ephemeral(daemon, bridge, port):
        await ephemeral.set_queue(daemon, bridge, port, number, new)
        return _row(bridge, queue, QueueStats(0, number))

    def change(config: Config) -> Config:
        wanted = _with_port(config, bridge, port)
        _require_new(wanted.part(Queue, port, number) is not None, queue)
        return config.with_bridge(wanted.with_part(queue))

    require_active(await daemon.change(change), lambda one: one.is_about(Queue, port, number))
    return _row(bridge, queue, QueueStats(0, number))


async def set_(daemon: Daemon, bridge: str, port: str, number: int, **settings: Any) -> object:
    """Changes a queue while packets wait in it; the queue as it is then."""

    def changed(there: Queue | None) -> Queue:
        return _required(there, port, number).changed(**settings)

    if _is_ephemeral(daemon, bridge, port):
        await ephemeral.set_queue(daemon, bridge, port, number, changed)
        return await _one(daemon, bridge, port, number)

    def change(config: Config) -> Config:
        wanted = _with_port(config, bridge, port)
        return config.with_bridge(wanted.with_part(changed(wanted.part(Queue, port, number))))

    require_active(await daemon.change(change), lambda one: one.is_about(Queue, port, number))
    return await _one(daemon, bridge, port, number)


async def remove(daemon: Daemon, bridge: str, port: str, number: int) -> None:
    """Takes a queue off its port; what waits in it is lost."""
    if _is_ephemeral(daemon, bridge, port):
        check = partial(_required, port=port, number=number)
        await ephemeral.remove_queue(daemon, bridge, port, number, check)
        return

    def change(config: Config) -> Config:
        wanted = _with_port(config, bridge, port)
        _required(wanted.part(Queue, port, number), port, number)
        return config.with_bridge(wanted.without_part(Queue, port, number))

    require_active(await daemon.change(change), lambda one: one.is_about(Queue, port, number))


async def list_(
    daemon: Daemon, bridge: str | None = None, port: str | None = None
) -> list[dict[str, Any]]:
    """Queues with counters: those that run, by number, then those that are only stored.  Failure
    (exit 3) if the bridge has no such port."""
    config = daemon.store.read().config
    chosen = config.bridges if bridge is None else (wanted_bridge(config, bridge),)
    if bridge is not None and port is not None and not _is_ephemeral(daemon, bridge, port):
        _with_port(config, bridge, port)
    rows = [row for one in chosen for row in await _rows(daemon, one)]
    return [row for row in rows if port in (None, row["port"])]


async def _one(daemon: Daemon, bridge: str, port: str, number: int) -> dict[str, Any]:
    """One queue of the list."""
    rows = await _rows(daemon, wanted_bridge(daemon.store.read().config, bridge))
    found = (row for row in rows if (row["port"], row["number"]) == (port, number))
    return still_there(found, f"queue {number} of port {port}")


async def _rows(daemon: Daemon, wanted: Bridge) -> list[dict[str, Any]]:
    live = daemon.live.bridges.get(wanted.name)
    running = [] if live is None else _running(live)
    counters = await _counters(daemon, live) if live and running else {}
    rows = [_row(wanted.name, q, counters.get((n, q.number))) for n, q in running]
    there = {queue.key for _, queue in running}
    return rows + [_row(wanted.name, q, None) for q in wanted.queues if q.key not in there]


def _running(live: LiveBridge) -> list[tuple[int, Queue]]:
    """The queues that run, with their ports' numbers."""
    found = [(p.spec.number, q) for p in live.ports.values() for q in p.queues.values()]
    return sorted(found, key=lambda one: (one[0], one[1].number))


async def _counters(daemon: Daemon, live: LiveBridge) -> _Counters:
    answers = await ask(daemon, live, [encode(QueueStatsRequest(xid=1))])
    refuse_errors("queue counters", answers)
    replies = (answer for answer in answers if isinstance(answer, QueueStatsReply))
    return {(one.port, one.queue): one for reply in replies for one in reply.queues}


def _row(bridge: str, queue: Queue, counted: QueueStats | None) -> dict[str, Any]:
    stats = counted or QueueStats(0, queue.number)
    return {
        "bridge": bridge,
        **queue.to_json(),
        "active": counted is not None,
        "tx_packets": stats.tx_packets,
        "tx_bytes": stats.tx_bytes,
        "tx_errors": stats.tx_errors,
        "duration": stats.duration_sec + stats.duration_nsec / 1e9,
    }


def _is_ephemeral(daemon: Daemon, bridge: str, port: str) -> bool:
    live = daemon.live.bridges.get(bridge)
    found = live.ports.get(port) if live else None
    return found is not None and found.ephemeral


def _with_port(config: Config, bridge: str, port: str) -> Bridge:
    wanted = wanted_bridge(config, bridge)
    if wanted.port(port) is None:
        why, do = f"bridge {bridge} has none of that name", f"see `vswitch port ls {bridge}`"
        raise Failure(f"port {port}", why, do, Exit.NOT_FOUND)
    return wanted


def _require_new(there: bool, queue: Queue) -> None:
    if there:
        why, do = "there is one already", "change it with `queue set`"
        raise Failure(f"queue {queue.number} of port {queue.port}", why, do)


def _required(queue: Queue | None, port: str, number: int) -> Queue:
    if queue is None:
        why, do = "the port has none of that number", "see `vswitch queue ls`"
        raise Failure(f"queue {number} of port {port}", why, do, Exit.NOT_FOUND)
    return queue


METHODS = {"queue.add": add, "queue.set": set_, "queue.list": list_, "queue.rm": remove}
