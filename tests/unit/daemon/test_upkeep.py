"""What is removed under a daemon is put back or told, and the daemon can be ended all the same."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.kit.coreforwarder import Life
from vswitch.agent import listeners
from vswitch.daemon import folders as places
from vswitch.daemon import supervise, upkeep
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.folders import Folders
from vswitch.daemon.methods import methods
from vswitch.daemon.upkeep import Upkeep
from vswitch.errors import Failure
from vswitch.lockfile import FolderLock, InUse
from vswitch.requests import REQUESTS
from vswitch.rpc.server import Server
from vswitch.store.sqlite import SqliteStore


class House:
    """A daemon with folders, store and API's socket; `look` as its upkeep does."""

    def __init__(self, folder: Path, life: Life) -> None:
        self.run, self.state = folder / "run", folder / "state"
        self.run.mkdir(mode=0o700)
        self.state.mkdir(mode=0o700)
        self.life = life
        self.folders = Folders(self.run, self.state)
        self.locks = self.folders.lock()
        self.folders.say_state()
        self.daemon = Daemon(self.folders, SqliteStore(self.state), ephemeral=False)
        self.server = Server(self.folders.api, methods(self.daemon))
        self.upkeep = Upkeep(self.daemon, self.locks, self.server)
        self.forwarders = socket.socket(socket.AF_UNIX)

    async def open(self) -> None:
        await supervise.start(self.daemon)
        await self.server.start()
        await self("bridge.add", name="br0")

    async def close(self) -> None:
        await supervise.stop(self.daemon, forwarder=False)
        await self.server.close()
        places.release(self.locks)

    async def __call__(self, method: str, **params: Any) -> Any:
        known = methods(self.daemon)[method]
        return await known(**REQUESTS[method].check(params, ()))

    async def look(self) -> list[str]:
        """What `status` tells behind it."""
        await self.upkeep.look()
        status = await self("status")
        return [*status["troubles"], *status["not_active"]]

    def names(self) -> set[str]:
        return {path.name for folder in (self.run, self.state) for path in folder.iterdir()}


Test = Callable[[House], Coroutine[Any, Any, None]]
ALL = {
    *("vswitchd.lock", "vswitch.sock", "vswitch.sock.lock", "state", "br0.mgmt", "br0.snoop"),
    *("vswitch.db", "vswitch.db-wal", "vswitch.db.lock"),
}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Test], None]:
    def run(test: Test) -> None:
        async def main() -> None:
            life = Life()
            monkeypatch.setattr(supervise, "reach", life.reach)
            monkeypatch.setattr(listeners, "AGAIN_SECONDS", 0.0)
            monkeypatch.setattr(Path, "is_socket", lambda _: True)  # the forwarder's: there is none
            house = House(tmp_path, life)
            await house.open()
            try:
                await asyncio.wait_for(test(house), 20)
            finally:
                await house.close()
                life.close()

        asyncio.run(main())

    return run


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_file_that_is_removed_comes_back(house: Callable[[Test], None], name: str) -> None:
    async def test(house: House) -> None:
        assert await house.look() == []
        assert house.names() == ALL
        for folder in (house.run, house.state):
            (folder / name).unlink(missing_ok=True)
        assert await house.look() == []
        assert house.names() - {"vswitch.db-wal"} == ALL - {"vswitch.db-wal"}

    house(test)


@pytest.mark.parametrize("gone", [("run",), ("state",), ("run", "state")])
def test_whole_folders_come_back_with_what_is_in_them(
    house: Callable[[Test], None], gone: tuple[str, ...]
) -> None:
    async def test(house: House) -> None:
        for name in gone:
            shutil.rmtree(getattr(house, name))
        assert await house.look() == []
        assert house.names() - {"vswitch.db-wal"} == ALL - {"vswitch.db-wal"}
        await house("bridge.add", name="br1")
        assert await house.look() == []
        with pytest.raises(InUse):
            house.folders.lock()

    house(test)


def test_a_daemon_whose_folders_are_gone_can_be_ended(house: Callable[[Test], None]) -> None:
    async def test(house: House) -> None:
        shutil.rmtree(house.run)
        shutil.rmtree(house.state)
        await house("shutdown")
        await house.server.close()
        places.release(house.locks)
        assert not house.run.exists()

    house(test)


def test_what_cannot_be_put_back_is_told_until_it_is(house: Callable[[Test], None]) -> None:
    async def test(house: House) -> None:
        shutil.rmtree(house.run)
        house.run.write_text("in the way")
        told = await house.look()
        assert any(str(house.run) in one for one in told)
        assert any("br0.mgmt" in one for one in told)
        house.run.unlink()
        assert await house.look() == []
        (house.state / "vswitch.db").rename(house.state / "old")
        (house.state / "vswitch.db").touch()
        (told_of_store,) = await house.look()
        assert "another file was put in its place" in told_of_store
        with pytest.raises(Failure, match="another file was put in its place"):
            await house("bridge.add", name="br1")
        (house.state / "vswitch.db").unlink()
        assert await house.look() == []
        await house("bridge.add", name="br1")

    house(test)


def test_a_folder_that_another_daemon_took_is_left_to_it(house: Callable[[Test], None]) -> None:
    async def test(house: House) -> None:
        shutil.rmtree(house.run)
        house.run.mkdir()
        theirs = FolderLock(str(house.run), "vswitchd.lock", "theirs", "")
        await house.upkeep.look()
        assert house.daemon.lost
        assert isinstance(house.daemon.ended.exception(), InUse)
        assert {path.name for path in house.run.iterdir()} == {"vswitchd.lock"}
        theirs.release()

    house(test)


@pytest.mark.parametrize("fresh", [True, False])
def test_whoever_ends_removes_nothing_of_a_folder_that_another_has_by_now(
    tmp_path: Path, fresh: bool
) -> None:
    run = tmp_path / "run"
    ours = ("forwarder.sock", "forwarder.log")

    def fill() -> None:
        run.mkdir(mode=0o700)
        for name in ours:
            (run / name).touch()

    folders = Folders(run, None, fresh)
    fill()
    locks = folders.lock()
    shutil.rmtree(run)
    fill()
    theirs = FolderLock(str(run), "vswitchd.lock", "theirs", "")
    folders.clear(locks)
    places.release(locks)
    assert {path.name for path in run.iterdir()} == {*ours, "vswitchd.lock"}
    theirs.release()
    locks = folders.lock()
    folders.clear(locks)  # its own it does remove
    assert run.exists() != fresh
    assert fresh or {path.name for path in run.iterdir()} == {"vswitchd.lock"}
    places.release(locks)


def test_a_forwarder_that_does_not_put_its_socket_back_is_told_of(
    house: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(house: House) -> None:
        monkeypatch.setattr(Path, "is_socket", lambda _: False)
        for _ in range(upkeep.PATIENCE):
            assert await house.look() == []
        (told,) = await house.look()
        assert "its socket was removed" in told
        monkeypatch.setattr(Path, "is_socket", lambda _: True)
        assert await house.look() == []

    house(test)


# ---- places to listen ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["vswitch.sock", "vswitch.sock.lock", "forwarder.sock", "br9.mgmt", "br9.snoop", "state",
     "containers/x/control", "../run/vswitch.sock", "../state/vswitch.db", "../state/new"],
)  # fmt: skip
def test_s23_what_is_ours_is_refused_before_it_is_stored(
    house: Callable[[Test], None], name: str
) -> None:
    async def test(house: House) -> None:
        target = f"punix:{(house.run / name).resolve() if '..' in name else house.run / name}"
        before = house.daemon.store.read()
        for method, words in (("bridge.add", {"name": "br1"}), ("bridge.set", {"name": "br0"})):
            with pytest.raises(Failure, match="is vswitchd's own; choose a path outside of"):
                await house(method, **words, listen=[target])
        document = {"bridges": [{"name": "br0", "listen": [target]}]}
        for method in ("plan", "apply"):
            with pytest.raises(Failure, match="is vswitchd's own"):
                await house(method, desired=document)
        assert house.daemon.store.read() == before

    house(test)


@pytest.mark.parametrize("name", ["vswitch.sock", "extra"])
def test_s23_what_is_ours_and_stored_all_the_same_is_not_taken(
    house: Callable[[Test], None], name: str
) -> None:
    """The store may be of before, or written by hand."""

    async def test(house: House) -> None:
        listen = (f"punix:{house.run}/{name}",)
        await house.daemon.change(lambda c: c.with_bridge(c.bridges[0].changed(listen=listen)))
        is_ours = name != "extra"
        assert len([one for one in await house.look() if "is vswitchd's own" in one]) == is_ours
        assert house.daemon.live.bridges["br0"].listeners.is_at(*listen) != is_ours

    house(test)


def test_a_link_into_our_folder_is_no_way_around_it(
    house: Callable[[Test], None], tmp_path: Path
) -> None:
    async def test(house: House) -> None:
        (tmp_path / "link").symlink_to(house.run)
        with pytest.raises(Failure, match="is vswitchd's own"):
            await house("bridge.set", name="br0", listen=[f"punix:{tmp_path}/link/vswitch.sock"])
        await house("bridge.set", name="br0", listen=[f"punix:{house.run}/extra"])  # not ours

    house(test)


def test_two_bridges_with_one_place_the_second_is_told_and_gets_it_when_it_is_free(
    house: Callable[[Test], None], tmp_path: Path
) -> None:
    target = f"punix:{tmp_path}/shared"

    async def test(house: House) -> None:
        await house("bridge.set", name="br0", listen=[target])
        with pytest.raises(Failure, match="bridge br0 listens there; end what has it") as told:
            await house("bridge.add", name="br1", listen=[target])
        assert told.value.exit == 65
        (row,) = (await house("bridge.show", name="br1"))["troubles"]
        assert f"bridge br1 can't listen at {target}: bridge br0 listens there" in row
        assert (await house("bridge.show", name="br0"))["troubles"] == []
        assert await house.look() == [row]
        await house("bridge.set", name="br0", listen=[])
        assert await house.look() == []
        assert (tmp_path / "shared").exists()

    house(test)


def test_somebody_else_s_socket_is_not_stolen(
    house: Callable[[Test], None], tmp_path: Path
) -> None:
    async def test(house: House) -> None:
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(tmp_path / "theirs"))
            theirs.listen()
            with pytest.raises(Failure, match="somebody listens there already"):
                await house("bridge.set", name="br0", listen=[f"punix:{tmp_path}/theirs"])
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(tmp_path / "theirs"))
            assert len(await house.look()) == 1
        assert await house.look() == []

    house(test)
