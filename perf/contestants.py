"""Two switches to compare: ours, and Open vSwitch's where it is installed.

Each has a folder and a network namespace of its own, listens there for OpenFlow on port 6653, and
is started and ended here; no service of the machine is touched, and what was made is removed.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Self

from datapath.kernel import inside, make_veth_pair, new_namespace
from perf.problem import PerfProblem

PORT = 6653
START_S = 10.0
PEER = "ovs-vswitchd"
FOLDERS = ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")
"""Where the peer's programs put sockets of their own accord."""

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


class Contestant:
    """A switch named 'name' with one bridge br0, there while it is entered."""

    name = ""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vsperf-"))
        self.namespace = new_namespace()
        self.environment = os.environ | dict.fromkeys(FOLDERS, str(self.folder))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.fresh = 0
        """Bytes of memory before it was asked for anything."""

    def __enter__(self) -> Self:
        try:
            self.make_links()
            self.start()
            self.connect().close()
            self.fresh = self.memory()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts its programs."""
        raise NotImplementedError

    # ---- the same for both -----------------------------------------------------

    def make_links(self) -> None:
        """'in', a port of the switch, and 'source', whose frames come in there."""
        self.run("ip", "link", "set", "lo", "up")
        inside(self.namespace, lambda: make_veth_pair("in", "source"))
        for interface in ("in", "source"):
            self.there(partial(quiet, interface))
            self.run("ip", "link", "set", interface, "up")

    def there(self, task: Callable[[], None]) -> None:
        """Does something in its namespace."""
        inside(self.namespace, task)

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """A program in its namespace, which ends with the contestant."""

        def start() -> subprocess.Popen[bytes]:
            with open(self.folder / "log", "ab") as log:
                return subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
                )

        process = inside(self.namespace, start)
        self.processes.append(process)
        return process

    def run(self, *command: str) -> None:
        """A program in its namespace that has to succeed."""
        done = inside(
            self.namespace,
            lambda: subprocess.run(command, capture_output=True, timeout=120, check=False),
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip() or f"code {done.returncode}"
            raise PerfProblem(f"{' '.join(command[:3])} ...: {said}; see that it is installed")

    def ofctl(self, *arguments: str) -> float:
        """Seconds that an ovs-ofctl command takes; what it prints is thrown away."""
        command = ["ovs-ofctl", "-O", "OpenFlow13", arguments[0], f"tcp:127.0.0.1:{PORT}"]
        began = time.perf_counter()
        self.run("sh", "-c", '"$@" > /dev/null', "sh", *command, *arguments[1:])
        return time.perf_counter() - began

    def connect(self) -> socket.socket:
        """A TCP connection to the bridge."""
        end = time.monotonic() + START_S
        while True:
            try:
                sock = inside(
                    self.namespace, lambda: socket.create_connection(("127.0.0.1", PORT), 5)
                )
            except OSError as error:
                if time.monotonic() > end:
                    raise PerfProblem(f"{self.name} does not answer: {self.words()}") from error
                time.sleep(0.02)
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock

    def words(self) -> str:
        """The last line that its programs said."""
        with contextlib.suppress(OSError):
            lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else "it said nothing"
        return "it said nothing"

    def pids(self) -> list[int]:
        """Of the processes that are the switch."""
        raise NotImplementedError

    def memory(self) -> int:
        """Bytes of memory: the proportional share (PSS) of its processes."""
        return sum(map(pss, self.pids()))

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return sum(map(cpu, self.pids()))

    def close(self) -> None:
        """Ends its programs, the youngest first, and removes what it made."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        os.close(self.namespace)
        shutil.rmtree(self.folder, ignore_errors=True)


class Ours(Contestant):
    """vswitchd and its forwarder."""

    name = "vswitch"

    def start(self) -> None:
        bridge = ["--bridge", "br0", "--fail-mode", "secure", "--port", "in"]
        program = "from vswitch.daemon import main; raise SystemExit(main())"
        self.daemon = self.spawn(
            *(sys.executable, "-c", program, "--ephemeral", "--run", str(self.folder / "run")),
            *(*bridge, "--listen", f"ptcp:{PORT}"),
        )

    def pids(self) -> list[int]:
        return [self.daemon.pid, *children(self.daemon.pid)]


class OpenVSwitch(Contestant):
    """ovs-vswitchd with a database of its own, forwarding in user space as we do."""

    name = "Open vSwitch"

    def start(self) -> None:
        database, remote = self.folder / "conf.db", f"unix:{self.folder}/db.sock"
        self.run("ovsdb-tool", "create", str(database), str(SCHEMA))
        control = f"--unixctl={self.folder}"
        self.spawn(
            *("ovsdb-server", str(database), f"--remote=p{remote}", f"{control}/ovsdb.ctl"),
            *("--pidfile=" + str(self.folder / "ovsdb.pid"),),
        )
        appears(self.folder / "db.sock")
        configure = ["ovs-vsctl", f"--db={remote}", "-t", "10"]
        self.run(*configure, "--no-wait", "init")
        self.switch = self.spawn(
            *(PEER, remote, f"{control}/switch.ctl", f"--pidfile={self.folder}/switch.pid"),
        )
        self.run(
            *(*configure, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev"),
            *("fail_mode=secure", "protocols=OpenFlow13", "other-config:disable-in-band=true"),
            *("--", "add-port", "br0", "in", "--", "set", "interface", "in", "ofport_request=1"),
            *("--", "set-controller", "br0", f"ptcp:{PORT}", "--", "set", "controller", "br0"),
            *("controller_rate_limit=10000000", "controller_burst_limit=10000000"),
        )

    def pids(self) -> list[int]:
        return [self.switch.pid]


@contextlib.contextmanager
def both() -> Iterator[list[Contestant]]:
    """Ours, and the peer if it is installed."""
    with contextlib.ExitStack() as stack:
        contestants: list[Contestant] = [stack.enter_context(Ours())]
        if shutil.which(PEER) and SCHEMA.is_file():
            contestants.append(stack.enter_context(OpenVSwitch()))
        yield contestants


def quiet(interface: str) -> None:
    """The kernel says nothing of its own on an interface (no IPv6 there)."""
    with contextlib.suppress(OSError):  # there is no IPv6 at all
        Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6").write_text("1")


def appears(path: Path) -> None:
    """Waits until there is a file of that name; PerfProblem after START_S seconds."""
    end = time.monotonic() + START_S
    while not path.exists():
        if time.monotonic() > end:
            raise PerfProblem(f"{path.name} does not appear; see that Open vSwitch is whole")
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def pss(pid: int) -> int:
    """Proportional set size in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu(pid: int) -> float:
    """Processor time of all its threads in seconds."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9
