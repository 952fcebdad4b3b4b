"""Locks of files and folders: one holder, whatever is removed under it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vswitch.errors import Failure
from vswitch.lockfile import FolderLock, InUse, Lock


def lock(folder: Path) -> FolderLock:
    return FolderLock(str(folder), "lock", "it", "go away")


def test_a_second_one_is_told_who_has_the_folder(tmp_path: Path) -> None:
    held = lock(tmp_path)
    with pytest.raises(InUse, match=f"it: it is in use by process {os.getpid()}; go away"):
        lock(tmp_path)
    held.release()
    lock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_stays_held_when_its_lock_file_is_removed(tmp_path: Path) -> None:
    held = lock(tmp_path)
    (tmp_path / "lock").unlink()
    with pytest.raises(InUse, match="in use by another process"):
        lock(tmp_path)
    assert not (tmp_path / "lock").exists()  # whoever is refused touches nothing
    assert held.keep()
    with pytest.raises(InUse, match=f"by process {os.getpid()}"):
        lock(tmp_path)
    assert not held.keep()
    held.release()
    assert not (tmp_path / "lock").exists()


def test_a_folder_that_was_made_again_is_held_again(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    held = lock(folder)
    shutil.rmtree(folder)
    with pytest.raises(Failure, match="No such file or directory"):
        held.keep()
    folder.mkdir()
    assert held.keep()
    with pytest.raises(InUse):
        lock(folder)
    shutil.rmtree(folder)
    held.release()


def test_a_folder_that_another_one_has_taken_is_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    held = lock(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    theirs = lock(folder)
    with pytest.raises(InUse):
        held.keep()
    held.release()
    assert (folder / "lock").exists()
    assert not theirs.keep()
    theirs.release()


def test_a_lock_file_that_was_removed_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    held = Lock(str(path), "it", "go away")
    assert not held.keep()
    path.unlink()
    assert held.keep()
    assert path.read_text() == f"{os.getpid()}\n"
    with pytest.raises(InUse):
        Lock(str(path), "it", "go away")
    path.unlink()
    held.release()
    held.release()


def test_a_folder_that_is_gone_or_another_s_is_not_held(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    held = lock(folder)
    assert held.holds()
    shutil.rmtree(folder)
    assert not held.holds()
    folder.mkdir()
    assert not held.holds()
    assert held.keep()
    assert held.holds()
    held.release()
    assert not held.holds()
