"""Starting vswitch-init with a plan, and the line to it.

The program runs from a sealed copy in memory, so that nothing a container reaches leads to
the file on disk (HARDENING S28).  It clones the container's first process as *our* child and
ends; `Birth` holds that child: its pid, the control socket, and the duty to reap it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Self

from containers.control import (
    GO,
    MESSAGE_MAX,
    Born,
    Broken,
    Closed,
    Message,
    Ready,
    Standing,
    Terminal,
    decode,
)
from containers.encode import encode
from containers.plan import Caller
from containers.problem import failure
from containers.steps import Step
from vswitch import patience
from vswitch.errors import Exit, Failure

PROGRAM = "vswitch-init"
ALL_IDS = (1 << 32) - 1
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def find(environment: Mapping[str, str]) -> str:
    """The program's path: told, beside this Python, or on PATH; Failure if it is nowhere."""
    told = environment.get("VSWITCH_INIT")
    folders = (os.path.dirname(sys.executable), *os.get_exec_path(environment))
    for path in (told,) if told else (os.path.join(folder, PROGRAM) for folder in folders):
        if os.access(path, os.X_OK):
            return path
    where = f"not at {told}" if told else f"neither beside {sys.executable} nor on PATH"
    raise Failure(PROGRAM, f"it is {where}", "build it, or name it in VSWITCH_INIT")


def caller() -> Caller:
    """Who we are and which ids exist here."""
    return Caller(
        os.geteuid(), os.getegid(), _ranges("uid_map"), _ranges("gid_map"),
        _read("setgroups").strip() == "allow", os.uname().machine, window(),
    )  # fmt: skip


def trusted() -> frozenset[int]:
    """Whose links we follow: our own, root's, and where not all ids exist, those of nobody that
    can be told: root's look so there.
    """
    here = {0, os.geteuid()}
    if sum(count for _, count in _ranges("uid_map")) < ALL_IDS:
        with open("/proc/sys/kernel/overflowuid") as file:
            here.add(int(file.read()))
    return frozenset(here)


def window() -> tuple[int, int]:
    """Rows and columns of the terminal that we sit at; 0, 0 if none of the three streams is one."""
    for fd in (0, 1, 2):
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(fd)
            return rows, columns
    return 0, 0


def _ranges(name: str) -> tuple[tuple[int, int], ...]:
    rows = (line.split() for line in _read(name).splitlines())
    return tuple((int(first), int(count)) for first, _, count in rows)


def _read(name: str) -> str:
    with open(f"/proc/self/{name}") as file:
        return file.read()


def _in_memory(name: str, content: bytes, seals: int = 0) -> int:
    """An fd of a file that exists only in memory."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    left = memoryview(content)
    while left:
        left = left[os.write(fd, left) :]
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


class Birth:
    """A container's (or an entering command's) first process, from clone to reaping.

    Used as a context: leaving it kills and reaps what is still there.  Not for several threads.
    """

    def __init__(self, subject: str) -> None:
        """`subject` begins the sentences, as in "container c1"."""
        self._subject = subject
        self._children: list[int] = []
        self.control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.flags = 0
        self.pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.control.close()
        self._theirs.close()
        for pid in self._children:
            _kill_and_reap(pid)
        self._children.clear()

    def start(
        self,
        program: str,
        steps: Sequence[Step],
        output: int | None = None,
        inherit: Sequence[int] = (),
    ) -> None:
        """Runs `steps` in a new vswitch-init, which closes all fds of ours but those named here.

        `output` is for standard output and error, with nothing to read as input; without it the
        three are ours.  `inherit` are fds that the steps name.  Returns once there is a child in
        its namespaces; Failure if there is none.
        """
        with open(program, "rb") as file:
            image = _in_memory(PROGRAM, file.read(), _SEALS)
        plan = _in_memory("plan", encode(steps))
        try:
            parent = self._spawn(image, (plan, self._theirs.fileno(), *inherit), output)
        finally:
            os.close(image)
            os.close(plan)
            self._theirs.close()
        self._children.append(parent)
        self._follow()
        os.waitpid(parent, 0)
        self._children.remove(parent)

    def _spawn(self, image: int, handed: Sequence[int], output: int | None) -> int:
        for fd in handed:
            os.set_inheritable(fd, True)
        return os.posix_spawn(
            f"/proc/self/fd/{image}", [PROGRAM, "0", *map(str, handed)], {},
            file_actions=_redirect(output),
        )  # fmt: skip

    def _follow(self) -> None:
        """Listens until the child can be used: it has its namespaces or has joined others'."""
        while not self.pid:
            match self._awaited():
                case Born(pid):
                    self._children.append(pid)
                case Ready(flags):
                    self.flags = flags
                    self.pid = self._children[-1]
                case Broken() as broken:
                    self._check(broken)
                case Closed() | Standing() | Terminal():
                    raise self._killed()

    def _killed(self) -> Failure:
        return Failure(self._subject, f"{PROGRAM} was killed", "try again")

    def await_walls(self) -> None:
        """Returns once the container is whole but for its port: before that, who joined it would
        stand in the machine's tree.  Failure if it can't be made."""
        message = self._awaited()
        self._check(message)
        if not isinstance(message, Standing):
            raise self._killed()

    def _awaited(self) -> Message:
        """The next message, if it comes in time: what is mounted may hang."""
        limit = patience.limit()
        self.control.settimeout(limit)
        try:
            return self.receive()
        except TimeoutError:
            why = f"{PROGRAM} has not made it within {limit:g} s"
            do = "see whether its root's file system answers, or wait longer with --timeout"
            raise Failure(self._subject, why, do, Exit.TIMED_OUT) from None
        finally:
            self.control.settimeout(None)

    def receive(self) -> Message:
        """The next message, waiting for it."""
        try:
            data, fds = self._receive()
        except ConnectionResetError:  # it ended without reading our go; what it said still waits
            data, fds = self._receive()
        return decode(data, fds)

    def _receive(self) -> tuple[bytes, list[int]]:
        flags = socket.MSG_CMSG_CLOEXEC
        data, fds, _, _ = socket.recv_fds(self.control, MESSAGE_MAX, 1, flags)
        return data, fds

    def go(self) -> None:
        """Lets the command start: its port is in place."""
        try:
            self.control.send(GO)
        except OSError:  # it has failed meanwhile, and has said so
            return

    def await_command(self) -> None:
        """Returns once the command runs; Failure if it can't be started.

        Only for a detached container: an attached one's process 1 keeps the line open.
        """
        self._check(self._awaited())

    def _check(self, message: Message) -> None:
        if isinstance(message, Broken):
            raise failure(self._subject, message)

    def release(self) -> None:
        """The container lives on without us."""
        self._children.remove(self.pid)

    def reap(self) -> int:
        """Waits for the child's end; its exit code, or 128 + signal."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._children.remove(self.pid)
        return code if code >= 0 else 128 - code

    def check(self, broken: Broken | None = None) -> None:
        """When the process has ended: Failure if that was because a step failed.

        `broken` is what init said; or it is still on the line.
        """
        self.control.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            message = broken or self.receive()
            self._check(self.receive() if isinstance(message, Standing) else message)


def _redirect(output: int | None) -> list[tuple[int, ...] | tuple[int, int, str, int, int]]:
    if output is None:
        return []
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]


def _kill_and_reap(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
