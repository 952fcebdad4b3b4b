"""Carries out a plan's operations: the forwarder first, then the picture, then the peers.

Each operation either happens as a whole or raises a Failure and leaves what was there.  An
operation that fails does not stop the others: what could not be made active is told together
at the end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from datapath.frames import (
    BridgeSpec,
    Command,
    PortFlags,
    PortMtu,
    PortRef,
    PortVlans,
    QueueSpec,
    Standalone,
)
from vswitch.agent.agent import Agent
from vswitch.agent.exchange import Exchange
from vswitch.agent.peers import Controller, Listener, listen, listen_for_snoopers
from vswitch.agent.view import View, port_of, queue_of
from vswitch.daemon.folders import Folders
from vswitch.daemon.interfaces import Interface, open_interface, vlans_of, with_vlans_of
from vswitch.daemon.link import ForwarderGone, Link, Refused
from vswitch.daemon.live import Live, LiveBridge, LivePort
from vswitch.errors import Failure
from vswitch.openflow.messages.port import Port as OpenFlowPort
from vswitch.reconcile import Operation
from vswitch.reconcile.operations import (
    AddBridge,
    AddController,
    AddPort,
    AddQueue,
    RemoveBridge,
    RemoveController,
    RemovePort,
    RemoveQueue,
    SetBridge,
    SetPort,
    SetQueue,
)
from vswitch.schema import Bridge, Config, Port, Queue
from vswitch.values import PROTOCOLS

log = logging.getLogger("vswitch.daemon")

NORMAL_SETTINGS = ("mac_age", "mac_limit", "flood_rate")
"""Settings of a bridge that the forwarder is told as they are."""

UNLED_SECONDS = 5.0
"""How long a standalone bridge waits for a controller before it switches by itself again."""


@dataclass(frozen=True, slots=True)
class Unmade:
    """An operation that could not be carried out, and why."""

    operation: Operation
    failure: Failure


@dataclass(frozen=True, slots=True)
class Kept:
    """A port that a forwarder had that died: its bridge's name, its descriptor, its queues."""

    bridge: str
    interface: Interface
    queues: tuple[Queue, ...]
    owner: str | None = None


class Interrupted(Failure):
    """The forwarder ended before it had answered, or there is none: the next one is told."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what, why, "try again in a moment")


class Operator:
    """Changes 'live' through 'link'; one caller at a time.

    'kept': ports by name that a forwarder had that died: the next port of that name takes its
    descriptor instead of opening the interface again.
    """

    def __init__(self, folders: Folders, live: Live) -> None:
        self.folders = folders
        self.live = live
        self.link: Link | None = None
        self.kept: dict[str, Kept] = {}
        self._queues: dict[tuple[str, str], list[Queue]] = {}
        """Queues that are about to be added, by bridge and port: a port that comes brings them."""
        self._logged: frozenset[str] = frozenset()
        """What could not be done when it was tried last."""
        self.on_port: Callable[[LiveBridge, LivePort], None] = lambda bridge, port: None
        """Hears of every port that is there from now on."""

    async def carry_out(self, operations: Iterable[Operation]) -> list[Unmade]:
        """Does all of them in order; returns what could not be done.  The log hears of that once,
        not each time that it is tried again."""
        unmade: list[Unmade] = []
        operations = list(operations)
        self._queues = _queues_to_come(operations)
        for operation in operations:
            try:
                await _DOERS[type(operation)](self, operation)
            except Failure as failure:
                unmade.append(Unmade(operation, failure))
        texts = [f"could not {one.operation.text}: {one.failure}" for one in unmade]
        for text in texts:
            if text not in self._logged:
                log.warning("%s", text)
        self._logged = frozenset(texts)
        return unmade

    async def ask(
        self, what: str, command: Command, payload: bytes = b"", bridge: int = 0, fd: int = -1
    ) -> None:
        """A command to the forwarder; its refusal becomes a Failure about 'what'."""
        with self._failures(what):
            await self.connected().ask(command, payload, bridge, fd=fd)

    def connected(self) -> Link:
        if self.link is None:
            raise Interrupted("forwarder", "it is just being started")
        return self.link

    @contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except Refused as refused:
            why, _, do = str(refused).partition("; ")
            raise Failure(what, why, do or "see `vswitch status`") from None
        except ForwarderGone as gone:
            raise Interrupted(what, str(gone)) from None

    # ---- bridges -----------------------------------------------------------

    async def add_bridge(self, record: Bridge, id: int, identity: int) -> LiveBridge:
        """A new bridge without ports, under a number that is free."""
        alone = Standalone.MISSES if record.fail_mode == "standalone" else Standalone.NOT
        payload = bridge_spec(record, alone, identity).pack()
        await self.ask(f"bridge {record.name}", Command.BRIDGE_ADD, payload, id)
        bridge = await self.open_bridge(record, id, identity)
        bridge.standalone = alone
        return bridge

    async def open_bridge(self, record: Bridge, id: int, identity: int) -> LiveBridge:
        """The daemon's side of a bridge that the forwarder has: its exchange and listeners."""
        assert record.dpid is not None
        versions = tuple(PROTOCOLS[name] for name in record.protocols)
        agent = Agent(View(record.name, record.dpid), versions)
        exchange = Exchange(agent, id, self.live.next_session)
        bridge = LiveBridge(id, identity, record.bare(), exchange)
        self.live.bridges[record.name] = bridge
        exchange.on_led = lambda led: self.lead(bridge, led)
        exchange.attach(self.connected())
        await self._listen(bridge, (f"punix:{self.folders.mgmt(record.name)}", *record.listen))
        snoop = f"punix:{self.folders.snoop(record.name)}"
        with _listening(record.name, snoop):
            bridge.snoop = await listen_for_snoopers(exchange, snoop)
        return bridge

    def lead(self, bridge: LiveBridge, led: bool) -> None:
        """A controller came: a standalone bridge stops switching by itself.  The last one went:
        it starts again, unless one is back within UNLED_SECONDS."""
        if bridge.record.fail_mode == "standalone":
            delay = 0.0 if led else UNLED_SECONDS
            asyncio.get_running_loop().call_later(delay, self._tell_led, bridge, led)

    def _tell_led(self, bridge: LiveBridge, led: bool) -> None:
        there = self.live.bridges.get(bridge.record.name) is bridge
        if there and self.link and bridge.exchange.led == led:
            bridge.standalone = standalone(bridge.record, bridge)
            payload = bridge_spec(bridge.record, bridge.standalone, bridge.identity).pack()
            self.link.post(Command.BRIDGE_ADD, payload, bridge.id)

    async def _listen(self, bridge: LiveBridge, targets: Iterable[str]) -> None:
        """Listens wherever that is possible; a place that is taken is logged, no more.

        The bridge has to stand whatever happens to a socket: packets don't wait for listeners.
        """
        for target in targets:
            with _listening(bridge.record.name, target):
                bridge.listeners.append(await listen(bridge.exchange, target))

    async def _set_bridge(self, operation: SetBridge) -> None:
        bridge = self.bridge(operation.bridge)
        wanted, changed = operation.wanted, set(operation.changed)
        if changed & {"dpid", "fail_mode", *NORMAL_SETTINGS}:
            alone = standalone(wanted, bridge) if "fail_mode" in changed else bridge.standalone
            payload = bridge_spec(wanted, alone, bridge.identity).pack()
            await self.ask(f"bridge {wanted.name}", Command.BRIDGE_ADD, payload, bridge.id)
            bridge.standalone = alone
        values = {key: getattr(wanted, key) for key in operation.changed}
        bridge.record = bridge.record.changed(**values)
        if changed & {"dpid", "protocols"}:
            assert bridge.record.dpid is not None
            versions = tuple(PROTOCOLS[name] for name in bridge.record.protocols)
            bridge.exchange.introduce(bridge.record.dpid, versions)
        if "listen" in changed:
            await self._listen_anew(bridge)

    async def _listen_anew(self, bridge: LiveBridge) -> None:
        wanted = bridge.record.listen
        kept: list[Listener] = []
        for listener in bridge.listeners:
            if listener.target in wanted or listener is bridge.listeners[0]:
                kept.append(listener)
            else:
                listener.close()
        have = {listener.target for listener in kept}
        bridge.listeners = kept
        await self._listen(bridge, [target for target in wanted if target not in have])

    async def _remove_bridge(self, operation: RemoveBridge) -> None:
        bridge = self.bridge(operation.bridge)
        await self.ask(f"bridge {operation.bridge}", Command.BRIDGE_DEL, b"", bridge.id)
        del self.live.bridges[operation.bridge]
        close_bridge(bridge)

    # ---- ports -------------------------------------------------------------

    async def add_port(
        self, name: str, port: Port, *, ephemeral: bool = False, namespace: int | None = None
    ) -> LivePort:
        """Puts an interface on a bridge; 'port' has its number.  'namespace': a descriptor of the
        one to move it to, instead of the path; it stays the caller's."""
        bridge = self.bridge(name)
        kept = self.kept.pop(port.name, None)
        interface = kept.interface if kept else None
        if interface is not None and interface.spec.number != port.number:
            os.close(interface.fd)
            interface = None
        if interface is None:
            mac = bridge.mac_for(port)
            interface = await open_interface(port, mac, ephemeral=ephemeral, namespace=namespace)
        else:
            interface = with_vlans_of(port, interface)
        queues = () if ephemeral else tuple(self._queues.get((name, port.name), ()))
        return await self._install(Kept(name, interface, queues), keep=not ephemeral)

    async def _install(self, one: Kept, *, keep: bool) -> LivePort:
        """Puts an open interface on a bridge, with its queues at once: no packet passes them by.

        Its descriptor is taken over.  'keep': if the forwarder ends meanwhile, the next one gets
        it.
        """
        interface, number = one.interface, one.interface.spec.number
        queues = [queue_spec(number, queue) for queue in one.queues]
        payload = b"".join([interface.spec.pack(), *(queue.pack() for queue in queues)])
        what = f"port {interface.record.name}"
        try:
            bridge = self.bridge(one.bridge)
            await self.ask(what, Command.PORT_ADD, payload, bridge.id, interface.fd)
        except Failure as failure:
            if keep and isinstance(failure, Interrupted):
                self.kept[interface.record.name] = one
            else:
                os.close(interface.fd)
            raise
        port = self.open_port(bridge, interface)
        port.owner = one.owner
        self.open_queues(bridge, port, queues)
        return port

    def open_port(self, bridge: LiveBridge, interface: Interface) -> LivePort:
        """The daemon's side of a port that the forwarder has."""
        ephemeral = bool(interface.spec.flags & PortFlags.EPHEMERAL)
        port = LivePort(interface.record, interface.spec, interface.fd, ephemeral)
        bridge.ports[interface.record.name] = port
        bridge.exchange.port_added(port_of(interface.spec))
        self.on_port(bridge, port)
        return port

    async def remove_port(self, bridge: LiveBridge, name: str) -> None:
        """Takes a port off; a TAP that we made is gone with it."""
        port = bridge.ports[name]
        ref = PortRef(port.spec.number).pack()
        await self.ask(f"port {name}", Command.PORT_DEL, ref, bridge.id)
        bridge.ports.pop(name).close()
        bridge.exchange.port_removed(port.spec.number)

    async def set_port(self, bridge: LiveBridge, name: str, wanted: Port) -> None:
        """Gives a port other VLANs while it carries packets."""
        port, vlans = bridge.ports[name], vlans_of(wanted)
        payload = PortVlans(port.spec.number, vlans).pack()
        await self.ask(f"port {name}", Command.PORT_VLANS, payload, bridge.id)
        port.record = wanted
        port.spec = replace(port.spec, vlans=vlans)

    def keep(self, bridge: str, port: LivePort, seen: OpenFlowPort) -> None:
        """Keeps the descriptor of a port whose forwarder died, and how peers had 'seen' it: what
        they had configured, and its link."""
        spec = replace(port.spec, config=int(seen.config), state=int(seen.state))
        interface = Interface(port.record, spec, port.fd)
        queues = tuple(port.queues.values())
        self.kept[port.record.name] = Kept(bridge, interface, queues, port.owner)
        port.fd = -1

    def forget(self, config: Config) -> None:
        """Lets go of kept ports that left the configuration meanwhile, with their bridge or
        without it: what comes later under such a name is another one."""
        for name, kept in list(self.kept.items()):
            bridge = config.bridge(kept.bridge)
            ephemeral = kept.interface.spec.flags & PortFlags.EPHEMERAL
            if not bridge or not (ephemeral or bridge.port(name)):
                os.close(self.kept.pop(name).interface.fd)

    def forget_owned(self, bridge: str, name: str, owner: str) -> bool:
        """Lets go of a kept port if it is this owner's."""
        kept = self.kept.get(name)
        if kept is None or (kept.bridge, kept.owner) != (bridge, owner):
            return False
        os.close(self.kept.pop(name).interface.fd)
        return True

    def kept_ephemeral(self) -> list[str]:
        """Names of the kept ports that no configuration knows."""
        kept = self.kept.items()
        return [n for n, one in kept if one.interface.spec.flags & PortFlags.EPHEMERAL]

    async def restore(self, name: str) -> None:
        """Gives a kept port to the forwarder, as it was."""
        self.bridge(self.kept[name].bridge)
        await self._install(self.kept.pop(name), keep=True)

    def set_state(self, bridge: LiveBridge, number: int, state: int) -> None:
        """Tells the forwarder that a port's link went up or down."""
        if self.link:
            self.link.post(Command.PORT_SET, PortRef(number, state=state).pack(), bridge.id)

    def set_mtu(self, bridge: LiveBridge, port: LivePort, mtu: int) -> None:
        """Tells the forwarder that a port takes frames of another length."""
        if self.link and port.spec.mtu != mtu:
            port.spec = replace(port.spec, mtu=mtu)
            payload = PortMtu(port.spec.number, mtu).pack()
            self.link.post(Command.PORT_MTU, payload, bridge.id)

    # ---- queues ------------------------------------------------------------

    async def set_queue(self, bridge: LiveBridge, queue: Queue) -> None:
        """Gives a port a queue, or the queue that it has another rate.  One that is to hold more
        or fewer packets is made anew: what waits in it is lost."""
        port = self.port(bridge, queue.port)
        there = port.queues.get(queue.number)
        if there and there.max_packets != queue.max_packets:
            await self.remove_queue(bridge, *queue.key)
        spec = queue_spec(port.spec.number, queue)
        await self.ask(_queue(*queue.key), Command.QUEUE_SET, spec.pack(), bridge.id)
        port.queues[queue.number] = queue
        self._tell_queues(bridge, port)

    async def remove_queue(self, bridge: LiveBridge, name: str, number: int) -> None:
        """Takes a queue off a port; what waits in it is dropped."""
        port = self.port(bridge, name)
        spec = QueueSpec(port.spec.number, number)
        await self.ask(_queue(name, number), Command.QUEUE_DEL, spec.pack(), bridge.id)
        del port.queues[number]
        self._tell_queues(bridge, port)

    def open_queues(self, bridge: LiveBridge, port: LivePort, specs: Iterable[QueueSpec]) -> None:
        """The daemon's side of the queues that the forwarder's port has."""
        for spec in specs:
            queue = Queue(port.record.name, spec.queue, spec.max_rate, spec.max_packets)
            port.queues[spec.queue] = queue
        self._tell_queues(bridge, port)

    def _tell_queues(self, bridge: LiveBridge, port: LivePort) -> None:
        number = port.spec.number
        seen = (queue_of(queue_spec(number, q)) for _, q in sorted(port.queues.items()))
        bridge.exchange.agent.queues_changed(number, tuple(seen))

    def port(self, bridge: LiveBridge, name: str) -> LivePort:
        """The same for a port."""
        port = bridge.ports.get(name)
        if port is None:
            raise Failure(f"port {name}", "it is not active", "see `vswitch status`")
        return port

    # ---- controllers -------------------------------------------------------

    def add_controller(self, bridge: LiveBridge, target: str) -> None:
        bridge.controllers[target] = Controller(bridge.exchange, target)
        self.lead(bridge, bridge.exchange.led)

    # ---- operations --------------------------------------------------------

    def bridge(self, name: str) -> LiveBridge:
        """The bridge of that name as long as nobody else may change anything; Failure: none is."""
        bridge = self.live.bridges.get(name)
        if bridge is None:
            raise Failure(f"bridge {name}", "it is not active", "see the failure to make it")
        return bridge

    async def _add_bridge(self, operation: AddBridge) -> None:
        await self.add_bridge(operation.made, self.live.next_bridge(), fresh_identity())

    async def _add_port(self, operation: AddPort) -> None:
        await self.add_port(operation.bridge, operation.port)

    async def _remove_port(self, operation: RemovePort) -> None:
        await self.remove_port(self.bridge(operation.bridge), operation.name)

    async def _set_port(self, operation: SetPort) -> None:
        bridge, name = self.bridge(operation.bridge), operation.wanted.name
        values = {key: getattr(operation.wanted, key) for key in operation.changed}
        await self.set_port(bridge, name, bridge.ports[name].record.changed(**values))

    async def _add_queue(self, operation: AddQueue) -> None:
        bridge, queue = self.bridge(operation.bridge), operation.queue
        if self.port(bridge, queue.port).queues.get(queue.number) != queue:  # else it came with it
            await self.set_queue(bridge, queue)

    async def _set_queue(self, operation: SetQueue) -> None:
        await self.set_queue(self.bridge(operation.bridge), operation.queue)

    async def _remove_queue(self, operation: RemoveQueue) -> None:
        bridge = self.bridge(operation.bridge)
        await self.remove_queue(bridge, operation.port, operation.number)

    async def _add_controller(self, operation: AddController) -> None:
        self.add_controller(self.bridge(operation.bridge), operation.target)

    async def _remove_controller(self, operation: RemoveController) -> None:
        bridge = self.bridge(operation.bridge)
        bridge.controllers.pop(operation.target).close()
        self.lead(bridge, bridge.exchange.led)


_DOERS: dict[type[Any], Callable[[Operator, Any], Awaitable[None]]] = {
    AddBridge: Operator._add_bridge,
    SetBridge: Operator._set_bridge,
    RemoveBridge: Operator._remove_bridge,
    AddPort: Operator._add_port,
    SetPort: Operator._set_port,
    RemovePort: Operator._remove_port,
    AddQueue: Operator._add_queue,
    SetQueue: Operator._set_queue,
    RemoveQueue: Operator._remove_queue,
    AddController: Operator._add_controller,
    RemoveController: Operator._remove_controller,
}


@contextmanager
def _listening(bridge: str, target: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.error("bridge %s can't listen at %s: %s", bridge, target, error.strerror or error)


def _queues_to_come(operations: Iterable[Operation]) -> dict[tuple[str, str], list[Queue]]:
    queues: dict[tuple[str, str], list[Queue]] = {}
    for one in operations:
        if isinstance(one, AddQueue):
            queues.setdefault((one.bridge, one.queue.port), []).append(one.queue)
    return queues


def fresh_identity() -> int:
    """What no bridge was ever known by: numbers are given again by the next daemon."""
    return secrets.randbits(64) | 1


def standalone(record: Bridge, bridge: LiveBridge) -> Standalone:
    """How a bridge is to switch by itself, with the settings of 'record' and the controllers that
    it has: one that was never to be led has nobody's rules but the operator's."""
    if record.fail_mode != "standalone" or bridge.exchange.led:
        return Standalone.NOT
    return Standalone.ALL if bridge.controllers else Standalone.MISSES


def bridge_spec(record: Bridge, alone: int, identity: int) -> BridgeSpec:
    """The bridge as the forwarder is told of it; 'alone': a Standalone."""
    assert record.dpid is not None
    normal = {key: getattr(record, key) for key in NORMAL_SETTINGS}
    return BridgeSpec(record.name, record.dpid, alone, identity=identity, **normal)


def queue_spec(port: int, queue: Queue) -> QueueSpec:
    """The queue as the forwarder is told of it; 'port' is its port's number."""
    return QueueSpec(port, queue.number, queue.max_rate, queue.max_packets)


def _queue(port: str, number: int) -> str:
    return f"queue {number} of port {port}"


def close_bridge(bridge: LiveBridge) -> None:
    """Ends the daemon's side of a bridge; its sockets' files are removed."""
    for controller in bridge.controllers.values():
        controller.close()
    for listener in bridge.listeners:
        listener.close()
    if bridge.snoop:
        bridge.snoop.close()
    for port in bridge.ports.values():
        port.close()
    bridge.exchange.close()
