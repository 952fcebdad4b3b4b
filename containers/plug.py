"""A container's port, looked after: noticed when it is gone, and asked for again.

Daemon and forwarder may both die, or be shut down, while a container lives on: then its interface
is gone with the last descriptor of its port, whoever closed that.  So what is looked at is the
interface, twice a second; no daemon needs to be asked as long as it is there.  If it isn't, the
operator API is asked for the port again, as anybody would ask, until there is one: with what the
daemon remembers of it (number, Ethernet address, VLANs, queues).  What the operator took off stays
off until `vswitch connect`.

Who looks: the runner of an attached container, and for detached ones their keeper (`keeper.py`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from containers import port
from containers.registry import Entry, Registry
from vswitch import paths
from vswitch.errors import Failure
from vswitch.rpc.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Event

LOOK_SECONDS = 0.5
RETRY_SECONDS = 2.0
"""How long a daemon that refused is left alone; one that is new is asked at once."""
ANSWER_SECONDS = 5.0


def off(entry: Entry) -> str:
    """Why a port that the operator took off is not there."""
    return f"port {entry.spec.port} was taken off bridge {entry.spec.bridge}; {advice(entry)}"


def advice(entry: Entry) -> str:
    """What an operator does for a container that lost its port."""
    return f"vswitch connect {entry.name}"


class RunningProcess:
    """A container's process 1: its folder in /proc, which is never another's."""

    def __init__(self, entry: Entry) -> None:
        """ProcessLookupError if it has ended, or is not one of our pid namespace."""
        self.pidfd = entry.keeper.open()
        try:
            self._folder = os.open(f"/proc/{entry.keeper.pid}", os.O_PATH | os.O_CLOEXEC)
            os.close(entry.keeper.open())  # alive now, so it was its number all the time
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of its descriptors; once more is fine."""
        for name in ("pidfd", "_folder"):
            if (fd := getattr(self, name, -1)) >= 0:
                os.close(fd)
                setattr(self, name, -1)

    def __enter__(self) -> RunningProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def has(self, interface: str) -> bool:
        """Whether there is an interface of that name in its network namespace.
        ProcessLookupError once it has ended."""
        # A read gives a page of it, about thirty interfaces, however much is asked for.
        with self._opened("net/dev") as fd, open(fd, errors="replace", closefd=False) as lines:
            return any(line.partition(":")[0].strip() == interface for line in lines)

    @contextlib.contextmanager
    def namespace(self) -> Iterator[int]:
        """A descriptor of its network namespace.  ProcessLookupError once it has ended."""
        with self._opened("ns/net") as fd:
            yield fd

    @contextlib.contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError as error:
            raise ProcessLookupError(str(error)) from None
        try:
            yield fd
        finally:
            os.close(fd)


def is_plugged(entry: Entry) -> bool:
    """Whether a container that lives here has the interface it was given.  One that can't be looked
    at has ended meanwhile."""
    with contextlib.suppress(ProcessLookupError), RunningProcess(entry) as process:
        return process.has(entry.spec.interface)
    return True


def connect(client: Client, entry: Entry, process: RunningProcess, *, anyway: bool) -> bool:
    """Asks for the container's port again; False: the operator has taken it off, and it is not to
    be there `anyway`.  Failure says why it can't be."""
    with process.namespace() as namespace:
        path = f"/proc/{entry.keeper.pid}/ns/net"
        lent = {"namespace": namespace, "process": process.pidfd}
        words = port.request(entry.spec, path, str(entry.keeper))
        return client.call("port.add", lent, **words, again=True, anyway=anyway) is not None


class Plug:
    """One container's port.  `look` at it now and then."""

    def __init__(self, registry: Registry, entry: Entry) -> None:
        """ProcessLookupError if the container has ended."""
        self.entry = entry
        self._registry = registry
        self._process = RunningProcess(entry)
        self._said: str | None = ""
        """What `ps` was told last; "" is what is not known."""
        self._door: object = None
        """Which daemon was asked last, as its socket tells."""
        self._next = 0.0

    def close(self) -> None:
        """Lets go of the container's descriptors."""
        self._process.close()

    def look(self, now: float) -> None:
        """Asks for the port if it is gone and it is time; `now` is in seconds of any clock.
        ProcessLookupError once the container has ended."""
        plugged = self._process.has(self.entry.spec.interface)
        if plugged or not self.entry.spec.bridge:
            self._say(None)
            return
        door = _door(self._registry.run)
        if door == self._door and now < self._next:
            return
        self._door, self._next = door, now + RETRY_SECONDS
        self._say(self._ask())

    def _ask(self) -> str | None:
        """Asks for it; why it can't be had, or None."""
        try:
            with Client(self._registry.run, timeout=ANSWER_SECONDS) as client:
                there = connect(client, self.entry, self._process, anyway=False)
        except Failure as failure:
            return str(failure)
        return None if there else off(self.entry)

    def _say(self, why: str | None) -> None:
        if why != self._said:
            with contextlib.suppress(Failure):  # somebody holds the folder: the next time, then
                self._registry.say_detached(self.entry, why)
                self._said = why


def _door(run: str) -> object:
    """Which socket of a daemon there is: another one, another daemon."""
    with contextlib.suppress(OSError):
        found = os.stat(paths.socket_path(run))
        return found.st_ino, found.st_ctime_ns
    return None


@contextlib.contextmanager
def plugged(registry: Registry, entry: Entry) -> Iterator[None]:
    """Within, the container's port is looked after, beside everything else."""
    if not entry.spec.bridge:
        yield
        return
    import threading

    over = threading.Event()
    # Nobody waits for it in the end: it may wait for a daemon that hangs.
    threading.Thread(target=_look_after, args=(registry, entry, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _look_after(registry: Registry, entry: Entry, over: Event) -> None:
    with contextlib.suppress(ProcessLookupError):
        plug = Plug(registry, entry)
        try:
            while not over.wait(LOOK_SECONDS):
                plug.look(time.monotonic())
        finally:
            plug.close()
