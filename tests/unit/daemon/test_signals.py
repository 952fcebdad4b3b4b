"""What signals do to daemon and forwarder: real processes, without any port."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vswitch.daemon.reload import Reloader
from vswitch.errors import Failure
from vswitch.lockfile import FolderLock
from vswitch.rpc.client import Client
from vswitch.signals import HARMLESS

VSWITCHD = Path(sys.executable).with_name("vswitchd")


@contextmanager
def daemon(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A daemon with its forwarder; its log is FOLDER/log."""
    words = [VSWITCHD, "--run", folder / "run", "--log-file", folder / "log", *options]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        assert process.stdout.readline().startswith("vswitchd is ready")
        yield process
    finally:
        if process.poll() is None:
            with Client(folder / "run", timeout=10) as client:
                client.call("shutdown")
        process.wait(10)
        process.stdout.close()


def bridges(folder: Path) -> dict[str, int]:
    with Client(folder / "run", timeout=10) as client:
        return {bridge["name"]: bridge["mac_age"] for bridge in client.call("bridge.list")}


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def wanted(folder: Path, **ages: int) -> Path:
    """A configuration file with these bridges."""
    path = folder / "net.json"
    path.write_text(json.dumps({"bridges": [{"name": n, "mac_age": a} for n, a in ages.items()]}))
    return path


def test_signals_without_a_meaning_end_neither_daemon_nor_forwarder(tmp_path: Path) -> None:
    with daemon(tmp_path, "--ephemeral", "--bridge", "br0") as process:
        with Client(tmp_path / "run", timeout=10) as client:
            forwarder = client.call("status")["forwarder"]["pid"]
        for pid in (process.pid, forwarder):
            for number in HARMLESS:
                os.kill(pid, number)
        assert bridges(tmp_path) == {"br0": 300}
        with Client(tmp_path / "run", timeout=10) as client:
            assert client.call("status")["forwarder"]["pid"] == forwarder
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_hangup_applies_the_file_and_opens_the_log_anew(tmp_path: Path) -> None:
    path = wanted(tmp_path, br0=1)
    state = ("--state", str(tmp_path / "state"), "--config", str(path))
    with daemon(tmp_path, *state) as process:
        assert bridges(tmp_path) == {"br0": 1}
        wanted(tmp_path, br0=2, br1=3)
        (tmp_path / "log").rename(tmp_path / "log.1")
        process.send_signal(signal.SIGHUP)
        until(lambda: bridges(tmp_path) == {"br0": 2, "br1": 3})
        until(lambda: f"SIGHUP: {path} was applied: 2 changes" in (tmp_path / "log").read_text())
        path.write_text('{"bridges": [{"name": "br0", "mac_age": "long"}]}')
        process.send_signal(signal.SIGHUP)
        until(lambda: "SIGHUP: nothing was reloaded: " in (tmp_path / "log").read_text())
        assert bridges(tmp_path) == {"br0": 2, "br1": 3}
        path.unlink()
        process.send_signal(signal.SIGHUP)
        until(lambda: "it can't be read" in (tmp_path / "log").read_text())
    wanted(tmp_path, br1=4)
    with daemon(tmp_path, *state):  # what was stored of before goes, as with vswitch apply
        assert bridges(tmp_path) == {"br1": 4}


def test_hangups_in_a_row_end_with_the_last_file(tmp_path: Path) -> None:
    path = wanted(tmp_path)
    state = ("--state", str(tmp_path / "state"), "--config", str(path))
    with daemon(tmp_path, *state) as process:
        for age in range(1, 30):
            new = tmp_path / "new.json"
            new.write_text(json.dumps({"bridges": [{"name": "br0", "mac_age": age}]}))
            new.rename(path)
            process.send_signal(signal.SIGHUP)
        until(lambda: bridges(tmp_path) == {"br0": 29})


def test_an_ephemeral_daemon_takes_a_file_as_well(tmp_path: Path) -> None:
    with daemon(tmp_path, "--ephemeral", "--config", str(wanted(tmp_path, br0=7))):
        assert bridges(tmp_path) == {"br0": 7}


def test_an_ephemeral_daemon_whose_folder_another_one_took_leaves_it_to_them(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    with daemon(tmp_path, "--ephemeral", "--bridge", "br0") as process:
        shutil.rmtree(run)
        run.mkdir(mode=0o700)
        theirs = FolderLock(str(run), "vswitchd.lock", "theirs", "")
        (run / "forwarder.sock").touch()
        assert process.wait(10) == 1
        assert {path.name for path in run.iterdir()} == {"forwarder.sock", "vswitchd.lock"}
        theirs.release()


def test_a_file_that_is_read_for_long_holds_nothing_up(tmp_path: Path) -> None:
    path = wanted(tmp_path, br0=1)
    with daemon(tmp_path, "--ephemeral", "--config", str(path)) as process:
        text = path.read_text().replace('"mac_age": 1', '"mac_age": 2')
        path.unlink()
        os.mkfifo(path)
        process.send_signal(signal.SIGHUP)
        with open(path, "w") as file:  # it is being read from here on
            assert bridges(tmp_path) == {"br0": 1}
            file.write(text)
        until(lambda: bridges(tmp_path) == {"br0": 2})


def test_signals_before_the_first_turn_are_one_reload() -> None:
    """Two that went on side by side could end with the file as the first one had read it."""
    spawned: list[Coroutine[Any, Any, None]] = []
    told: Any = SimpleNamespace(spawn=spawned.append)
    reloader = Reloader(told, None)
    reloader.tell()
    reloader.tell()
    assert len(spawned) == 1
    asyncio.run(spawned.pop())  # type: ignore[arg-type]
    reloader.tell()
    assert len(spawned) == 1
    asyncio.run(spawned.pop())  # type: ignore[arg-type]


def test_hangup_without_a_file_changes_nothing(tmp_path: Path) -> None:
    with daemon(tmp_path, "--ephemeral", "--bridge", "br0", "--mac-age", "5") as process:
        process.send_signal(signal.SIGHUP)
        until(lambda: "no --config was given" in (tmp_path / "log").read_text())
        assert bridges(tmp_path) == {"br0": 5}


@pytest.mark.parametrize("text", ["{", '{"bridges": [{"name": "../x"}]}', None])
def test_a_file_that_is_wrong_at_the_start_is_told(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "net.json"
    if text is not None:
        path.write_text(text)
    words = [VSWITCHD, "--run", tmp_path / "run", "--ephemeral", "--config", path]
    ended = subprocess.run(words, check=False, capture_output=True, text=True, timeout=20)
    assert ended.returncode in (1, 2)
    assert ended.stderr.startswith(f"vswitchd: file {path}: ")
    with pytest.raises(Failure, match="none answers"):
        Client(tmp_path / "run").call("status")
