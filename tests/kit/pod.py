"""A run folder, and `vswitch run ...` in it as its user would call it: as a program.

What runs inside is /bin/sh with the usual small tools, since a container with the machine's
files sees neither /tmp nor, maybe, this Python.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from containers.answers import CONTAINER
from tests.kit import needs

ROOT = Path(__file__).parents[2]
NOBODY = 65534
PROGRAM = "import sys; from vswitch.cli import main; sys.exit(main())"


def init() -> Path | None:
    """vswitch-init: told, installed beside this Python, or built in the checkout."""
    told = os.environ.get("VSWITCH_INIT")
    beside = Path(sys.executable).with_name("vswitch-init")
    built = sorted(ROOT.glob("build/*/vswitch-init"), key=lambda p: p.stat().st_mtime)
    found = [Path(told)] if told else [beside, *reversed(built)]
    return next((path for path in found if os.access(path, os.X_OK)), None)


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    def lines(self) -> list[str]:
        return self.out.splitlines()

    def fields(self) -> dict[str, str]:
        """Lines of "key: value", as in /proc/PID/status."""
        pairs = (line.partition(":") for line in self.lines())
        return {key.strip(): value.strip() for key, _, value in pairs}


class Pod:
    """Containers of one run folder, started by us or by a `user` without rights."""

    def __init__(self, program: Path, run: Path | None = None, user: int | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vspod-"))
        self.user = user
        self._as: dict[str, Any] = {}
        if user is not None:
            os.chown(self.folder, user, user)
            self._as = {"user": user, "group": user, "extra_groups": []}
        self.run_folder = run or self.folder / "run"
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "VSWITCH_INIT": str(program),
            "VSWITCH_RUN": str(self.run_folder),
        }
        self._started: list[subprocess.Popen[str]] = []

    def own(self, folder: Path) -> Path:
        """The folder and all in it, given to whoever starts the containers."""
        for path in (folder, *folder.rglob("*")) if self._as else ():
            os.chown(path, self._as["user"], self._as["group"])
        return folder

    def popen(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """The command, under way."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            **{"env": self.environment, "text": True, **streams, **self._as, **options},
        )
        self._started.append(process)
        return process

    def vswitch(self, *words: str, given: str = "", **options: Any) -> Result:
        """The command, from start to end."""
        process = self.popen(*words, **options)
        out, err = process.communicate(given, timeout=30)
        return Result(process.returncode, out or "", err or "")

    def starts(self, root: Path, script: str, seconds: float) -> Result:
        """Containers with that root, a script in each, one after another as fast as they start."""
        code = "import sys; from tests.kit.birth import start_over_and_over as s;"
        code += " s(*sys.argv[1:5], float(sys.argv[5]))"
        words = [self.environment["VSWITCH_INIT"], str(root), script, str(self.folder / "births")]
        process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-c", code, *words, str(seconds)], env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self._as,
        )  # fmt: skip
        self._started.append(process)
        out, err = process.communicate(timeout=seconds + 30)
        return Result(process.returncode, out, err)

    def run(self, *words: str, given: str = "", **options: Any) -> Result:
        return self.vswitch("run", *words, given=given, **options)

    def sh(self, script: str, *options: str) -> Result:
        """A shell script in a container of its own."""
        return self.run(*options, "--", "sh", "-c", script)

    def ps(self) -> list[dict[str, Any]]:
        result = self.vswitch("-o", "json", "ps")
        assert result.code == 0, result.err
        listed: list[dict[str, Any]] = json.loads(result.out)
        assert [wrong for one in listed for wrong in CONTAINER.wrong(one, "ps")] == []
        return listed

    def pid(self, name: str) -> int:
        """Process 1 of a container, once it runs."""
        found = [0]

        def runs() -> bool:
            found[:] = [entry["pid"] for entry in self.ps() if entry["name"] == name]
            return bool(found and found[0])

        eventually(runs)
        return found[0]

    def close(self) -> None:
        """Ends what a failed test has left."""
        with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
            for name in set(os.listdir(self.run_folder / "containers")) - {".lock"}:
                self.vswitch("rm", "-f", name)
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def pods(run: Path | None = None, user: int | None = None) -> Iterator[Pod]:
    """For a fixture: a pod, of that user or our own; skips where they can have no namespaces."""
    if user is not None:
        needs.another_user(user, ROOT / "vswitch/cli/__init__.py")
        needs.user_namespaces(user)
    else:
        needs.namespaces()
    program = init()
    assert program, "vswitch-init is not built: run `make`, or name it in VSWITCH_INIT"
    pod = Pod(program, run, user)
    try:
        yield pod
    finally:
        pod.close()


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for something that another process does; fails if it takes too long."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.005)


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    with contextlib.suppress(OSError):
        return [int(word) for word in tasks.read_text().split()]
    return []


def is_gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def little_root(folder: Path, programs: Sequence[str] = ("sh", "ls", "cat", "touch")) -> Path:
    """A root file system with these programs and the libraries they need."""
    for name in programs:
        path = shutil.which(name)
        assert path
        _copy(folder / "bin", Path(path))
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        for word in listed.split():
            if word.startswith("/"):
                _copy(folder / Path(word).parent.relative_to("/"), Path(word))
    return folder


def _copy(folder: Path, path: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder / path.name)
