"""A bare Debian 12: its files, as a folder that is thrown away, and booted with systemd.

debootstrap makes the files once (build/debian, some 200 MB); what a test does to them goes into an
overlay.  A machine is that folder in namespaces of its own with systemd as process 1: no virtual
machine, so packets and processes are as fast as here, and nothing of it is left when it ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from tests.kit import needs
from tests.kit.console import Shell

BUILD = Path(__file__).parents[2] / "build"
SUITE = "bookworm"
MIRROR = os.environ.get("DEBIAN_MIRROR")
"""Of Debian's packages; debootstrap's own if nothing is said."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "TERM": "dumb", "DEBIAN_FRONTEND": "noninteractive"}

ENTER = """
cd "$1"; shift
mount --bind . . && cd "$PWD"
mount -t proc proc proc; mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs tmp; mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    touch dev/$node; mount --bind /dev/$node dev/$node
done
mkdir dev/net dev/pts dev/shm; touch dev/net/tun; mount --bind /dev/net/tun dev/net/tun
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
[ "$1" != boot ] || { hostname debian; mount -t cgroup2 cgroup2 sys/fs/cgroup; }
pivot_root . mnt; umount -l /mnt; cd /
"""
"""In fresh namespaces: the folder $1 becomes the root, with what a machine has beside files."""
BOOT = """
mount --make-rshared /
exec env -i container=test PATH=$PATH /lib/systemd/systemd --system --log-target=journal
"""
"""Shared, as systemd makes it where it is no container's: mounts of later show in services, too."""


def base() -> Path:
    """The files of a bare Debian, nobody's to change; skips where debootstrap is missing."""
    needs.namespaces()
    needs.many_users()
    needs.program("debootstrap", "debootstrap")
    made = BUILD / "debian" / SUITE
    if not made.exists():
        fresh = made.with_name(f"{SUITE}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        line = ["debootstrap", "--variant=minbase", SUITE, str(fresh)]
        line += [MIRROR] if MIRROR else []
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        fresh.rename(made)
    return made


class Root:
    """Files to work with: those of `below`, the lowest first, and what is changed over them."""

    def __init__(self, *below: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="vsroot-"))
        self.changes, self.path = self._folder / "changes", self._folder / "root"
        for folder in (self.changes, self.path, work := self._folder / "work"):
            folder.mkdir(mode=0o755)
        lower = ":".join(map(str, reversed(below)))
        options = f"lowerdir={lower},upperdir={self.changes},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", self.path], check=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.path], check=True)
        shutil.rmtree(self._folder)

    def reach_mirrors(self) -> dict[str, str]:
        """Lets programs inside reach the mirrors as we do; the environment that they need."""
        (self.path / "etc/dpkg/dpkg.cfg.d/quick").write_text("force-unsafe-io\n")
        certificates = "etc/certificates-of-the-mirrors"  # the usual name is a package's
        usual = "etc/ssl/certs/ca-certificates.crt"
        places = {"etc/resolv.conf": "etc/resolv.conf", "etc/pip.conf": "etc/pip.conf"}
        for name, place in {**places, usual: certificates}.items():
            if Path("/", name).exists():
                shutil.copy(Path("/", name), self.path / place)
        told = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        return {"PIP_CERT": f"/{certificates}", "PIP_ROOT_USER_ACTION": "ignore", **told}

    def shell(self, network: bool, **environment: str) -> Shell:
        """A bash in there, in this machine's network or in one of its own."""
        flags = "-mpf" if network else "-mpfn"
        line = ["unshare", flags, "--kill-child", "--propagation", "private", "bash", "-ec"]
        enter = f"{ENTER}\nip link set lo up 2>/dev/null || true\nexec bash +e"
        line += [enter, "bash", str(self.path), "enter"]
        return Shell(line, {**ENVIRONMENT, **environment})


class Machine:
    """A root with systemd as process 1, in namespaces of its own."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._cgroup = f"vswitch-test-{os.getpid()}"
        self.boot()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.power_off()

    def boot(self) -> None:
        """Starts it; returns when all that is enabled runs, or has failed."""
        line = ["unshare", "-mpfuinC", "--kill-child", "--propagation", "private", "bash", "-ec"]
        line += [ENTER + BOOT, "bash", str(self._root.path), "boot"]
        with _cgroups() as cgroups:
            own = cgroups / self._cgroup
            own.mkdir(exist_ok=True)
            join = ["bash", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', str(own)]
            self._log = tempfile.TemporaryFile()  # noqa: SIM115
            self._unshare = subprocess.Popen(
                [*join, *line], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
            )
            self._wait_until(lambda: self._pid() > 0, "no process 1")
        self._wait_until(lambda: self._state() in ("running", "degraded"), "not up")

    def power_off(self) -> None:
        """Ends it in order, as `poweroff` does."""
        pid = self._pid()
        if pid:
            os.kill(pid, signal.SIGRTMIN + 4)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._unshare.wait(30)
        self._unshare.kill()
        self._unshare.wait()
        self._log.close()
        with _cgroups() as cgroups:
            _remove(cgroups / self._cgroup)

    def line(self, *command: str) -> list[str]:
        """The command line that runs a command in there."""
        enter = ["nsenter", "-t", str(self._pid()), "-m", "-p", "-n", "-i", "-u", "-C"]
        return [*enter, "env", "-i", "--chdir=/", f"PATH={PATH}", *command]

    def shell(self) -> Shell:
        return Shell(self.line("bash"))

    def tried(self, *command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """A command in there that may fail."""
        return subprocess.run(
            self.line(*command), capture_output=True, text=True, timeout=seconds, check=False
        )

    def run(self, *command: str, seconds: float = 60) -> str:
        """What a command in there prints."""
        done = self.tried(*command, seconds=seconds)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def _pid(self) -> int:
        """Process 1 as we see it; 0 before it is systemd."""
        pid = self._unshare.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                    return int(child)
        return 0

    def _state(self) -> str:
        return self.tried("systemctl", "is-system-running").stdout.strip()

    def _wait_until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not holds():
            self._log.seek(0)
            said = self._log.read().decode(errors="replace")
            assert time.monotonic() < end, f"{what}: {said}"
            assert self._unshare.poll() is None, f"{what}, it ended: {said}"
            time.sleep(0.05)


@contextlib.contextmanager
def _cgroups() -> Iterator[Path]:
    """The machine's tree of control groups (v2), mounted for a moment."""
    folder = Path(tempfile.mkdtemp(prefix="vscgroup-"))
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def _remove(group: Path) -> None:
    """A control group with those below it, once the processes are gone."""
    for folder, _, _ in os.walk(group, topdown=False):
        for _ in range(100):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
                break
            time.sleep(0.02)
