"""The containers of a run folder: RUN/containers/NAME/ with what is known of each.

    state.json   who it is, which process, what was asked for (written whole or not at all)
    log, log.1   what a detached container wrote: the newer half is in one of them
    console      the socket by which a detached one can be joined
    detached     why its port is not there, as long as it isn't
    exit         its exit code, left there by its process 1; locked as long as the container lives

A name is taken by making its folder while holding the registry's lock; so are folders
removed.  An attached container's folder goes when it ends; if its runner was killed, the
next command that looks removes it.  A detached container's folder stays as "exited", with
its log, until `rm` or until its name is used again.

Who shares a run folder may count processes differently (another pid namespace): a number from
there says nothing here, but the lock on `exit` does.  And whatever else lies in RUN/containers
was put there by somebody else: it is left alone, and its name can't be used.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from containers.identity import Identity, identify, ourselves
from containers.spec import Spec
from vswitch import paths, patience, values
from vswitch.errors import Exit, Failure, Refused, SchemaError, shown

LOCK = ".lock"

LOCK_STEP_S = 0.002

FILES = frozenset(("state.json", "state.new", "log", "log.1", "console", "exit", "detached"))
"""What we put into a container's folder."""

CREATED_MAX = 253402300799.0
"""The last second of the year 9999."""

STATE_MAX = 1 << 20
"""Bytes in a state.json that we would read."""

EXIT_ROOM = b"\n" * len("255\n")
"""Holds the place of an exit code, so that a disk that fills up later can't refuse it."""


class Entry(NamedTuple):
    """What is known of a container."""

    spec: Spec
    keeper: Identity
    """Process 1, or until there is one the runner: alive as long as the container is."""
    created: float
    """Seconds since 1970."""
    flags: int = 0
    """Its namespaces (CLONE_NEW*); 0 as long as it is being made."""

    @property
    def name(self) -> str:
        """The container's name, as it was given or chosen."""
        return str(self.spec.name)

    def to_json(self) -> dict[str, object]:
        """The entry as it is stored."""
        spec = {**self.spec.to_json(), "command": list(self.spec.command)}
        return {"spec": spec, "keeper": self.keeper._asdict(), "created": self.created,
                "flags": self.flags}  # fmt: skip

    @classmethod
    def from_json(cls, document: dict[str, object]) -> Entry:
        """The inverse; ValueError, KeyError, TypeError or SchemaError for anything else."""
        spec, keeper = document["spec"], document["keeper"]
        created, flags = document["created"], document["flags"]
        if not (isinstance(spec, dict) and isinstance(keeper, dict)):
            raise TypeError("no entry")
        if not (isinstance(created, int | float) and isinstance(flags, int)):
            raise TypeError("no entry")
        if not 0 <= created <= CREATED_MAX:  # nor what is no number (NaN)
            raise ValueError("no time")
        return cls(Spec(**spec), Identity.from_json(keeper), float(created), flags)


class Reserved(NamedTuple):
    """A name that was taken, and its file for the exit code: open, locked, the caller's to close.

    The lock is the descriptor's: it stays with whoever inherits that.
    """

    entry: Entry
    exit_file: int


_ADVICE = {
    errno.ENOENT: "start vswitchd: one that ended took the run folder along",
    errno.ENOSPC: "free some room in the run folder's file system",
}


@contextlib.contextmanager
def keeping(name: str) -> Iterator[None]:
    """What goes wrong inside is told as a Failure to keep the container's state."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "make the run folder writable for you")
        why = f"its state can't be kept: {error.strerror}"
        raise Failure(f"container {name}", why, advice) from None


class Registry:
    """The containers of one run folder; the folders are made on the way, for us alone."""

    def __init__(self, run: str) -> None:
        self.run = os.path.realpath(paths.make_private(run))
        self.folder = paths.make_private(os.path.join(self.run, paths.CONTAINERS))

    def open_lock(self) -> int:
        """The registry's lock file, open; the caller's to close."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(os.path.join(self.folder, LOCK), flags, 0o600)
        except OSError as error:
            why = f"{LOCK} in it can't be opened: {error.strerror}"
            raise Failure(f"folder {self.folder}", why, "repair or remove it") from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Within, nobody else changes what there is; nor may the caller but by its own hand."""
        fd = self.open_lock()
        try:
            self._lock(fd)
            yield
        finally:
            os.close(fd)

    def _lock(self, fd: int) -> None:
        """Waits for others, but not for ever: one that is stopped keeps what it has."""
        deadline = patience.Deadline(patience.limit())
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                pass
            try:
                time.sleep(min(LOCK_STEP_S, deadline.left()))
            except TimeoutError:
                why = f"another command has held {LOCK} in it for {deadline.seconds:g} s"
                do = "see with `fuser` which one that is, and whether it is stopped"
                raise Failure(f"folder {self.folder}", why, do, Exit.TIMED_OUT) from None

    def reserve(self, spec: Spec, created: float) -> Reserved:
        """Takes the spec's name, or the first free one of c1, c2 ...; Failure if it is taken."""
        with self.locked():
            name = spec.name or self._free_name()
            old = self._read(name)
            if old and self.is_alive(old):
                raise Failure(
                    f"container {name}", "there is one of that name",
                    f"choose another name, or vswitch rm -f {name}",
                )  # fmt: skip
            if not old and self._is_held(name):
                why = f"one of that name lives, and {self.path(name)} doesn't tell which"
                do = f"end its process 1 (`fuser {self.path(name, 'exit')}`), or choose another"
                raise Failure(f"container {name}", why, do)
            self._remove(name)
            self._make(name)
            with contextlib.ExitStack() as undo:
                undo.callback(self._remove, name)
                with keeping(name):
                    exit_file = _create(self.path(name, "exit"))
                undo.callback(os.close, exit_file)
                entry = Entry(spec.named(name), ourselves(), created)
                self._write(entry)
                undo.pop_all()
            return Reserved(entry, exit_file)

    def _make(self, name: str) -> None:
        with keeping(name):
            try:
                os.mkdir(self.path(name), mode=0o700)
            except FileExistsError:
                raise Failure(
                    f"container {name}", f"{self.path(name)} is there, and not of our making",
                    "remove it, or choose another name",
                ) from None  # fmt: skip

    def is_alive(self, entry: Entry) -> bool:
        """Whether the container lives, in whatever pid namespace."""
        return entry.keeper.is_alive() if entry.keeper.is_here() else self._is_held(entry.name)

    def _is_held(self, name: str) -> bool:
        try:
            fd = _open(self.path(name, "exit"))
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def _free_name(self) -> str:
        number = 1
        while os.path.lexists(self.path(f"c{number}")):
            number += 1
        return f"c{number}"

    def path(self, name: str, file: str = "") -> str:
        """A container's folder, or a file in it."""
        return os.path.join(self.folder, name, file) if file else os.path.join(self.folder, name)

    def record(self, entry: Entry, pid: int) -> Entry:
        """Notes that process `pid` is the container's first: from now on it can be stopped."""
        entry = entry._replace(keeper=identify(pid))
        self._update(entry)
        return entry

    def complete(self, entry: Entry, flags: int) -> None:
        """Notes that it is made, with these namespaces: from now on it can be entered."""
        self._update(entry._replace(flags=flags))

    def _update(self, entry: Entry) -> None:
        """Writes it if the folder is still this very container's; Failure if it was removed."""
        with self.locked():
            now = self._read(entry.name)
            if now is None or now.created != entry.created:
                why = "it was removed while it was being made"
                raise Failure(f"container {entry.name}", why, "start it again")
            self._write(entry)

    def _write(self, entry: Entry) -> None:
        new = self.path(entry.name, "state.new")
        with keeping(entry.name):
            with open(new, "w") as file:
                json.dump(entry.to_json(), file)
            os.replace(new, self.path(entry.name, "state.json"))

    def _read(self, name: str) -> Entry | None:
        """The entry of that name; None if there is none that can be read."""
        if self._inside(name) is None:
            return None
        try:
            entry = Entry.from_json(json.loads(_content(self.path(name, "state.json"))))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, SchemaError):
            return None
        return entry if entry.name == name else None

    def _inside(self, name: str) -> set[str] | None:
        """What lies in the folder of that name; None if it is none that we could have made."""
        folder = self.path(name)
        try:
            values.name(name)
            return set(os.listdir(folder)) if stat.S_ISDIR(os.lstat(folder).st_mode) else None
        except (OSError, Refused):
            return None

    def find(self, name: str) -> Entry:
        """The container of that name; Failure (exit 3) if there is none."""
        try:
            entry = self._read(values.name(name))
        except Refused:
            entry = None
        if not entry:
            raise Failure(
                f"container {shown(name)}", "there is none of that name", "see vswitch ps",
                Exit.NOT_FOUND,
            )  # fmt: skip
        return entry

    def names(self) -> set[str]:
        """Names of containers that there may be."""
        return set(os.listdir(self.folder)) - {LOCK}

    def stamp(self, name: str) -> tuple[int, int] | None:
        """What tells this state of a container from a later one; None if there is none."""
        with contextlib.suppress(OSError):
            found = os.lstat(self.path(name, "state.json"))
            return found.st_ino, found.st_mtime_ns
        return None

    def peek(self, name: str) -> Entry | None:
        """The container of that name, if there is one; nothing is changed."""
        return self._read(name)

    def say_detached(self, entry: Entry, why: str | None) -> None:
        """Leaves word why the container's port is not there; None: it is."""
        path = self.path(entry.name, "detached")
        with self.locked():
            now = self._read(entry.name)
            if now is None or now.keeper != entry.keeper:
                return
            with contextlib.suppress(OSError):  # a full disk keeps no port away
                if why is None:
                    os.unlink(path)
                else:
                    _replace(path, f"{why}\n")

    def why_detached(self, name: str) -> str | None:
        """What was said why its port is not there."""
        with contextlib.suppress(OSError):
            return _content(self.path(name, "detached")).decode(errors="replace").strip()
        return None

    def sweep(self) -> list[Entry]:
        """All containers by name, after removing what dead runners left behind."""
        with self.locked():
            found = []
            for name in sorted(self.names()):
                entry = self._read(name)
                if entry and (self.is_alive(entry) or _stays(entry)):
                    found.append(entry)
                elif entry or not self._is_held(name):
                    self._remove(name)
            return found

    @contextlib.contextmanager
    def exit_file(self, entry: Entry) -> Iterator[Callable[[], int | None]]:
        """Within, what tells the code that a container ended with: also when its folder is gone."""
        with keeping(entry.name):
            fd = _open(self.path(entry.name, "exit"))

        def code() -> int | None:
            try:
                return int(os.pread(fd, len(EXIT_ROOM), 0))
            except ValueError:
                return None

        try:
            yield code
        finally:
            os.close(fd)

    def exit_code(self, entry: Entry) -> int | None:
        """The code a detached container ended with; None if it was killed."""
        try:
            return int(_content(self.path(entry.name, "exit")))
        except (OSError, ValueError):
            return None

    def remove(self, entry: Entry) -> None:
        """Removes the folder of this very container, if it is still there."""
        with self.locked():
            now = self._read(entry.name)
            if now is None or now.created == entry.created:
                self._remove(entry.name)

    def _remove(self, name: str) -> None:
        """Removes a folder of ours, and of another's nothing."""
        inside = self._inside(name)
        if inside is None or not (inside <= FILES or self._read(name)):
            return
        for file in inside & FILES:
            with contextlib.suppress(OSError):
                os.unlink(self.path(name, file))
        with contextlib.suppress(OSError):
            os.rmdir(self.path(name))


def _stays(entry: Entry) -> bool:
    """Whether something of a container is kept when it has ended."""
    return bool(entry.spec.detach and entry.flags and not entry.spec.rm)


def _replace(path: str, text: str) -> None:
    """A file with that text, and nothing else; what has its name is put out of the way."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "w") as file:
        file.write(text)


def _create(path: str) -> int:
    """A new file that is locked, with room for an exit code."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, EXIT_ROOM)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open(path: str) -> int:
    """A plain file for reading; OSError if it is anything else.  Never waits."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return fd


def _content(path: str) -> bytes:
    with open(_open(path), "rb") as file:
        return file.read(STATE_MAX)
