"""Where daemon and command line meet, and the folders that nobody else may write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from vswitch import paths
from vswitch.errors import Failure
from vswitch.lockfile import Lock


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VSWITCH_RUN", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


def user(monkeypatch: pytest.MonkeyPatch, uid: int, *writable: str) -> None:
    """We are that user, and may write only below these folders."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(os, "access", lambda path, mode: str(path).startswith(writable))
    monkeypatch.setattr(os.path, "isdir", lambda path: False)


def test_root_has_the_systems_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    user(monkeypatch, 0, "/run", "/var/lib")
    assert paths.run_folder() == "/run/vswitch"
    assert paths.state_folder() == "/var/lib/vswitch"


def test_root_of_a_user_namespace_has_its_xdg_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    user(monkeypatch, 0, "/run/user/1000")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/a/state")
    assert paths.run_folder() == "/run/user/1000/vswitch"
    assert paths.state_folder() == "/home/a/state/vswitch"


def test_without_xdg_folders_there_are_fall_backs(monkeypatch: pytest.MonkeyPatch) -> None:
    user(monkeypatch, 1000)
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/gone")
    assert paths.run_folder() == "/tmp/vswitch-1000"
    assert paths.state_folder() == "/home/a/.local/state/vswitch"


def test_an_argument_wins_over_the_environment_and_that_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VSWITCH_RUN", "/e")
    assert paths.run_folder() == "/e"
    assert paths.run_folder("/a") == "/a"
    assert paths.run_folder("x") == os.path.join(os.getcwd(), "x")


def test_a_run_folder_leaves_room_for_the_longest_socket_name() -> None:
    longest = "/" + "r" * (paths.RUN_MAX - 1)
    assert len(f"{paths.run_folder(longest)}/{'b' * 15}.snoop") == 107
    with pytest.raises(Failure, match="too many for sockets") as caught:
        paths.run_folder(longest + "r")
    assert caught.value.exit == 2


def test_a_private_folder_is_made_for_us_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        made = paths.make_private(str(tmp_path / "a"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(made).st_mode) == 0o700
    assert paths.make_private(made) == made


def test_a_folder_behind_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Failure, match="no plain directory"):
        paths.make_private(str(tmp_path / "link"))


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(Failure, match="belongs to another user"):
        paths.make_private(str(tmp_path))


def test_a_lock_is_taken_once_and_free_afterwards(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    held = Lock(path, "thing", "wait")
    with pytest.raises(Failure, match=f"^thing: it is in use by process {os.getpid()}; wait$"):
        Lock(path, "thing", "wait")
    held.release()
    held.release()
    assert not os.path.exists(path)
    Lock(path, "thing", "wait").release()


def test_a_lock_left_by_a_dead_process_is_taken(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1\n")
    Lock(str(tmp_path / "lock"), "thing", "wait").release()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    child = os.fork()
    if child == 0:
        Lock(path, "thing", "wait")
        os._exit(0)
    os.waitpid(child, 0)
    Lock(path, "thing", "wait").release()


def test_a_lock_is_not_written_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(Failure, match="symbolic links"):
        Lock(str(tmp_path / "lock"), "thing", "wait")
    assert (tmp_path / "victim").read_text() == "precious"
