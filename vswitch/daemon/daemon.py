"""The daemon: keeps what is stored and what runs the same, whoever dies in between.

Theory of operation.  One task supervises the forwarder: reach it, ask what it holds, reconcile,
wait until its socket closes, begin again.  A change by the operator is stored first and then
reconciled: plan(stored, running) gives the operations that are missing, so a change, a start
after kill -9 and a new forwarder after its death are one and the same path.  What can't be
carried out (an interface that is not there) is told, remembered and tried again.

When the forwarder dies its bridges are forgotten here, except for who they are and the ports'
descriptors.  The next forwarder gets these and the journal, from which it plays back the flows.
Peers are hung up on: a message may have been lost on its way, and only they know what they want.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from datapath.frames import Command, Event, Frame, PortFlags, PortRef
from vswitch.agent.view import linked
from vswitch.daemon.folders import Folders
from vswitch.daemon.forwarder import Forwarder, Held, dump, reach
from vswitch.daemon.interfaces import Interface, adopted, mtu_of
from vswitch.daemon.link import ForwarderGone
from vswitch.daemon.live import Live, LiveBridge, LivePort
from vswitch.daemon.operate import bridges, ports, queues
from vswitch.daemon.operate.carry_out import Unmade, carry_out
from vswitch.daemon.operate.operator import Interrupted, Operator
from vswitch.daemon.owners import Owners, check_process
from vswitch.errors import Exit, Failure
from vswitch.reconcile import plan, settle
from vswitch.schema import Bridge, Config, Port, Queue
from vswitch.store import Store

if TYPE_CHECKING:
    from datapath.kernel import Link

log = logging.getLogger("vswitch.daemon")

RETRY_SECONDS = 1.0
"""How often what could not be made active is tried again."""


class Daemon:
    """One host's switch.  'store' holds what is wanted; everything on one event loop."""

    def __init__(
        self, folders: Folders, store: Store, *, ephemeral: bool, adopt: bool = False
    ) -> None:
        self.folders = folders
        self.store = store
        self.ephemeral = ephemeral
        self.adopt = adopt
        """Forwarders are started by somebody else."""
        self.live = Live()
        self.operator = Operator(folders, self.live)
        self.forwarder: Forwarder | None = None
        self.changing = asyncio.Lock()
        """Held by whoever changes what is stored or what runs."""
        self.unmade: list[Unmade] = []
        self.journal = -1
        self.kept: dict[str, tuple[int, int]] = {}
        """Numbers and identities of the bridges that a dead forwarder had, by name."""
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the daemon is to end; a Failure if by a defect."""
        self.on_openflow: dict[int, Callable[[Frame], None]] = {}
        """Sessions of the daemon's own: who hears what the forwarder sends them."""
        self.owners = Owners(self._owner_ended, self._has_owned)
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- life --------------------------------------------------------------

    async def start(self) -> None:
        """Reaches a forwarder and makes everything wanted active.  Failure if that can't be."""
        await self._meet()
        self.spawn(self._supervise())
        self.spawn(self._retry())

    async def _meet(self) -> None:
        """Reaches a forwarder, takes over what it holds, and does what is missing."""
        forwarder = await reach(
            self.folders,
            self.ephemeral,
            self._event,
            self._congested,
            self.journal,
            self.adopt,
        )
        self.forwarder = forwarder
        self._keep_journal(forwarder.journal)
        async with self.changing:
            # Not before: whoever waits for 'changing' as well would make bridges of its own
            # in the place of those that it holds, or that the journal knows.
            self.operator.link = forwarder.link
            for held in await dump(forwarder.link):
                await self._adopt(held)
            await self._play_back()
            self._decide_kinds()
            await self.reconcile()
            await self._restore_ephemeral()
        log.info(
            "%s forwarder %d", "adopted" if forwarder.adopted else "started", forwarder.hello.pid
        )

    async def _supervise(self) -> None:
        while True:
            assert self.forwarder
            await asyncio.shield(self.forwarder.link.closed)
            log.warning("the forwarder (process %d) is gone", self.forwarder.hello.pid)
            async with self.changing:
                self._lost()
            while not self.forwarder:
                try:
                    await self._meet()
                except (Failure, ForwarderGone) as failure:
                    log.error("no forwarder: %s", failure)
                    await asyncio.sleep(RETRY_SECONDS)

    def _lost(self) -> None:
        """Forgets what the forwarder held, except for the ports' descriptors."""
        if self.forwarder:
            self.forwarder.reap()
        self.forwarder = self.operator.link = None
        for name, bridge in list(self.live.bridges.items()):
            views = bridge.exchange.agent.view.ports
            for port in bridge.ports.values():
                self.operator.kept.keep(name, port, views[port.spec.number])
            self.kept[name] = (bridge.id, bridge.identity)
            bridge.ports.clear()
            bridge.exchange.detach()
            bridges.close(bridge)
        self.live.bridges.clear()

    async def shut_down(self) -> None:
        """Ends the forwarder now and the daemon soon, so that whoever asked gets an answer."""
        await self.stop(forwarder=True)
        self.end("shutdown")

    async def stop(self, *, forwarder: bool) -> None:
        """Ends the daemon's side, and the forwarder with all that it holds if 'forwarder'."""
        for task in list(self._tasks):
            task.cancel()
        self.owners.close()
        for bridge in self.live.bridges.values():
            bridges.close(bridge)
        self.live.bridges.clear()
        ending, self.forwarder, self.operator.link = self.forwarder, None, None
        if ending and forwarder:
            await ending.end()
        elif ending:
            ending.link.close()
        self.store.close()

    def spawn(self, work: asyncio._CoroutineLike[None]) -> None:
        """Runs something beside everything else; its defects are logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (defect := task.exception()):
            log.error("a task of the daemon failed", exc_info=defect)
            if not self.ended.done():
                self.ended.set_exception(
                    Failure(
                        "vswitchd", f"a defect of ours: {defect!r}", "see the log; start it again"
                    )
                )

    def end(self, why: str) -> None:
        """Asks the daemon to end."""
        if not self.ended.done():
            self.ended.set_result(why)

    # ---- adoption ----------------------------------------------------------

    async def _adopt(self, held: Held) -> None:
        """Takes over a bridge with its ports; nothing in the forwarder is touched."""
        self.live.seen(held.id)
        stored = self.store.read().config.bridge(held.spec.name)
        normal = {key: getattr(held.spec, key) for key in bridges.NORMAL_SETTINGS}
        record = (stored or Bridge(held.spec.name)).changed(dpid=held.spec.dpid, **normal)
        # Told to switch by itself or not: a standalone bridge that a controller led is not.
        if held.spec.standalone or record.fail_mode == "secure":
            record = record.changed(fail_mode="standalone" if held.spec.standalone else "secure")
        identity = held.spec.identity or held.id
        bridge = await bridges.open_(self.operator, record, held.id, identity)
        bridge.standalone = held.spec.standalone
        bridges.lead(self.operator, bridge, False)
        for one in held.ports:
            spec, known = one.spec, stored.port(one.spec.name) if stored else None
            interface = Interface(adopted(spec, known), spec, one.fd)
            port = ports.open_(self.operator, bridge, interface)
            queues.open_(bridge, port, one.queues)
            if spec.flags & PortFlags.DEAD:  # its interface died while no daemon was there
                self.spawn(self.port_gone(bridge, port))

    def _decide_kinds(self) -> None:
        """What is stored says of which kind each port is: a store of before may leave it open.
        Then it is what runs; and if that can't be written, the next one decides the same."""
        observed, reserved = self.live.observed(), self.live.reserved()
        stored = self.store.read().config
        if any(port.kind == "auto" for bridge in stored.bridges for port in bridge.ports):
            try:
                self.store.transaction(lambda config: settle(config, observed, reserved))
            except Failure as failure:
                log.warning("the kinds of ports are not stored: %s", failure)

    def _keep_journal(self, journal: int) -> None:
        """Holds a forwarder's journal instead of the one before."""
        if self.journal >= 0:
            os.close(self.journal)
        self.journal = journal

    async def _play_back(self) -> None:
        """Gives a new forwarder the bridges of the dead one under their old identities, by which
        the journal knows them, and lets it play the journal back before any port is there.  What
        the journal says of bridges that are not there it forgets, so this is asked for in any
        case: a daemon before this one may have died in between."""
        config = self.store.read().config
        for name, (number, identity) in list(self.kept.items()):
            record = config.bridge(name)
            if record and name not in self.live.bridges:
                try:
                    await bridges.add(self.operator, record.bare(), number, identity)
                except Interrupted:  # the next one is to know them by these names as well
                    raise
                except Failure as failure:  # reconcile tries again
                    log.warning("bridge %s is not back as it was: %s", name, failure)
            self.kept.pop(name, None)
        await self.operator.ask("flows", Command.REPLAY)

    def _forget_gone(self) -> None:
        """Nothing of a bridge or port that goes while there is no forwarder comes back with the
        next one of its name."""
        config = self.store.read().config
        self.kept = {name: kept for name, kept in self.kept.items() if config.bridge(name)}
        self.operator.kept.forget(config)

    async def _restore_ephemeral(self) -> None:
        """Gives ephemeral ports of a forwarder that died to the new one; if that dies meanwhile
        as well, what it did not get waits for the next."""
        for name in self.operator.kept.ephemeral():
            try:
                await ports.restore(self.operator, name)
            except Interrupted:
                return
            except Failure as failure:
                log.warning("port %s is not back: %s", name, failure)

    # ---- wanted and running ------------------------------------------------

    async def change(self, make: Callable[[Config], Config]) -> list[Unmade]:
        """Stores what 'make' makes of the configuration, then makes it active.

        Returns what could not be made active.  What 'make' raises passes through.
        """
        async with self.changing:
            observed, reserved = self.live.observed(), self.live.reserved()
            self.store.transaction(
                lambda config: settle(with_dpids(make(config)), observed, reserved)
            )
            self._forget_gone()
            await self.reconcile()
            return self.unmade

    async def add_ephemeral(
        self,
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
        async with self.changing:
            live = self.operator.bridge(bridge)
            self.require_new(self.store.read().config, port.name)
            wanted = live.observed().with_part(port.decided())
            numbered = wanted.numbered(self.live.reserved()[bridge])
            chosen = numbered.port(port.name)
            assert chosen
            made = await ports.add(
                self.operator, bridge, chosen, ephemeral=True, namespace=namespace
            )
            made.owner = owner
            if process is not None and owner is not None:
                self.owners.watch(process, bridge, port.name, owner)
            return made

    def require_new(self, config: Config, port: str) -> None:
        """Failure if there is a port of that name; whoever asks holds 'changing'."""
        on = [bridge.name for bridge in config.bridges if bridge.port(port)]
        on += [bridge.record.name for bridge, live in self.live.ports() if live.record.name == port]
        if on:
            do = "remove it first, or choose another name"
            raise Failure(f"port {port}", f"it is on bridge {on[0]} already", do)

    async def set_ephemeral(self, bridge: str, name: str, settings: Mapping[str, Any]) -> LivePort:
        """Changes settings of an ephemeral port while it carries packets."""
        async with self.changing:
            live = self.operator.bridge(bridge)
            port = self.operator.port(live, name)
            await ports.set_(self.operator, live, name, port.record.changed(**settings))
            return port

    async def remove_ephemeral(self, bridge: str, name: str) -> None:
        """Takes an ephemeral port off a bridge, if it is there."""
        async with self.changing:
            live = self.live.bridges.get(bridge)
            port = live.ports.get(name) if live else None
            if live and port and port.ephemeral:
                await ports.remove(self.operator, live, name)

    async def remove_owned(self, bridge: str, name: str, owner: str) -> None:
        """Takes an ephemeral port off if it is still this owner's: names are used again."""
        async with self.changing:
            live = self.live.bridges.get(bridge)
            port = live.ports.get(name) if live else None
            if live and port and port.owner == owner:
                await ports.remove(self.operator, live, name)
            elif not self.operator.kept.forget_owned(bridge, name, owner):
                why = f"bridge {bridge} has none of that name and owner"
                do = f"see `vswitch port ls {bridge}`"
                raise Failure(f"port {name}", why, do, Exit.NOT_FOUND)

    def _has_owned(self, bridge: str, name: str, owner: str) -> bool:
        live = self.live.bridges.get(bridge)
        port = live.ports.get(name) if live else None
        is_there = port is not None and port.owner == owner
        return is_there or self.operator.kept.has_owned(bridge, name, owner)

    def _owner_ended(self, bridge: str, name: str, owner: str) -> None:
        self.spawn(self._remove_ended(bridge, name, owner))

    async def _remove_ended(self, bridge: str, name: str, owner: str) -> None:
        """Takes a port off whose owner has ended, unless that is done; tries until it is."""
        while True:
            try:
                await self.remove_owned(bridge, name, owner)
                log.info("port %s of bridge %s: whom it was for has ended", name, bridge)
                return
            except Failure as failure:
                if failure.exit == Exit.NOT_FOUND:
                    return
            await asyncio.sleep(RETRY_SECONDS)

    async def set_ephemeral_queue(self, bridge: LiveBridge, queue: Queue) -> None:
        """Gives an ephemeral port a queue, which goes with it, or changes the one it has."""
        async with self.changing:
            await queues.set_(self.operator, bridge, queue)

    async def remove_ephemeral_queue(self, bridge: LiveBridge, port: str, number: int) -> None:
        """Takes a queue off an ephemeral port."""
        async with self.changing:
            await queues.remove(self.operator, bridge, port, number)

    async def reconcile(self) -> None:
        """Does what is missing between stored and running; the caller holds 'changing'."""
        desired = self.store.read().config
        operations = plan(desired, self.live.observed(), self.live.reserved())
        self.unmade = await carry_out(self.operator, operations)

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            await self.try_again()

    async def try_again(self) -> None:
        """Makes active what could not be made active before."""
        if self.unmade and self.forwarder:
            async with self.changing:
                await self.reconcile()

    # ---- what the forwarder tells ------------------------------------------

    def _event(self, frame: Frame) -> None:
        bridge = self.live.by_id(frame.bridge)
        if bridge is None:
            return
        if frame.type == Event.OPENFLOW:
            hear = self.on_openflow.get(frame.session, bridge.exchange.from_forwarder)
            hear(frame)
        elif frame.type == Event.PORT_GONE:
            # Found now: by the time the port's turn comes, its number may be another's.
            port = bridge.by_number(PortRef.unpack(frame.payload).number)
            if port is not None:
                self.spawn(self.port_gone(bridge, port))

    async def port_gone(self, bridge: LiveBridge, port: LivePort) -> None:
        """An interface died: its port goes too; a stored one comes back with its interface."""
        async with self.changing:
            name = port.record.name
            if bridge.ports.get(name) is not port or not self.operator.link:
                return
            log.info("port %s of bridge %s: its interface is gone", name, bridge.record.name)
            with contextlib.suppress(Failure):
                await ports.remove(self.operator, bridge, name)
            await self.reconcile()

    def _congested(self, congested: bool) -> None:
        for bridge in self.live.bridges.values():
            bridge.exchange.congested(congested)

    # ---- links -------------------------------------------------------------

    def interface_changed(self, bridge: LiveBridge, port: LivePort, link: Link) -> None:
        """A port's interface is like this now; what is new about it is told."""
        self.link_changed(bridge, port, link.carrier)
        ports.set_mtu(self.operator, bridge, port, mtu_of(port.record, link.mtu))

    def link_changed(self, bridge: LiveBridge, port: LivePort, up: bool) -> None:
        """An interface's link went up or down: peers are told, and the forwarder."""
        view = bridge.exchange.agent.view.ports.get(port.spec.number)
        if view is None or not self.operator.link or (changed := linked(view, up)) == view:
            return
        bridge.exchange.port_changed(changed)
        ports.set_state(self.operator, bridge, port.spec.number, int(changed.state))


def with_dpids(config: Config) -> Config:
    """The configuration with a datapath id for every bridge: one that was left open is chosen
    at random, like a locally administered Ethernet address (1.3.5, 7.3.1)."""
    taken = {bridge.dpid for bridge in config.bridges}
    return config.changed(
        bridges=tuple(
            bridge.changed(dpid=_fresh_dpid(taken)) if bridge.dpid is None else bridge
            for bridge in config.bridges
        )
    )


def _fresh_dpid(taken: set[int | None]) -> int:
    while True:
        dpid = secrets.randbits(46) & ~(3 << 40) | 2 << 40
        if dpid not in taken:
            taken.add(dpid)
            return dpid
