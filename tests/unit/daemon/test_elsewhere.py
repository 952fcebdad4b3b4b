"""Ports in containers' namespaces: how often the daemon looks at them."""

from __future__ import annotations

import asyncio
import socket

import pytest

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


@pytest.mark.parametrize(("takes", "most"), [(0.0, 11), (0.02, 4)])
def test_a_container_that_changes_for_ever_is_looked_at_now_and_then(
    monkeypatch: pytest.MonkeyPatch, takes: float, most: int
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

    async def scene() -> None:
        task = asyncio.ensure_future(made.follow())
        await asyncio.sleep(0.5)
        task.cancel()

    asyncio.run(scene())
    assert 2 <= watch.looks <= most
