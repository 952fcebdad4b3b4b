"""Echoes of an OpenFlow session while the daemon does something long: under 10 ms.

The machine has other things to do, too.  So what computing costs an echo is measured in this
process's own processor time, and what waiting costs it (for a disk) by the quietest of several
rounds: what holds the event loop up holds it up each time.  That both see a loop that is held up is
shown by one that sleeps and one that computes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from datapath.frames import Mac
from datapath.group import GroupCommand
from datapath.group_text import parse_group
from datapath.rule import FlowCommand as RuleCommand
from datapath.rule import parse_rule
from tests.kit.coreforwarder import Life
from tests.kit.echoes import Echoes, now
from tests.kit.world import opened
from vswitch.daemon import door, supervise
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.folders import Folders
from vswitch.daemon.main import share_turns
from vswitch.daemon.methods import flows, macs, methods
from vswitch.daemon.operate import ports as port_doers
from vswitch.openflow import encode
from vswitch.openflow.messages.flow import FlowStats, FlowStatsReply
from vswitch.openflow.messages.group import GroupDescReply
from vswitch.rpc.descriptors import Lent
from vswitch.rpc.server import Server
from vswitch.schema import Bridge, Config, Port
from vswitch.store import Store
from vswitch.store.memory import MemoryStore
from vswitch.store.sqlite import SqliteStore

LIMIT = 0.010
ROUNDS = 6
PORTS = 1_000

Work = Callable[[Server], Awaitable[None]]
Measure = Callable[[Work, Store], "Worst"]


@dataclass(frozen=True)
class Worst:
    """The longest echoes of the quietest round, in seconds: by time, and by processor time."""

    waited: float
    computed: float


@pytest.fixture
def worst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measure]:
    """Does 'work' ROUNDS times with a daemon that has one bridge."""
    interval = sys.getswitchinterval()

    def measure(work: Work, store: Store) -> Worst:
        async def run() -> Worst:
            life = Life()
            monkeypatch.setattr(supervise, "reach", life.reach)
            monkeypatch.setattr(port_doers, "open_interface", opened)
            run_folder = tmp_path / "run"
            run_folder.mkdir()
            daemon = Daemon(Folders(run_folder, None), store, ephemeral=False)
            await supervise.start(daemon)
            try:
                await daemon.change(lambda _: Config((Bridge("br0"),)))
                server = Server("/unused", methods(daemon))
                share_turns()
                with Echoes(run_folder / "br0.mgmt") as echoes:
                    return await rounds(work, server, echoes)
            finally:
                await supervise.stop(daemon, forwarder=False)
                life.close()

        return asyncio.run(run())

    yield measure
    sys.setswitchinterval(interval)


async def rounds(work: Work, server: Server, echoes: Echoes) -> Worst:
    while len(echoes.seen()) < 20:
        await asyncio.sleep(0.01)
    found = []
    for _ in range(ROUNDS):
        begin = now()
        await work(server)
        end = now()
        await asyncio.sleep(0.05)  # so that the last echo's reply is told
        found.append(echoes.between(begin, end))
    return Worst(
        min(max(echo.waited for echo in one) for one in found),
        min(max(echo.computed for echo in one) for one in found),
    )


def request(method: str, **params: object) -> bytes:
    """A request's line."""
    document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.dumps(document).encode()


async def call(server: Server, line: bytes, word: bytes = b"") -> int:
    """Asks, and returns how often the answer has a word.  The client's part is on a thread."""
    pieces = await server._reply(line, Lent(), lambda: False)
    assert b'"result":' in pieces[0], pieces[0][:300]
    return await asyncio.to_thread(lambda: sum(piece.count(word) for piece in pieces))


def desired(ports: int) -> dict[str, Any]:
    bridge = Bridge("br0", ports=tuple(Port(f"p{number}", kind="tap") for number in range(ports)))
    return Config((bridge,)).to_json()


PLAN = request("plan", desired=desired(5 * PORTS))
MANY, NONE = (request("apply", desired=desired(ports)) for ports in (PORTS, 0))


def test_a_loop_that_waits_is_seen(worst: Measure) -> None:
    async def sleep(_: Server) -> None:
        await asyncio.sleep(0.02)
        time.sleep(2 * LIMIT)
        await asyncio.sleep(0.02)

    assert worst(sleep, MemoryStore()).waited > LIMIT


def test_a_loop_that_computes_is_seen(worst: Measure) -> None:
    async def compute(_: Server) -> None:
        await asyncio.sleep(0.02)
        end = time.thread_time() + 2 * LIMIT
        while time.thread_time() < end:
            pass
        await asyncio.sleep(0.02)

    assert worst(compute, MemoryStore()).computed > LIMIT


def test_a_thread_that_does_not_give_way_is_seen(worst: Measure) -> None:
    numbers = [n * 7919 % 1_000_003 for n in range(1_000_000)]

    async def sort(_: Server) -> None:
        await asyncio.sleep(0.02)
        await asyncio.to_thread(sorted, numbers)
        await asyncio.sleep(0.02)

    assert worst(sort, MemoryStore()).computed > LIMIT


def test_echoes_while_thousands_of_ports_are_planned(worst: Measure) -> None:
    async def plan(server: Server) -> None:
        assert await call(server, PLAN, b"port.add") == 5 * PORTS

    assert worst(plan, MemoryStore()).computed < LIMIT


def test_echoes_while_a_thousand_ports_are_made_and_unmade(worst: Measure, tmp_path: Path) -> None:
    async def apply(server: Server) -> None:
        assert await call(server, MANY, b"port.add") == PORTS
        assert await call(server, NONE, b"port.rm") == PORTS

    assert worst(apply, SqliteStore(tmp_path / "state")).computed < LIMIT


class SlowDisk(SqliteStore):
    """Its fsync takes five times as long as an echo may."""

    @contextmanager
    def _committing(self) -> Iterator[Any]:
        with super()._committing() as connection:
            yield connection
            time.sleep(5 * LIMIT)


def test_echoes_while_a_slow_disk_is_written(worst: Measure, tmp_path: Path) -> None:
    ages = iter(range(1, 1000))

    async def write(server: Server) -> None:
        began = now()
        await call(server, request("bridge.set", name="br0", mac_age=next(ages)))
        assert now() - began >= 5 * LIMIT

    assert worst(write, SlowDisk(tmp_path / "state")).waited < LIMIT


def flow_messages(number: int) -> list[bytes]:
    """Answers of the forwarder's with so many flows, of all priorities."""
    made = []
    for first in range(0, number, 500):
        texts = (f"priority={n % 60000},tcp,tp_dst={n}" for n in range(first, first + 500))
        rules = (parse_rule(f"{text},actions=output:2", RuleCommand.ADD) for text in texts)
        made.append(encode(FlowStatsReply(tuple(map(FlowStats, rules)), xid=1)))
    return made


def test_echoes_while_many_flows_are_listed(
    worst: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 10_000
    messages = flow_messages(number)

    async def exchange(*_: object) -> list[bytes]:
        return list(messages)

    async def list_flows(server: Server) -> None:
        line = request("flow.list", bridge="br0")
        assert await call(server, line, b'"priority":') == number

    monkeypatch.setattr(flows, "exchange", exchange)
    assert worst(list_flows, MemoryStore()).computed < LIMIT


def group_messages(number: int) -> list[bytes]:
    """Answers of the forwarder's with so many groups of a bucket each."""
    made = []
    for first in range(1, number, 500):
        texts = (f"group_id={n},type=all,bucket=output:2" for n in range(first, first + 500))
        groups = tuple(parse_group(text, GroupCommand.ADD) for text in texts)
        made.append(encode(GroupDescReply(groups, xid=1)))
    return made


def test_echoes_while_many_groups_are_listed(
    worst: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 5_000
    messages = group_messages(number)

    async def exchange(*_: object) -> list[bytes]:
        return list(messages)

    async def list_groups(server: Server) -> None:
        line = request("group.list", bridge="br0")
        assert await call(server, line, b'"references":') == number

    monkeypatch.setattr(door, "exchange", exchange)
    assert worst(list_groups, MemoryStore()).computed < LIMIT


def test_echoes_while_many_stations_are_listed(worst: Measure) -> None:
    number = 30_000
    told = [Mac.FORMAT.pack(n.to_bytes(6), 0, 1, 500) for n in range(number)]
    payloads = [b"".join(told[at::8]) for at in range(8)]

    async def list_stations(_: Server) -> None:
        rows = await asyncio.to_thread(macs._rows, list(payloads), {1: "eth1"})
        assert len(rows) == number

    assert worst(list_stations, MemoryStore()).computed < LIMIT
