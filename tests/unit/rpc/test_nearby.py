"""Which run folders are named when the one that was asked for has no daemon."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit import needs
from tests.kit.fakedaemon import FakeDaemon
from vswitch.errors import RpcError
from vswitch.rpc import nearby
from vswitch.rpc.client import Client
from vswitch.rpc.nearby import daemons, others

Place = Callable[[str], Path]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Makes a run folder in a place of its own; the machine's other places don't count."""
    monkeypatch.delenv("VSWITCH_RUN", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "xdg"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(nearby, "TEMPORARY", "/nowhere")

    def make(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, mode=0o700)
        return folder

    return make


def ours(tmp_path: Path) -> list[str]:
    return [folder for folder in daemons() if folder.startswith(str(tmp_path))]


def test_every_kind_of_run_folder_with_a_daemon_is_found(tmp_path: Path, places: Place) -> None:
    stored, short, users = places("xdg/vswitch"), places("xdg/vswitch-a1"), places("tmp/vswitch-0")
    for empty in ("xdg/vswitch-dead", "tmp/vswitch-b2"):
        places(empty)
    with FakeDaemon(stored, {}), FakeDaemon(short, {}), FakeDaemon(users, {}):
        assert ours(tmp_path) == sorted(map(str, (stored, short, users)))
        assert str(short) in others(str(stored))
        assert str(stored) not in others(str(stored))
    assert ours(tmp_path) == []


def test_the_sentence_names_them(tmp_path: Path, places: Place) -> None:
    with FakeDaemon(places("xdg/vswitch-a1"), {}):
        with pytest.raises(RpcError) as caught:
            Client(tmp_path / "nowhere").call("status")
        assert "start vswitchd, or name its run folder with --run" in caught.value.do
        assert f"{tmp_path}/xdg/vswitch-a1" in caught.value.do
    with pytest.raises(RpcError) as caught:
        Client(tmp_path / "nowhere").call("status")
    assert "vswitch-a1" not in caught.value.do


def test_a_strangers_folder_is_not_named(tmp_path: Path, places: Place) -> None:
    """In /tmp anybody may make one, and would hear all that is asked there."""
    bait = places("tmp/vswitch-bait")
    with FakeDaemon(bait, {}):
        assert ours(tmp_path) == [str(bait)]
        bait.chmod(0o777)
        assert ours(tmp_path) == []
        bait.chmod(0o700)
        link = tmp_path / "tmp/vswitch-link"
        link.symlink_to(bait)
        assert ours(tmp_path) == [str(bait)]


def test_nor_one_that_belongs_to_another_user(tmp_path: Path, places: Place) -> None:
    needs.many_users()
    bait = places("tmp/vswitch-bait")
    with FakeDaemon(bait, {}):
        assert ours(tmp_path) == [str(bait)]
        os.chown(bait, 54321, 54321)
        assert ours(tmp_path) == []


def test_a_daemon_that_is_busy_is_there_and_not_waited_for(tmp_path: Path, places: Place) -> None:
    busy = places("xdg/vswitch")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(str(busy / "vswitch.sock"))
        listener.listen(0)
        waiting.connect(str(busy / "vswitch.sock"))
        assert ours(tmp_path) == [str(busy)]
    assert ours(tmp_path) == []


def test_a_machine_without_a_place_for_temporary_files_is_no_reason_to_fail(
    tmp_path: Path, places: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service may write to its own folders alone."""
    monkeypatch.setattr(tempfile, "_get_default_tempdir", lambda *_: pytest.fail("it looked"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    with FakeDaemon(places("xdg/vswitch"), {}):
        assert ours(tmp_path) == [str(tmp_path / "xdg/vswitch")]
