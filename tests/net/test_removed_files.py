"""Files and folders removed under a real daemon and its forwarder; a store whose disk is full."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.apps import eventually
from tests.kit.lab import Lab, ended, kill, laboratory, passes
from vswitch.errors import RpcError
from vswitch.rpc.client import Client

Wires = tuple[socket.socket, socket.socket]


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def wires(lab: Lab) -> Iterator[Wires]:
    left, right = lab.wire("v1", "p1"), lab.wire("v2", "p2")
    with left, right:
        yield left, right


def switch(lab: Lab) -> subprocess.Popen[str]:
    """A stored daemon with a bridge that floods."""
    daemon = lab.start()
    lab.call("bridge.add", name="br0", fail_mode="standalone")
    lab.call("port.add", bridge="br0", name="v1")
    lab.call("port.add", bridge="br0", name="v2")
    return daemon


def answers(lab: Lab) -> bool:
    with contextlib.suppress(RpcError), Client(lab.run, timeout=5) as client:
        return bool(client.call("status"))
    return False


def state_of(lab: Lab) -> Path:
    return (lab.run / "state").resolve()


def test_shutdown_works_when_run_and_state_folder_were_removed(lab: Lab, wires: Wires) -> None:
    daemon = switch(lab)
    state, forwarder = state_of(lab), lab.forwarder_pid()
    shutil.rmtree(lab.run)
    shutil.rmtree(state)
    began = time.monotonic()
    assert eventually(lambda: answers(lab))
    assert time.monotonic() - began < 5  # half a second on a quiet machine
    assert passes(*wires, number=1)
    lab.call("shutdown")
    assert daemon.wait(10) == 0
    assert ended(forwarder)
    lab.start()
    assert [port["name"] for port in lab.call("port.list", bridge="br0")] == ["v1", "v2"]


def test_sigterm_works_when_the_folders_were_removed(lab: Lab, wires: Wires) -> None:
    daemon = switch(lab)
    forwarder = lab.forwarder_pid()
    daemon.send_signal(signal.SIGSTOP)
    shutil.rmtree(state_of(lab))
    shutil.rmtree(lab.run)
    daemon.send_signal(signal.SIGTERM)
    daemon.send_signal(signal.SIGCONT)
    assert daemon.wait(10) == 0
    assert passes(*wires, number=1)
    kill(forwarder)  # it goes on as always, but nobody finds it any more
    assert ended(forwarder)


def test_a_forwarder_whose_socket_was_removed_is_taken_over_all_the_same(
    lab: Lab, wires: Wires
) -> None:
    daemon = switch(lab)
    forwarder, sock = lab.forwarder_pid(), lab.run / "forwarder.sock"
    sock.unlink()
    assert eventually(sock.is_socket)
    assert lab.call("status")["troubles"] == []
    daemon.kill()
    daemon.wait()
    sock.unlink()
    assert eventually(sock.is_socket)
    assert passes(*wires, number=1)
    lab.start()
    assert lab.forwarder_pid() == forwarder
    assert passes(*wires, number=2)


def test_a_second_daemon_is_refused_though_every_lock_file_was_removed(
    lab: Lab, wires: Wires
) -> None:
    daemon = switch(lab)
    daemon.send_signal(signal.SIGSTOP)  # so that it puts nothing back
    for name in ("vswitchd.lock", "vswitch.sock.lock"):
        (lab.run / name).unlink()
    (state_of(lab) / "vswitchd.lock").unlink()
    second = lab.launch("--run", str(lab.run), "--state", str(lab.state))
    assert second.wait(10) == 1
    assert "it is in use by another process" in lab.log.read_text()
    daemon.send_signal(signal.SIGCONT)
    assert eventually((lab.run / "vswitchd.lock").exists)
    assert answers(lab)


@pytest.mark.parametrize("name", ["vswitch.sock", "forwarder.sock", "br0.mgmt"])
def test_no_name_of_ours_can_be_given_away(lab: Lab, wires: Wires, name: str) -> None:
    switch(lab)
    with pytest.raises(RpcError, match="is vswitchd's own"):
        lab.call("bridge.set", name="br0", listen=[f"punix:{lab.run}/{name}"])
    assert answers(lab)
    first = lab.launch(
        "--ephemeral", "--run", str(lab.run / "other"), "--bridge", "x",
        "--listen", f"punix:{lab.run}/other/{name}",
    )  # fmt: skip
    assert first.wait(10) == 2


def test_a_full_disk_is_told_and_nothing_is_half_done(lab: Lab, wires: Wires) -> None:
    daemon = lab.start()
    lab.call("bridge.add", name="br0", fail_mode="standalone")
    lab.call("port.add", bridge="br0", name="v1")
    room = (state_of(lab) / "vswitch.db-wal").stat().st_size
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    before = lab.call("export")
    taps = [{"name": f"t{n}", "kind": "tap"} for n in range(400)]
    bridge = {**before["bridges"][0], "ports": [*before["bridges"][0]["ports"], *taps]}
    with pytest.raises(RpcError, match=r"store .*; (free space on|check) its disk"):
        lab.call("apply", desired={"bridges": [bridge]})
    assert lab.call("export") == before
    assert [port["name"] for port in lab.call("port.list", bridge="br0")] == ["v1"]
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    lab.call("port.add", bridge="br0", name="v2")
    assert passes(*wires, number=1)
    daemon.kill()
    daemon.wait()
    lab.start()
    assert [port["name"] for port in lab.call("port.list", bridge="br0")] == ["v1", "v2"]
