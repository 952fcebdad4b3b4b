"""A network namespace with veth pairs and a real daemon in it, and its remains removed.

The switch's ends and the testers' ends are in the same namespace; testers send and receive by
AF_PACKET sockets, so nothing of the machine's own network takes part.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datapath.kernel import inside, make_veth_pair, new_namespace
from tests.kit import needs
from vswitch.rpc.client import Client

ROOT = Path(__file__).parents[2]


def forwarder() -> Path | None:
    """The forwarder's program: told, installed beside this Python, or built in the checkout."""
    told = os.environ.get("VSWITCH_FORWARDER")
    beside = Path(sys.executable).with_name("vswitch-forwarder")
    built = sorted(ROOT.glob("build/*/vswitch-forwarder"), key=lambda p: p.stat().st_mtime)
    found = [Path(told)] if told else [beside, *reversed(built)]
    return next((path for path in found if os.access(path, os.X_OK)), None)


class Lab:
    """One namespace, one run and one state folder, any number of daemons one after the other."""

    def __init__(self, program: Path) -> None:
        self.namespace = new_namespace()
        self.folder = Path(tempfile.mkdtemp(prefix="vslab-"))
        self.run, self.state = self.folder / "run", self.folder / "state"
        self.log = self.folder / "log"
        self.daemons: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "VSWITCH_FORWARDER": str(program),
        }

    # ---- interfaces --------------------------------------------------------

    def wire(self, name: str, peer: str) -> socket.socket:
        """A veth pair: 'name' for the switch, and a socket on the other end."""
        inside(self.namespace, lambda: make_veth_pair(name, peer))
        for interface in (name, peer):
            self.shell("ip", "link", "set", interface, "up")
        return inside(self.namespace, lambda: tester(peer))

    def shell(self, *command: str) -> str:
        """Runs a program in the namespace; its output."""
        done = self.tried(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def tried(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a program in the namespace that may fail."""
        line = self.there(*command)
        return subprocess.run(line, capture_output=True, text=True, timeout=20, check=False)

    def there(self, *command: str) -> list[str]:
        """The command line that runs a command in the namespace (as the same process)."""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.namespace}", *command]

    # ---- the daemon --------------------------------------------------------

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        """A daemon by its command line; it may end by itself."""
        program = "from vswitch.daemon import main; raise SystemExit(main())"
        line = self.there(sys.executable, "-c", program, *arguments)
        with open(self.log, "a") as log:
            return subprocess.Popen(
                line, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment
            )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A daemon that is ready; '--run' and '--state' are added unless it is ephemeral."""
        where = ["--run", str(self.run)]
        where += [] if "--ephemeral" in arguments else ["--state", str(self.state)]
        daemon = self.launch(*arguments, *where)
        self.daemons.append(daemon)
        assert daemon.stdout
        ready, _, _ = select.select([daemon.stdout], [], [], 10)
        line = daemon.stdout.readline() if ready else ""
        assert "ready" in line, f"no daemon: {self.log.read_text()}"
        return daemon

    def call(self, method: str, lent: dict[str, int] | None = None, /, **params: object) -> Any:
        with Client(self.run, timeout=10) as client:
            return client.call(method, lent, **params)

    def ofctl(self, command: str, *arguments: str) -> str:
        target = f"unix:{self.run}/br0.mgmt"
        return self.shell("ovs-ofctl", "-O", "OpenFlow13", command, target, *arguments)

    def forwarder_pid(self) -> int:
        return int(self.call("status")["forwarder"]["pid"])

    def has_forwarder_beside(self, pid: int) -> bool:
        """There is a forwarder, and it is not the one with that process id."""
        forwarder = self.call("status")["forwarder"]
        return bool(forwarder) and int(forwarder["pid"]) != pid

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.call("shutdown")
        for daemon in self.daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(5)
            daemon.kill()
            daemon.wait()
            if daemon.stdout:
                daemon.stdout.close()
        os.close(self.namespace)
        shutil.rmtree(self.folder, ignore_errors=True)


def tester(interface: str) -> socket.socket:
    """A raw socket that sees what the switch sends out of a veth, and not what we send."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((interface, 3))
    sock.settimeout(2)
    return sock


MARK = b"vswitch-lab"


def frame(number: int) -> bytes:
    """A numbered Ethernet frame of a local experimental type (0x88b5)."""
    head = bytes.fromhex("02000000000202000000000188b5")
    return head + MARK + struct.pack("!I", number) + bytes(40)


def numbers(sock: socket.socket, seconds: float, last: int | None = None) -> set[int]:
    """Numbers of the frames that arrive within 'seconds', or until that of the 'last' one does."""
    seen: set[int] = set()
    end = time.monotonic() + seconds
    while last not in seen and (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            data = sock.recv(2048)
        except TimeoutError:
            break
        if data[14 : 14 + len(MARK)] == MARK:
            seen.add(struct.unpack_from("!I", data, 14 + len(MARK))[0])
    return seen


def passes(sender: socket.socket, receiver: socket.socket, number: int, seconds: float = 2) -> bool:
    """Whether a frame sent again and again gets through within 'seconds'."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):  # "network is down" is told once, after it is up again
            sender.send(frame(number))
        if number in numbers(receiver, 0.02):
            return True
    return False


def ended(pid: int, seconds: float = 5) -> bool:
    """Whether a process is gone within 'seconds'."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def laboratory() -> Iterator[Lab]:
    """A lab for a fixture; skips where there can't be namespaces, and for nothing else."""
    needs.namespaces()
    program = forwarder()
    assert program, "vswitch-forwarder is not built: run `make`"
    lab = Lab(program)
    try:
        yield lab
    finally:
        lab.close()
