"""The forwarder's process: finding the program, starting it, knowing when it is dead.

The forwarder must outlive a daemon that is killed, so it is started in a session of its own with
nothing of the daemon's but its log file, and it is never waited for as a child would be: a pidfd
tells of its end whether this daemon started it or adopted it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from vswitch.daemon.folders import Folders
from vswitch.daemon.link import connect
from vswitch.errors import Failure
from vswitch.namedsocket import make_room

PROGRAM = "vswitch-forwarder"
SERVICE = PROGRAM
START_SECONDS = 5.0
"""How long a new forwarder may take until it listens; it needs some milliseconds."""

STEP_SECONDS = 0.002

WAIT_STEP_SECONDS = 0.01
"""How often one that others start is looked for: that may be for long."""


def candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where the program may be, best first: told, beside this Python, on PATH, in the package."""
    if told := environment.get("VSWITCH_FORWARDER"):
        yield Path(told)
        return
    yield Path(sys.executable).with_name(PROGRAM)
    if found := shutil.which(PROGRAM):
        yield Path(found)
    import datapath

    for folder in datapath.__path__:
        yield Path(folder) / PROGRAM


def find(environment: Mapping[str, str]) -> Path:
    """The forwarder's program.  Failure with a sentence if it is nowhere."""
    tried = list(candidates(environment))
    for path in tried:
        if os.access(path, os.X_OK):
            return path
    looked = ", ".join(map(str, tried))
    raise Failure(PROGRAM, f"it is not at {looked}", "build it, or name it in VSWITCH_FORWARDER")


class Child:
    """A forwarder of this daemon's own; kept only to be reaped."""

    def __init__(self, program: Path, folders: Folders, ephemeral: bool) -> None:
        self._log = folders.forwarder_log
        try:
            make_room(str(folders.forwarder), socket.SOCK_SEQPACKET)
        except OSError as error:
            what, why = f"forwarder's {folders.forwarder}", error.strerror or str(error)
            raise Failure(what, why, "end what has it, or choose another --run folder") from None
        command = [str(program), "--listen", str(folders.forwarder)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                command + ["--ephemeral"] * ephemeral,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                env={k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"},
            )

    def last_words(self) -> str:
        """The last line that it said on its standard error, "" if none."""
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    def ended(self) -> bool:
        """True when the process is gone; reaps it."""
        return self._process.poll() is not None


async def start(folders: Folders, ephemeral: bool) -> tuple[socket.socket, Child]:
    """A new forwarder and a socket connected to it.  Failure if it does not come up."""
    child = Child(find(os.environ), folders, ephemeral)
    for _ in range(int(START_SECONDS / STEP_SECONDS)):
        with contextlib.suppress(OSError):
            return await connect(folders.forwarder), child
        if child.ended():
            break
        await asyncio.sleep(STEP_SECONDS)
    words = child.last_words() or "it said nothing"
    raise Failure(f"{PROGRAM} did not start", words, f"see {folders.forwarder_log}")


async def wait(folders: Folders) -> tuple[socket.socket, None]:
    """A socket connected to the forwarder that somebody else starts.  Failure if none comes."""
    for _ in range(int(START_SECONDS / WAIT_STEP_SECONDS)):
        with contextlib.suppress(OSError):
            return await connect(folders.forwarder), None
        await asyncio.sleep(WAIT_STEP_SECONDS)
    raise Failure(
        PROGRAM,
        f"none listens at {folders.forwarder}",
        f"start its service (`systemctl start {SERVICE}`), or vswitchd without --adopt",
    )


def peer(sock: socket.socket) -> int:
    """The process that listens where 'sock' is connected to, by the number that it has here; 0 if
    it has none.  What it calls itself may be another process in our pid namespace."""
    credentials = struct.Struct("3i")
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
    pid: int = credentials.unpack(raw)[0]
    return pid


class Watch:
    """A process's end as a future, by pidfd; works for children and strangers alike.

    One without a number here (0) counts as ended: its socket is all we have of it.
    """

    def __init__(self, pid: int) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self.pid = pid
        self.ended: asyncio.Future[None] = loop.create_future()
        self._fd = -1
        with contextlib.suppress(ProcessLookupError):
            self._fd = os.pidfd_open(pid) if pid else -1
        if self._fd >= 0:
            loop.add_reader(self._fd, self._gone)
        else:
            self.ended.set_result(None)

    def _gone(self) -> None:
        self.close()
        if not self.ended.done():
            self.ended.set_result(None)

    def kill(self) -> bool:
        """SIGKILL to exactly this process, never to a later owner of its number.  False if it has
        none here, or may not be killed by us."""
        if self._fd < 0:
            return False
        try:
            signal.pidfd_send_signal(self._fd, signal.SIGKILL)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return True

    def close(self) -> None:
        """Watches no more; once more is fine."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
