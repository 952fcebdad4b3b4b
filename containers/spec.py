"""What a container shall be: the words of `vswitch run`, checked.

A `Spec` is a record of settings like a bridge or a port (`vswitch.schema`): each
field says how it is read, shown and explained, so the command line and its help
follow from it.  A Spec that exists is valid in itself; whether its bridge, root or
command exist is found out when it is run.  Pure: no socket, no clock, no files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from vswitch import values
from vswitch.errors import Refused, SchemaError
from vswitch.schema import Record, setting

WORD_MAX = 65535
"""Bytes in one word of a command or environment: what a plan can carry (HARDENING S36)."""
WORDS_MAX = 4096
"""Words in a command or variables in an environment."""

LOG_MIN, LOG_BYTES, LOG_MAX = 4096, 1 << 20, 1 << 30
"""Bytes in one of a log's two files: run folders are often in memory."""

_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
_USER = re.compile(r"([0-9]{1,10})(?::([0-9]{1,10}))?")
_ID_MAX = 0xFFFFFFFE


def _word(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise Refused("it is no text without NUL", "give plain text")
    if len(value.encode(errors="surrogateescape")) > WORD_MAX:
        raise Refused(f"it has more than {WORD_MAX} bytes", "pass it in a file")
    return value


def _variable(value: object) -> str:
    name, equals, _ = _word(value).partition("=")
    if not equals or not name:
        raise Refused("it is no variable", "write NAME=VALUE")
    return str(value)


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise Refused("it is no list of words", "give a list")
    if not value or not value[0]:
        raise Refused("it is empty", "name a program, as in: -- /bin/sh")
    return tuple(values.one(_word, word) for word in _few(value))


def _variables(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise Refused("it is no list of variables", "give a list")
    return tuple(values.one(_variable, item) for item in _few(value))


def _few(value: list[object] | tuple[object, ...]) -> list[object] | tuple[object, ...]:
    if len(value) > WORDS_MAX:
        raise Refused(f"it has more than {WORDS_MAX} words", "pass them in a file")
    return value


def _hostname(value: object) -> str:
    if not isinstance(value, str) or not _HOSTNAME.fullmatch(value):
        raise Refused("it is no host name", "use up to 63 letters, digits, '-' or '.'")
    return value


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise Refused("it is no number of seconds up to 3600", "give one, 0 kills at once")
    return seconds


def _user(value: object) -> str:
    match = _USER.fullmatch(value) if isinstance(value, str) else None
    if not match or any(int(number) > _ID_MAX for number in match.groups("0")):
        raise Refused("it is no user number", "write UID or UID:GID, as in 1000:1000")
    return match[0]


@dataclass(frozen=True, slots=True)
class Process(Record):
    """A command and the circumstances it runs in: all that `vswitch exec` may choose."""

    NOUN: ClassVar[str] = "container"
    command: tuple[str, ...] = setting(
        _words, "the command and its arguments", "COMMAND [WORD]...", nested=True
    )
    env: tuple[str, ...] = setting(
        _variables, "set a variable; may be repeated", "NAME=VALUE", default=()
    )
    workdir: str = setting(values.path, "the command's folder", "PATH", default="/")
    user: str = setting(_user, "run as this user, by number", "UID[:GID]", default="0:0")
    tty: bool | None = setting(
        values.flag, "give it a terminal (so if you sit at one and don't leave)", "", default=None
    )
    interactive: bool = setting(
        values.flag, "let it read what is typed: always so unless it is detached", "", default=False
    )

    @property
    def ids(self) -> tuple[int, int]:
        """The user's and group's number; the group is the user's unless it is named."""
        uid, _, gid = self.user.partition(":")
        return int(uid), int(gid or uid)


@dataclass(frozen=True, slots=True)
class Spec(Process):
    """A container; `name` is None until one is chosen for it."""

    name: str | None = setting(values.name, "its name, else c1, c2 ...", "NAME", default=None)
    rootfs: str | None = setting(
        values.path, "its files; else this machine's, read-only", "DIR", default=None
    )
    read_only: bool = setting(values.flag, "don't let it write to --rootfs", "", default=False)
    nested: bool = setting(
        values.flag, "let it make user namespaces, and mounts in them", "", default=False
    )
    hostname: str | None = setting(_hostname, "its host name, else NAME", "HOST", default=None)
    bridge: str | None = setting(
        values.name, "the bridge it is attached to, else none", "BRIDGE", default=None
    )
    port: str | None = setting(values.name, "the port's name, else NAME", "PORT", default=None)
    number: int | None = setting(
        values.port_number, "OpenFlow port number, else the lowest free one", "N", default=None
    )
    interface: str = setting(values.name, "the interface's name inside", "NAME", default="eth0")
    addresses: tuple[str, ...] = setting(
        values.many(values.address), "its address; may be repeated", "ADDRESS/LEN", default=()
    )
    gateway: str | None = setting(values.gateway, "its default route", "ADDRESS", default=None)
    mac: str | None = setting(values.mac, "its Ethernet address", "MAC", default=None)
    mtu: int | None = setting(values.mtu, "largest packet in bytes", "BYTES", default=None)
    detach: bool = setting(values.flag, "leave it running, print its name", "", default=False)
    rm: bool = setting(
        values.flag, "leave nothing of it when it ends: always so unless it is detached", "",
        default=False,
    )  # fmt: skip
    log_size: int = setting(
        values.integer(LOG_MIN, LOG_MAX), "bytes in each of the two files of its log, in turn", "N",
        default=LOG_BYTES,
    )  # fmt: skip

    def check(self) -> None:
        """Settings that only make sense together are asked for together."""
        if not self.bridge:
            self._without_bridge()
        if self.gateway and not self.addresses:
            raise SchemaError(
                "container gateway", "there is no address to reach it from", "add --address"
            )
        if self.read_only and not self.rootfs:
            raise SchemaError(
                "container read-only", "without --rootfs it always is", "leave --read-only out"
            )

    def _without_bridge(self) -> None:
        for name in ("port", "number", "addresses", "gateway", "mac", "mtu"):
            if getattr(self, name):
                raise SchemaError(
                    f"container {name}", "without a bridge there is no port", "add --bridge"
                )

    def named(self, name: str) -> Spec:
        """The same with its name, and what follows from the name, filled in."""
        return self.changed(
            name=name,
            hostname=self.hostname or name,
            port=(self.port or name) if self.bridge else None,
        )


@dataclass(frozen=True, slots=True)
class Stop(Record):
    """How containers are ended."""

    NOUN: ClassVar[str] = "stop"
    time: float = setting(_seconds, "kill it if it takes longer", "SECONDS", default=10.0)


@dataclass(frozen=True, slots=True)
class Logs(Record):
    """How logs are shown."""

    NOUN: ClassVar[str] = "logs"
    follow: bool = setting(values.flag, "go on until the container ends", "", default=False)


@dataclass(frozen=True, slots=True)
class Remove(Record):
    """How containers are removed."""

    NOUN: ClassVar[str] = "remove"
    force: bool = setting(values.flag, "end it first if it runs", "", default=False)
