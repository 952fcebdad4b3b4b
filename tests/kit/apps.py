"""Hosts, switches and a controller with apps in it, all real, in network namespaces.

The switches and `vswitch-controller` are processes in the lab's namespace and talk OpenFlow over
its loopback; each host has a namespace of its own with one interface, whose other end is a port
of a switch. HTTP requests to an app leave from the lab's namespace.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from datapath.kernel import inside, make_veth_pair, new_namespace
from tests.kit.lab import ROOT, Lab, laboratory, tester

OPENFLOW, HTTP = 6653, 8080
TO_CONTROLLER = ("--controller", f"tcp:127.0.0.1:{OPENFLOW}")


def eventually(true: Callable[[], Any], seconds: float = 5) -> Any:
    """What `true()` says once it is true; what it says in the end if it never is."""
    end = time.monotonic() + seconds
    while not (said := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return said


@dataclass(frozen=True)
class Host:
    """A namespace with `eth0` in it."""

    namespace: int
    mac: str

    def sh(self, *command: str, seconds: float = 10) -> subprocess.CompletedProcess[str]:
        """Runs a program in the host."""
        there = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.namespace}", *command]
        return subprocess.run(there, capture_output=True, text=True, timeout=seconds, check=False)

    def reaches(self, address: str, wait_s: float = 1) -> bool:
        """Whether one ping is answered within `wait_s`."""
        return self.sh("ping", "-n", "-c1", f"-W{wait_s}", address).returncode == 0

    def pings(self, address: str, seconds: float = 5) -> bool:
        """Whether a ping is answered within `seconds`, tried again and again."""
        return bool(eventually(lambda: self.reaches(address, 0.3), seconds))

    def socket(self) -> socket.socket:
        """A raw socket on the host's interface."""
        return inside(self.namespace, lambda: tester("eth0"))


class Apps:
    """One lab with what runs in it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.hosts: list[Host] = []
        self.controllers: list[subprocess.Popen[str]] = []
        self.log = lab.folder / "controller.log"
        lab.shell("ip", "link", "set", "lo", "up")

    # ---- hosts and wires ---------------------------------------------------

    def host(self, port: str, *addresses: str) -> Host:
        """A host on the interface `port`, which a switch may take: 02:00:00:00:00:01 and on."""
        number = len(self.hosts) + 1
        host = Host(new_namespace(), f"02:00:00:00:00:{number:02x}")
        self.hosts.append(host)
        inside(self.lab.namespace, lambda: make_veth_pair(port, "eth0"))
        place = f"/proc/{os.getpid()}/fd/{host.namespace}"
        self.lab.shell("ip", "link", "set", "eth0", "netns", place)
        self.lab.shell("ip", "link", "set", port, "addrgenmode", "none", "up")
        settings = ("address", host.mac, "addrgenmode", "none", "up")
        assert not host.sh("ip", "link", "set", "eth0", *settings).returncode
        for address in addresses:
            assert not host.sh("ip", "address", "add", address, "dev", "eth0").returncode
        return host

    def cable(self, one: str, other: str) -> None:
        """A wire between two ports of switches."""
        inside(self.lab.namespace, lambda: make_veth_pair(one, other))
        for end in (one, other):
            self.lab.shell("ip", "link", "set", end, "addrgenmode", "none", "up")

    # ---- processes ---------------------------------------------------------

    def switches(self, *bridges: tuple[str, ...]) -> None:
        """One daemon with a bridge a tuple of port names: datapath ids 1, 2, ..."""
        words: list[str] = []
        for number, ports in enumerate(bridges, 1):
            words += ["--bridge", f"br{number - 1}", "--dpid", f"{number:x}"]
            words += [word for port in ports for word in ("--port", port)] + [*TO_CONTROLLER]
        self.lab.start("--ephemeral", *words)

    def controller(self, *arguments: str) -> subprocess.Popen[str]:
        """`vswitch-controller` that has said where it listens; its log goes to a file."""
        command = [sys.executable, "-m", "controlplane.runner", *arguments]
        with open(self.log, "a") as log:
            process = subprocess.Popen(
                self.lab.there(*command),
                cwd=self.lab.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.controllers.append(process)
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 20)
        line = process.stdout.readline() if ready else ""
        while line.startswith("[snort]"):
            line = process.stdout.readline()
        assert line.startswith("vswitch-controller: "), self.log.read_text()
        return process

    def run(self, app: str, *options: str, bridges: list[tuple[str, ...]]) -> None:
        """A controller with one app (or several with commas) and switches that have found it."""
        self.controller(app, *options)
        self.switches(*bridges)
        for number in range(len(bridges)):
            bridge = f"br{number}"
            assert eventually(lambda name=bridge: self.is_connected(name)), self.log.read_text()

    def is_connected(self, bridge: str) -> bool:
        """Whether the switch has its controller."""
        found = self.lab.call("controller.list", bridge=bridge)
        return any(one["connected"] for one in found)

    def logged(self, text: str, seconds: float = 5) -> bool:
        """Whether the controller's log has `text` within `seconds`."""
        return bool(eventually(lambda: text in self.log.read_text(), seconds))

    def check_log(self) -> None:
        """Nothing in the controller broke."""
        text = self.log.read_text()
        assert "Traceback" not in text, text

    def ofctl(self, command: str, bridge: str = "br0") -> str:
        """What `vswitch flow ls` and the like would show, through the operator API."""
        assert command == "dump-flows"
        return "\n".join(str(one) for one in self.lab.call("flow.list", bridge=bridge))

    # ---- HTTP --------------------------------------------------------------

    def connect(self, port: int = HTTP) -> socket.socket:
        """A TCP connection from the lab's namespace to its loopback."""
        return inside(
            self.lab.namespace, lambda: socket.create_connection(("127.0.0.1", port), timeout=5)
        )

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer of an HTTP request; JSON both ways, other text as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", HTTP, timeout=5)
        connection.sock = self.connect()
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            text = response.read().decode()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def get(self, path: str) -> Any:
        """The answer to a GET that is granted."""
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def close(self) -> None:
        """Ends controllers and hosts; the lab ends its own."""
        for process in self.controllers:
            process.terminate()
        for process in self.controllers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        for host in self.hosts:
            os.close(host.namespace)


def networks() -> Iterator[Apps]:
    """For a fixture; skips where namespaces can't be."""
    for lab in laboratory():
        apps = Apps(lab)
        try:
            yield apps
        finally:
            apps.close()
