"""Where the demo plays: a run folder of its own, processes that end with it, commands with limits.

Everything the demo does goes through the public commands, started from here as anybody would start
them. `Stage` is a context: leaving it ends whatever is still there, in whatever state.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

COMMAND_LIMIT_S = 30
END_LIMIT_S = 10


class Failed(Exception):
    """A step did not do what it should; the sentence says which and why."""


class Stage:
    """The demo's folder and processes. One thread."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vswitch-demo-"))
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "VSWITCH_RUN": str(self.folder / "run"),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._running.values()):
            end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *words: str) -> None:
        """Starts a command that stays; what it says goes to a log that `log` shows."""
        name = words[0]
        self._logs[name] = self.folder / f"{name}.log"
        with self._logs[name].open("wb") as log:
            process = subprocess.Popen(
                words,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._running[name] = process

    def say(self, *words: str) -> str:
        """Runs a command to its end and returns what it printed; Failed if it failed."""
        try:
            done = subprocess.run(
                words,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=COMMAND_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"'{' '.join(words)}' did not end in {COMMAND_LIMIT_S} s") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip() or "it said nothing"
            raise Failed(f"'{' '.join(words)}' ended with {done.returncode}: {said}")
        return done.stdout

    def vswitch(self, *words: str) -> str:
        """One `vswitch` command."""
        return self.say("vswitch", *words)

    def ask(self, *words: str) -> Any:
        """What a `vswitch` command tells as JSON."""
        return json.loads(self.vswitch("-o", "json", *words))

    def wait_for(self, what: str, is_so: Callable[[], bool], limit_s: float = 15) -> None:
        """Returns as soon as `is_so()`; Failed when it isn't in time or a process ended."""
        deadline = time.monotonic() + limit_s
        while not is_so():
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise Failed(f"{name} ended early, with {process.returncode}")
            if time.monotonic() > deadline:
                raise Failed(f"waited {limit_s:.0f} s in vain until {what}")
            time.sleep(0.02)

    def succeeds(self, *words: str) -> bool:
        """Whether the command works by now."""
        try:
            self.say(*words)
        except Failed:
            return False
        return True

    def log(self) -> str:
        """The last lines of what every started command said."""
        parts = []
        for name, path in self._logs.items():
            with contextlib.suppress(OSError):
                lines = path.read_text(errors="replace").splitlines()[-15:]
                parts += [f"--- {name}:", *lines]
        return "\n".join(parts)


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL if that is not enough."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A TCP port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def raise_loopback() -> None:
    """Brings `lo` up where it is down, as it is in a new network namespace (netdevice(7))."""
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(control, get_flags, request), 16)
        if not flags & up:
            fcntl.ioctl(control, set_flags, struct.pack("16sh14x", b"lo", flags | up))
