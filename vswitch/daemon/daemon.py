"""The daemon: keeps what is stored and what runs the same, whoever dies in between.

Theory of operation.  One task supervises the forwarder (`supervise`): reach it, ask what it holds,
reconcile, wait until its socket closes, begin again.  A change by the operator is stored first and
then reconciled: plan(stored, running) gives the operations that are missing, so a change, a start
after kill -9 and a new forwarder after its death are one and the same path.  What can't be
carried out (an interface that is not there) is told, remembered and tried again.

Here is what all of that changes, and the change itself; `supervise`, `adopt`, `events` and
`ephemeral` are functions over it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from datapath.frames import Frame
from vswitch.daemon.folders import Folders
from vswitch.daemon.forwarder import Forwarder
from vswitch.daemon.live import Live
from vswitch.daemon.notes import Notes
from vswitch.daemon.operate.carry_out import Unmade, carry_out
from vswitch.daemon.operate.operator import Operator
from vswitch.daemon.owners import Owners
from vswitch.errors import Failure
from vswitch.reconcile import Operation, plan, settle
from vswitch.rpc.waiting import begin, keep
from vswitch.schema import Config
from vswitch.store import Store

log = logging.getLogger("vswitch.daemon")


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
        self._writer = ThreadPoolExecutor(1, "store")
        """The one thread that writes the store: a disk may take its time, sessions may not wait."""
        self.unmade: list[Unmade] = []
        self.replaced: tuple[float, str] | None = None
        """When a forwarder was killed that hung (Unix seconds), and what it had done; the last."""
        self.troubles: list[Failure] = []
        """What was removed or replaced under us and can't be put back."""
        self.lost = False
        """Another daemon has our folder: the forwarder ends with us."""
        self.journal = -1
        self.kept: dict[str, tuple[int, int]] = {}
        """Numbers and identities of the bridges that a dead forwarder had, by name."""
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the daemon is to end; a Failure if by a defect."""
        self.on_openflow: dict[int, Callable[[Frame], None]] = {}
        """Sessions of the daemon's own: who hears what the forwarder sends them."""
        self.owners = Owners(self._owner_ended, self.has_owned)
        self.notes = Notes(folders.run)
        self.on_owner_ended: Callable[[str, str, str], None] = lambda bridge, port, owner: None
        """Hears of the bridge, port and owner whose process has ended."""
        self.retry_seconds = 1.0
        """How often what could not be made active is tried again."""
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- wanted and running ------------------------------------------------

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The turn of a request that changes something, if whoever made it still waits."""
        async with self.changing:
            begin()
            yield

    async def change(self, make: Callable[[Config], Config]) -> list[Unmade]:
        """Stores what 'make' makes of the configuration, then makes it active.

        Returns what could not be made active.  'make' is pure and runs on the store's thread;
        what it raises passes through.
        """
        async with self.turn():
            observed, reserved = self.live.observed(), self.reserved()

            def made(config: Config) -> Config:
                wanted = settle(with_dpids(make(config)), observed, reserved)
                self.require_apart(wanted)
                return wanted

            await self.write(made)
            keep()
            self.forget_gone()
            await self.reconcile()
            return self.unmade

    async def write(self, make: Callable[[Config], Config]) -> None:
        """Stores what 'make' makes of the configuration, on the store's thread; the caller holds
        'changing'."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self.store.transaction, make)

    async def keep_store(self) -> None:
        """Puts the store's file back if it was removed; StoreError if that can't be."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self.store.keep)

    async def close_store(self) -> None:
        """Lets the store go once what is being written is; further calls do nothing."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self.store.close)

    def forget_gone(self) -> None:
        """Nothing of a bridge or port that goes while there is no forwarder comes back with the
        next one of its name."""
        config = self.store.read().config
        self.kept = {name: kept for name, kept in self.kept.items() if config.bridge(name)}
        self.operator.kept.forget(config)

    async def reconcile(self) -> None:
        """Does what is missing between stored and running; the caller holds 'changing'."""
        operations = await self.planned(self.store.read().config)
        self.unmade = await carry_out(self.operator, operations)

    async def settled(self, desired: Config) -> Config:
        """'desired' with what it leaves open as it is stored.  On a thread, like `planned`: a
        thousand ports take a while, and sessions go on."""
        stored, reserved = self.store.read().config, self.reserved()
        return await asyncio.to_thread(settle, desired, stored, reserved)

    async def planned(self, wanted: Config) -> list[Operation]:
        """What is missing between 'wanted' and what runs."""
        observed, reserved = self.live.observed(), self.reserved()
        return await asyncio.to_thread(plan, wanted, observed, reserved)

    def not_active(self) -> list[Failure]:
        """What is stored and could not be made active: operations, and places to listen at."""
        places = [why for one in self.live.bridges.values() for why in one.listeners.failures()]
        return [one.failure for one in self.unmade] + places

    async def try_again(self) -> None:
        """Makes active what could not be made active before."""
        if self.unmade and self.forwarder:
            async with self.changing:
                await self.reconcile()

    def require_new(self, config: Config, port: str) -> None:
        """Failure if there is a port of that name; whoever asks holds 'changing'."""
        on = [bridge.name for bridge in config.bridges if bridge.port(port)]
        on += [bridge for bridge, name, _ in self._passing() if name == port]
        if on:
            do = "remove it first, or choose another name"
            raise Failure(f"port {port}", f"it is on bridge {on[0]} already", do)

    def require_apart(self, config: Config) -> None:
        """Failure if a port of 'config' has the name of one that is in no configuration: one of
        the two would have the other's interface."""
        named = {port.name for bridge in config.bridges for port in bridge.ports}
        for bridge, name, _ in self._passing():
            if name in named and config.bridge(bridge):
                why = f"bridge {bridge} has an ephemeral one of that name, a container's perhaps"
                do = "choose another name, or end what that one is for"
                raise Failure(f"port {name}", why, do)

    def reserved(self) -> dict[str, tuple[int, ...]]:
        """By bridge: numbers of ports that are in no configuration."""
        numbers: dict[str, list[int]] = {}
        for bridge, _, number in self._passing():
            numbers.setdefault(bridge, []).append(number)
        return {bridge: tuple(some) for bridge, some in numbers.items()}

    def _passing(self) -> Iterator[tuple[str, str, int]]:
        """Bridge, name and number of each ephemeral port, also while there is no forwarder."""
        for bridge, port in self.live.ports():
            if port.ephemeral:
                yield bridge.record.name, port.record.name, port.spec.number
        for name in self.operator.kept.ephemeral():
            kept = self.operator.kept[name]
            yield kept.bridge, name, kept.interface.spec.number

    def has_owned(self, bridge: str, name: str, owner: str) -> bool:
        """Whether that bridge has that owner's port, or will once there is a forwarder again."""
        live = self.live.bridges.get(bridge)
        port = live.ports.get(name) if live else None
        is_there = port is not None and port.owner == owner
        return is_there or self.operator.kept.has_owned(bridge, name, owner)

    def _owner_ended(self, bridge: str, port: str, owner: str) -> None:
        self.on_owner_ended(bridge, port, owner)

    # ---- tasks and the end ---------------------------------------------------

    def spawn(self, work: asyncio._CoroutineLike[None]) -> None:
        """Runs something beside everything else; its defects are logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def cancel(self) -> None:
        """Ends whatever was spawned."""
        for task in list(self._tasks):
            task.cancel()

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

    def lose(self, taken: Failure) -> None:
        """Another daemon has taken a folder of ours: we end, and so does what we run."""
        self.lost = True
        if not self.ended.done():
            self.ended.set_exception(taken)

    def end(self, why: str) -> None:
        """Asks the daemon to end."""
        if not self.ended.done():
            self.ended.set_result(why)


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
