"""Ports whose process has ended, with real processes: what a pidfd tells is the point."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator

import pytest

from vswitch.daemon.owners import Owners, check_process
from vswitch.errors import Failure


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as sleeper:
        yield sleeper
        sleeper.kill()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_an_end_is_told_once_and_no_descriptor_stays(process: subprocess.Popen[bytes]) -> None:
    async def scene() -> tuple[list[tuple[str, ...]], int]:
        told: list[tuple[str, ...]] = []
        heard = asyncio.Event()

        def ended(*what: str) -> None:
            told.append(what)
            heard.set()

        owners = Owners(ended, lambda *what: True)
        before = open_files()
        pidfd = os.pidfd_open(process.pid)
        owners.watch(pidfd, "br0", "c1", "somebody")
        os.close(pidfd)
        await asyncio.sleep(0)
        assert told == []
        process.kill()
        await asyncio.wait_for(heard.wait(), 10)
        await asyncio.sleep(0)
        return told, open_files() - before

    assert asyncio.run(scene()) == ([("br0", "c1", "somebody")], 0)


def test_closed_it_tells_of_nobody_and_holds_nothing(process: subprocess.Popen[bytes]) -> None:
    async def scene() -> int:
        owners = Owners(lambda *what: pytest.fail(f"told of {what}"), lambda *what: True)
        before = open_files()
        pidfd = os.pidfd_open(process.pid)
        owners.watch(pidfd, "br0", "c1", "somebody")
        os.close(pidfd)
        owners.close()
        process.kill()
        process.wait()
        await asyncio.sleep(0)
        return open_files() - before

    assert asyncio.run(scene()) == 0


def test_ports_that_went_before_their_process_are_forgotten() -> None:
    """Whoever adds and removes a port over and over for one process takes no descriptors."""

    async def scene() -> int:
        there: set[str] = set()
        owners = Owners(lambda *what: None, lambda bridge, port, owner: owner in there)
        before = open_files()
        pidfd = os.pidfd_open(os.getpid())
        for n in range(20):
            there.add(f"o{n}")
            owners.watch(pidfd, "br0", "c1", f"o{n}")
            if n != 5:
                there.remove(f"o{n}")
        os.close(pidfd)
        held = open_files() - before
        owners.close()
        return held

    assert asyncio.run(scene()) == 2


def test_nothing_but_a_process_is_taken_for_one() -> None:
    pidfd = os.pidfd_open(os.getpid())
    check_process("c1", pidfd)
    os.close(pidfd)
    for fd in os.pipe():
        with pytest.raises(Failure, match="no process; lend a pidfd"):
            check_process("c1", fd)
        os.close(fd)
