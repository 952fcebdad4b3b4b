"""The containers of a run folder: RUN/containers/NAME/ with what is known of each.

    state.json   who it is, which process, what was asked for (written whole or not at all)
    log          what a detached container printed
    exit         its exit code, left there by its process 1

A name is taken by making its folder while holding the registry's lock; so are folders
removed.  An attached container's folder goes when it ends; if its runner was killed, the
next command that looks removes it.  A detached container's folder stays as "exited", with
its log, until `rm` or until its name is used again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from typing import NamedTuple

from containers.identity import Identity, identify, ourselves
from containers.spec import Spec
from vswitch import paths, values
from vswitch.errors import Exit, Failure, SchemaError, shown
from vswitch.target import Refused

FOLDER, LOCK = "containers", ".lock"

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
        return cls(Spec(**spec), Identity(**keeper), float(created), flags)


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
        self.folder = paths.make_private(os.path.join(self.run, FOLDER))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        fd = os.open(os.path.join(self.folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def reserve(self, spec: Spec, created: float) -> Entry:
        """Takes the spec's name, or the first free one of c1, c2 ...; Failure if it is taken."""
        with self._locked():
            name = spec.name or self._free_name()
            old = self._read(name)
            if old and old.keeper.is_alive():
                raise Failure(
                    f"container {name}", "there is one of that name",
                    f"choose another name, or vswitch rm -f {name}",
                )  # fmt: skip
            self._remove(name)
            entry = Entry(spec.named(name), ourselves(), created)
            with keeping(name):
                os.mkdir(self.path(name), mode=0o700)
            try:
                self._write(entry)
            except Failure:
                self._remove(name)
                raise
            return entry

    def _free_name(self) -> str:
        number = 1
        while os.path.exists(self.path(f"c{number}")):
            number += 1
        return f"c{number}"

    def path(self, name: str, file: str = "") -> str:
        """A container's folder, or a file in it."""
        return os.path.join(self.folder, name, file) if file else os.path.join(self.folder, name)

    def record(self, entry: Entry, pid: int, flags: int) -> Entry:
        """Notes that process `pid` is the container's first."""
        entry = entry._replace(keeper=identify(pid), flags=flags)
        self._write(entry)
        return entry

    def _write(self, entry: Entry) -> None:
        new = self.path(entry.name, "state.new")
        with keeping(entry.name):
            with open(new, "w") as file:
                json.dump(entry.to_json(), file)
            os.replace(new, self.path(entry.name, "state.json"))

    def _read(self, name: str) -> Entry | None:
        """The entry of that name; None if there is none that can be read."""
        try:
            with open(self.path(name, "state.json")) as file:
                return Entry.from_json(json.load(file))
        except (OSError, ValueError, KeyError, TypeError, SchemaError):
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

    def sweep(self) -> list[Entry]:
        """All containers by name, after removing what dead runners left behind."""
        with self._locked():
            found = []
            for name in sorted(set(os.listdir(self.folder)) - {LOCK}):
                entry = self._read(name)
                if entry and (entry.keeper.is_alive() or (entry.spec.detach and entry.flags)):
                    found.append(entry)
                else:
                    self._remove(name)
            return found

    def exit_code(self, entry: Entry) -> int | None:
        """The code a detached container ended with; None if it was killed."""
        try:
            with open(self.path(entry.name, "exit")) as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def remove(self, entry: Entry) -> None:
        """Removes the folder of this very container, if it is still there."""
        with self._locked():
            now = self._read(entry.name)
            if now is None or now.created == entry.created:
                self._remove(entry.name)

    def _remove(self, name: str) -> None:
        folder = self.path(name)
        with contextlib.suppress(FileNotFoundError):
            for file in os.listdir(folder):
                os.unlink(os.path.join(folder, file))
            os.rmdir(folder)
