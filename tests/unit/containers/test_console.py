"""The keys that leave a terminal, and logs in two files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from containers.console import Keys
from containers.logs import LOGS, read


@pytest.mark.parametrize(
    ("typed", "passed", "left"),
    [
        ([b"ls\r"], b"ls\r", False),
        ([b"a\x10\x11b"], b"a", True),
        ([b"a\x10", b"\x11b"], b"a", True),
        ([b"\x10", b"\x10", b"\x11"], b"\x10", True),
        ([b"\x10", b"x"], b"\x10x", False),
        ([b"\x10x\x11"], b"\x10x\x11", False),
        ([b"\x11\x10"], b"\x11", False),
        ([b"\x10\x10\x11"], b"\x10", True),
    ],
)
def test_ctrl_p_ctrl_q_leaves_wherever_it_is_cut(
    typed: Sequence[bytes], passed: bytes, left: bool
) -> None:
    keys = Keys()
    assert b"".join(keys.pass_on(one) for one in typed) == passed
    assert keys.left is left


def log(folder: Path, name: str, content: bytes, time: int) -> None:
    (folder / name).write_bytes(content)
    os.utime(folder / name, ns=(time, time))


def paths(folder: Path) -> tuple[str, str]:
    first, second = (str(folder / name) for name in LOGS)
    return first, second


def all_of(folder: Path) -> bytes:
    return b"".join(read(paths(folder), lambda: False))


def test_what_is_no_file_is_no_log(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    assert all_of(tmp_path) == b""
    log(tmp_path, "log.1", b"two", 5)
    assert all_of(tmp_path) == b"two"


def test_a_log_is_read_oldest_first_whichever_file_that_is(tmp_path: Path) -> None:
    assert all_of(tmp_path) == b""
    log(tmp_path, "log", b"one", 5)
    assert all_of(tmp_path) == b"one"  # of a container of before, which had one file
    log(tmp_path, "log.1", b"", 0)
    assert all_of(tmp_path) == b"one"
    log(tmp_path, "log", b"one", 0)
    log(tmp_path, "log.1", b"two", 5)
    assert all_of(tmp_path) == b"onetwo"
    log(tmp_path, "log", b"three", 6)
    log(tmp_path, "log.1", b"two", 0)
    assert all_of(tmp_path) == b"twothree"


def test_a_log_is_followed_from_file_to_file(tmp_path: Path) -> None:
    log(tmp_path, "log", b"one", 5)
    log(tmp_path, "log.1", b"", 0)

    def turns() -> Iterator[bool]:
        with open(tmp_path / "log", "ab") as file:
            file.write(b" two")
        yield True
        log(tmp_path, "log", b"one two three", 0)
        log(tmp_path, "log.1", b" four", 6)
        yield True
        log(tmp_path, "log", b" five", 7)
        log(tmp_path, "log.1", b" four", 0)
        yield True
        yield False
        yield False

    turn = turns()
    said = b"".join(read(paths(tmp_path), lambda: next(turn)))
    assert said == b"one two three four five"


def test_what_is_no_plain_log_is_not_followed(tmp_path: Path) -> None:
    os.symlink("/etc/passwd", tmp_path / "log")
    log(tmp_path, "log.1", b"two", 5)
    assert all_of(tmp_path) == b"two"
