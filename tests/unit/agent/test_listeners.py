"""Where a bridge listens: what is taken is told and tried again, what was removed is put back."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent.test_exchange import FakeForwarder, exchange
from vswitch.agent import listeners as module
from vswitch.agent.listeners import Listeners


class Bridge:
    """A bridge's listeners in a folder."""

    def __init__(self, folder: Path, forbid: Callable[[str], str | None]) -> None:
        self.exchange = exchange(FakeForwarder())
        self.mgmt, self.snoop = folder / "mgmt", folder / "snoop"
        self.listeners = Listeners(
            self.exchange, f"punix:{self.mgmt}", f"punix:{self.snoop}", forbid
        )

    def close(self) -> None:
        self.listeners.close()
        self.exchange.close()


def free(target: str) -> None:
    """Nothing is forbidden."""


def with_bridge(
    folder: Path,
    test: Callable[[Bridge], Coroutine[Any, Any, None]],
    forbid: Callable[[str], str | None] = free,
) -> None:
    async def run() -> None:
        bridge = Bridge(folder, forbid)
        try:
            await asyncio.wait_for(test(bridge), 10)
        finally:
            bridge.close()

    asyncio.run(run())


async def greeted(path: Path) -> bool:
    """Whether a bridge says hello there."""
    reader, writer = await asyncio.open_unix_connection(path)
    hello = await reader.readexactly(4)
    writer.close()
    return hello[0] == 4


def test_a_live_socket_is_not_taken_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    path = tmp_path / "theirs"

    async def test(bridge: Bridge) -> None:
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(path))
            theirs.listen()
            await bridge.listeners.want([f"punix:{path}"])
            (failure,) = bridge.listeners.failures()
            assert failure.what == f"bridge br0 can't listen at punix:{path}"
            assert failure.why == "somebody listens there already"
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(path))
            await bridge.listeners.tend()
        assert len(caplog.messages) == 1  # the log hears of it once
        await bridge.listeners.tend()
        assert bridge.listeners.failures() == []
        assert await greeted(path)

    with caplog.at_level(logging.ERROR):
        with_bridge(tmp_path, test)


def test_a_place_that_is_taken_is_let_alone_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "theirs"

    async def test(bridge: Bridge) -> None:
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(path))
            theirs.listen()
            theirs.setblocking(False)
            await bridge.listeners.want([f"punix:{path}"])
            theirs.accept()[0].close()
            for _ in range(10):
                await bridge.listeners.tend()
            with pytest.raises(BlockingIOError):
                theirs.accept()

    with_bridge(tmp_path, test)


def test_names_that_were_removed_come_back_and_sessions_stay(tmp_path: Path) -> None:
    path = tmp_path / "chosen"

    async def test(bridge: Bridge) -> None:
        await bridge.listeners.want([f"punix:{path}"])
        reader, writer = await asyncio.open_unix_connection(path)
        await reader.readexactly(8)
        for one in (path, bridge.mgmt, bridge.snoop):
            one.unlink()
        await bridge.listeners.tend()
        for one in (path, bridge.mgmt, bridge.snoop):
            assert await greeted(one)
        assert bridge.listeners.failures() == []
        assert not reader.at_eof()
        writer.close()

    with_bridge(tmp_path, test)


def test_a_folder_that_was_removed_is_told_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    folder = tmp_path / "run"
    folder.mkdir()

    async def test(bridge: Bridge) -> None:
        await bridge.listeners.want([])
        bridge.mgmt.unlink()
        bridge.snoop.unlink()
        folder.rmdir()
        await bridge.listeners.tend()
        assert [f.why for f in bridge.listeners.failures()] == ["No such file or directory"] * 2
        folder.mkdir()
        await bridge.listeners.tend()
        assert bridge.listeners.failures() == []
        assert await greeted(bridge.mgmt)

    with_bridge(folder, test)


def test_what_is_forbidden_is_not_tried(tmp_path: Path) -> None:
    path = tmp_path / "ours"

    async def test(bridge: Bridge) -> None:
        await bridge.listeners.want([f"punix:{path}"])
        (failure,) = bridge.listeners.failures()
        assert failure.why == "it is the moon's"
        assert not path.exists()
        await bridge.listeners.want([])
        assert bridge.listeners.failures() == []
        assert bridge.mgmt.is_socket()

    with_bridge(tmp_path, test, lambda target: "it is the moon's")


def test_a_name_that_another_process_took_is_not_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "chosen"

    async def test(bridge: Bridge) -> None:
        await bridge.listeners.want([f"punix:{path}"])
        path.unlink()
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(path))
            theirs.listen()
            bridge.close()
            assert path.is_socket()
        await bridge.listeners.tend()  # closed: nothing comes back
        assert not bridge.mgmt.exists()

    with_bridge(tmp_path, test)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def test(bridge: Bridge) -> None:
        with socket.socket() as theirs:
            theirs.bind(("127.0.0.1", 0))
            theirs.listen()
            target = f"ptcp:{theirs.getsockname()[1]}:127.0.0.1"
            await bridge.listeners.want([target])
            (failure,) = bridge.listeners.failures()
            assert target in failure.what

    with_bridge(tmp_path, test)
