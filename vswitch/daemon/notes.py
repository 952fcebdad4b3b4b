"""What is known of ports that are in no store, kept where it outlives daemon and forwarder.

A container outlives both of them, and asks for its port again (`port.add` with `again`).  What it
gets is the port as the operator left it, not only as the container asked for it: a port that was
put into a VLAN must not come back as a trunk of all, nor one that the operator took off come back
at all.  So there is a small file for each such port, RUN/ports/*.json: as long as the machine runs
and whoever has the port (its `owner`, a name that nobody gets twice) does.

Nothing here is needed for forwarding: what can't be written or read is told in the log.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

from vswitch import paths
from vswitch.errors import Failure, SchemaError
from vswitch.schema import Port, Queue

log = logging.getLogger("vswitch.daemon")

NOTES_MAX = 4096
"""Ports that are remembered: of the owners that ended while no daemon was there nobody tells us."""
NOTE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Note:
    """A port as it was last, with its number and address; 'off': the operator took it off."""

    owner: str
    bridge: str
    port: Port
    queues: tuple[Queue, ...] = ()
    off: bool = False

    def renewed(self, asked: Port) -> Port:
        """The port that is asked for again: as it was, where it did not ask for something."""
        was = self.port
        return asked.changed(
            number=asked.number or was.number, mac=asked.mac or was.mac,
            vlan_mode=was.vlan_mode, tag=was.tag, trunks=was.trunks,
        )  # fmt: skip

    def to_json(self) -> dict[str, object]:
        """The note as it is kept."""
        queues = [queue.to_json() for queue in self.queues]
        return {"owner": self.owner, "bridge": self.bridge, "port": self.port.to_json(),
                "queues": queues, "off": self.off}  # fmt: skip

    @classmethod
    def from_json(cls, document: dict[str, object]) -> Note:
        """The inverse; KeyError, TypeError or SchemaError for anything else."""
        owner, bridge, queues = document["owner"], document["bridge"], document["queues"]
        if not (isinstance(owner, str) and isinstance(bridge, str) and isinstance(queues, list)):
            raise TypeError("no note")
        records = tuple(Queue.from_json(queue) for queue in queues)
        return cls(owner, bridge, Port.from_json(document["port"]), records, bool(document["off"]))


class Notes:
    """The notes of one run folder, by owner.  Belongs to one daemon at a time."""

    def __init__(self, run: Path) -> None:
        self._folder = run / paths.PORTS
        self._notes: dict[str, Note] = {}
        for path in self._files():
            if (note := _read(path)) and path == self._path(note.owner):
                self._notes[note.owner] = note
        self._drop_oldest()

    def _files(self) -> list[Path]:
        """Oldest first."""
        with contextlib.suppress(OSError):
            return sorted(self._folder.glob("*.json"), key=lambda path: path.lstat().st_mtime_ns)
        return []

    def _path(self, owner: str) -> Path:
        return self._folder / f"{hashlib.sha256(owner.encode()).hexdigest()[:32]}.json"

    def of(self, owner: str | None) -> Note | None:
        """What is known of this owner's port."""
        return self._notes.get(owner) if owner is not None else None

    def owner(self, bridge: str, port: str) -> str | None:
        """Whose that port is if it is there."""
        found = [n.owner for n in self._notes.values() if (n.bridge, n.port.name) == (bridge, port)]
        return next((owner for owner in reversed(found) if not self._notes[owner].off), None)

    def write(self, note: Note) -> None:
        """Keeps it in the place of what was known of this owner's port."""
        if self._notes.get(note.owner) == note:
            return
        self._notes.pop(note.owner, None)
        self._notes[note.owner] = note
        self._drop_oldest()
        try:
            paths.make_private(str(self._folder))
            path = self._path(note.owner)
            new = path.with_suffix(".new")
            new.write_text(json.dumps(note.to_json()))
            new.replace(path)
        except (OSError, Failure) as error:
            log.warning("what port %s is like is not kept: %s", note.port.name, error)

    def take_off(self, owner: str) -> None:
        """Notes that the operator took the port off: it is not to come back by itself."""
        if note := self._notes.get(owner):
            self.write(replace(note, off=True))

    def forget(self, owner: str) -> None:
        """The owner has ended, or needs no port any more."""
        if self._notes.pop(owner, None):
            with contextlib.suppress(OSError):
                self._path(owner).unlink()

    def _drop_oldest(self) -> None:
        while len(self._notes) > NOTES_MAX:
            self.forget(next(iter(self._notes)))


def _read(path: Path) -> Note | None:
    try:
        with open(
            os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        ) as file:
            return Note.from_json(json.loads(file.read(NOTE_BYTES)))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SchemaError) as error:
        log.warning("%s tells of no port: %s", path, error)
        return None
