"""What the service manager hears of us: from Python and from the forwarder, by one protocol."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.lab import forwarder
from vswitch import notify

PLACES = ("/", "@")
"""In the file system, and in the kernel's own list of names."""


class Manager:
    """A service manager's ear."""

    def __init__(self, kind: str, folder: Path) -> None:
        path = str(folder / "notify")
        self.name = path if kind == "/" else f"@vswitch-test-{os.getpid()}{path}"
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(self.name if kind == "/" else "\0" + self.name[1:])
        self._sock.settimeout(5)

    def heard(self) -> str:
        return self._sock.recv(4096).decode()

    def hears_nothing(self) -> bool:
        self._sock.setblocking(False)
        try:
            return not self._sock.recv(4096)
        except BlockingIOError:
            return True

    def close(self) -> None:
        self._sock.close()


@pytest.fixture(params=PLACES)
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    ear = Manager(request.param, tmp_path)
    yield ear
    ear.close()


def test_assignments_arrive_as_lines(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    notify.tell("READY=1", "STATUS=all is well")
    assert manager.heard() == "READY=1\nSTATUS=all is well"


@pytest.mark.parametrize("name", ["", "vsock:2:1", "/nowhere/at/all", "@", "/" + "x" * 200])
def test_nobody_who_listens_is_no_error(
    name: str, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    notify.tell("READY=1")
    assert manager.hears_nothing()
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    notify.tell("READY=1")  # the ear hears
    assert not manager.hears_nothing()


def listening(path: Path, **environment: str) -> subprocess.Popen[str]:
    program = forwarder()
    assert program
    return subprocess.Popen(
        [program, "--listen", path], env={**os.environ, **environment},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_forwarder_is_ready_once_it_listens(manager: Manager, tmp_path: Path) -> None:
    path = tmp_path / "forwarder.sock"
    with listening(path, NOTIFY_SOCKET=manager.name) as process:
        try:
            assert manager.heard() == "READY=1"
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.connect(str(path))
            process.terminate()
            assert manager.heard() == "STOPPING=1"
            assert process.wait(5) == 0
        finally:
            process.kill()


def test_a_second_forwarder_gives_up_in_a_way_that_services_do_not_repeat(
    manager: Manager, tmp_path: Path
) -> None:
    """systemd/vswitch-forwarder.service has RestartPreventExitStatus=2."""
    path = tmp_path / "forwarder.sock"
    with listening(path, NOTIFY_SOCKET=manager.name) as first:
        try:
            manager.heard()
            with listening(path) as second:
                assert second.wait(5) == 2
                assert second.stderr
                assert "another forwarder listens there" in second.stderr.read()
            with listening(tmp_path / "nowhere" / "forwarder.sock") as elsewhere:
                assert elsewhere.wait(5) == 1  # this may be mended meanwhile
        finally:
            first.kill()
