"""Ports in containers' namespaces: how often the daemon looks at them, and what it believes."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from datapath.kernel import Link, Whereabouts
from vswitch.daemon import elsewhere


class Endless:
    """A watch with something to say at every moment."""

    def __init__(self) -> None:
        self.looks = 0
        self._ends = socket.socketpair()
        self._ends[1].send(b"!")

    def fileno(self) -> int:
        return self._ends[0].fileno()

    def read(self) -> None:
        self.looks += 1

    def close(self) -> None:
        for end in self._ends:
            end.close()


@pytest.mark.parametrize(("takes", "apart"), [(0.0, 0.05), (0.02, 0.2)])
def test_a_container_that_changes_for_ever_is_looked_at_now_and_then(
    monkeypatch: pytest.MonkeyPatch, takes: float, apart: float
) -> None:
    """However often its root changes an interface, the daemon looks once in PAUSE, and for a tenth
    of the time."""
    watch = Endless()
    monkeypatch.setattr("datapath.kernel.NamespaceWatch", lambda: watch)
    monkeypatch.setattr(elsewhere, "PAUSE", 0.05)
    made = elsewhere.Elsewhere(lambda *_: None)

    async def look_at(_: object) -> None:
        await asyncio.sleep(takes)

    monkeypatch.setattr(made, "_look_at", look_at)

    async def scene() -> float:
        began = time.monotonic()
        task = asyncio.ensure_future(made.follow())
        while watch.looks < 2 or time.monotonic() - began < 0.5:
            await asyncio.sleep(0.01)
        task.cancel()
        return time.monotonic() - began

    took = asyncio.run(asyncio.wait_for(scene(), 10))
    assert watch.looks <= took / apart + 1.5


@pytest.mark.parametrize("goes", [False, True])
def test_a_port_that_went_while_it_was_looked_at_is_not_told_of(
    monkeypatch: pytest.MonkeyPatch, goes: bool
) -> None:
    """Its descriptor's number may be another's by then: the thread asks by one of its own."""
    tap = os.open(os.devnull, os.O_RDONLY)
    port: Any = SimpleNamespace(record=SimpleNamespace(name="p"), fd=tap, elsewhere=None)
    bridge: Any = SimpleNamespace(ports={"p": port})
    link: Any = SimpleNamespace(spec=Link)
    told: list[object] = []
    asked: list[int] = []

    def whereabouts(fd: int) -> Whereabouts:
        asked.append(fd)
        if goes:
            del bridge.ports["p"]
            os.close(tap)
        assert os.fstat(fd).st_rdev == os.stat(os.devnull).st_rdev
        return Whereabouts(7, link)

    monkeypatch.setattr("datapath.kernel.NamespaceWatch", Endless)
    monkeypatch.setattr("datapath.kernel.whereabouts", whereabouts)
    made = elsewhere.Elsewhere(lambda *seen: told.append(seen))
    asyncio.run(made.take(bridge, port))
    assert told == ([] if goes else [(bridge, port, link)])
    assert port.elsewhere == (None if goes else 7)
    assert asked != [tap]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(asked[0])
    if not goes:
        os.close(tap)
