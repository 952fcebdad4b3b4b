"""Queues of ports: told to the forwarder, and to peers who ask."""

from __future__ import annotations

from collections.abc import Iterable

from datapath.frames import Command, QueueSpec
from vswitch.agent.view import queue_of
from vswitch.daemon.live import LiveBridge, LivePort
from vswitch.daemon.operate.operator import Operator
from vswitch.reconcile import Add, Operation, Remove, Set
from vswitch.schema import Queue


async def set_(operator: Operator, bridge: LiveBridge, queue: Queue) -> None:
    """Gives a port a queue, or the queue that it has another rate.  One that is to hold more
    or fewer packets is made anew: what waits in it is lost."""
    port = operator.port(bridge, queue.port)
    there = port.queues.get(queue.number)
    if there and there.max_packets != queue.max_packets:
        await remove(operator, bridge, queue.port, queue.number)
    spec = queue_spec(port.spec.number, queue)
    await operator.ask(queue.title, Command.QUEUE_SET, spec.pack(), bridge.id)
    port.queues[queue.number] = queue
    _tell(bridge, port)


async def remove(operator: Operator, bridge: LiveBridge, name: str, number: int) -> None:
    """Takes a queue off a port; what waits in it is dropped."""
    port = operator.port(bridge, name)
    spec = QueueSpec(port.spec.number, number)
    what = f"queue {number} of port {name}"
    await operator.ask(what, Command.QUEUE_DEL, spec.pack(), bridge.id)
    del port.queues[number]
    _tell(bridge, port)


def open_(bridge: LiveBridge, port: LivePort, specs: Iterable[QueueSpec]) -> None:
    """The daemon's side of the queues that the forwarder's port has."""
    for spec in specs:
        queue = Queue(port.record.name, spec.queue, spec.max_rate, spec.max_packets)
        port.queues[spec.queue] = queue
    _tell(bridge, port)


def _tell(bridge: LiveBridge, port: LivePort) -> None:
    number = port.spec.number
    seen = (queue_of(queue_spec(number, q)) for _, q in sorted(port.queues.items()))
    bridge.exchange.agent.queues_changed(number, tuple(seen))


def queue_spec(port: int, queue: Queue) -> QueueSpec:
    """The queue as the forwarder is told of it; 'port' is its port's number."""
    return QueueSpec(port, queue.number, queue.max_rate, queue.max_packets)


# ---- operations ------------------------------------------------------------


async def _add(operator: Operator, operation: Operation) -> None:
    queue = operation.record
    assert isinstance(queue, Queue)
    bridge = operator.bridge(operation.bridge)
    if operator.port(bridge, queue.port).queues.get(queue.number) != queue:  # else it came with it
        await set_(operator, bridge, queue)


async def _set(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation.record, Queue)
    await set_(operator, operator.bridge(operation.bridge), operation.record)


async def _remove(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation.record, Queue)
    bridge = operator.bridge(operation.bridge)
    await remove(operator, bridge, operation.record.port, operation.record.number)


DOERS = {Add: _add, Set: _set, Remove: _remove}
