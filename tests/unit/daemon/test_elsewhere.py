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


def test_a_container_that_changes_for_ever_is_looked_at_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often its root changes an interface, the daemon looks once in PAUSE."""
    watch = Endless()
    monkeypatch.setattr("datapath.kernel.NamespaceWatch", lambda: watch)
    monkeypatch.setattr(elsewhere, "PAUSE", 0.05)

    async def scene() -> None:
        task = asyncio.ensure_future(elsewhere.Elsewhere(lambda *_: None).follow())
        await asyncio.sleep(0.5)
        task.cancel()

    asyncio.run(scene())
    assert 2 <= watch.looks <= 11
