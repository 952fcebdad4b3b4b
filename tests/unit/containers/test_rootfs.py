"""Which links lead to a root, and where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from containers.rootfs import Foreign, resolve

US = {os.geteuid()}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    here = Path(os.path.realpath(tmp_path))
    (here / "a/b").mkdir(parents=True)
    (here / "file").touch()
    (here / "up").symlink_to("a/../a")
    (here / "all").symlink_to(here)
    (here / "a/loop").symlink_to("loop")
    (here / "chain").symlink_to("all/up/b")
    (here / "to-file").symlink_to("file")
    return here


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("a/b", "a/b"), ("./a//b/", "a/b"), ("a/b/..", "a"), ("up/b", "a/b"), ("all", ""),
        ("all/up/../a", "a"), ("chain", "a/b"),
    ],
)  # fmt: skip
def test_a_path_loses_its_links(here: Path, path: str, leads: str) -> None:
    found = resolve(f"{here}/{path}", US | {0})
    assert found == str(here / leads) == os.path.realpath(here / path)


def test_the_root_of_all_is_one_too() -> None:
    assert resolve("/", US) == resolve("/..", US) == resolve("//", US) == "/"


@pytest.mark.parametrize("path", ["file", "a/c", "a/loop", "to-file", "file/..", "a/b/c/d"])
def test_what_leads_to_no_folder_is_an_error(here: Path, path: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011
        resolve(f"{here}/{path}", US | {0})


@pytest.mark.parametrize(("path", "link"), [("up/b", "up"), ("chain", "chain")])
def test_a_link_of_somebody_else_s_leads_nowhere(here: Path, path: str, link: str) -> None:
    with pytest.raises(Foreign, match=f"{here}/{link}"):
        resolve(f"{here}/{path}", {os.geteuid() + 1})
    assert resolve(f"{here}/a/b", {os.geteuid() + 1}) == f"{here}/a/b"
