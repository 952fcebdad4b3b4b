"""Where OpenFlow connections come from and go to: "tcp:10.0.0.1:6653".

Active targets (a controller that the switch connects to) are tcp:HOST[:PORT]
and unix:PATH; passive ones (where the switch listens) are ptcp:[PORT][:HOST]
and punix:PATH, in Open vSwitch's notation.  A passive TCP target without a host
means 127.0.0.1: a plain OpenFlow port is open to the network only where the
operator wrote an address (HARDENING S22).  IPv6 addresses stand in brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vswitch.errors import Refused

OPENFLOW_PORT = 6653
"""IANA's port number for OpenFlow."""

UNIX_PATH_MAX = 107
"""Bytes in sockaddr_un.sun_path, its final NUL left out."""

ACTIVE = ("tcp", "unix")
PASSIVE = ("ptcp", "punix")

HOST_MAX, LABEL_MAX = 253, 63
"""Characters of a host's name, and of what stands between its dots (RFC 1035, 2.3.4)."""

_LABEL = re.compile(rf"[A-Za-z0-9]([A-Za-z0-9-]{{0,{LABEL_MAX - 2}}}[A-Za-z0-9])?")
_SPELLING = {
    "tcp": "write tcp:HOST:PORT, for example tcp:127.0.0.1:6653",
    "unix": "write unix:/absolute/path",
    "ptcp": "write ptcp:PORT for this machine only, or ptcp:PORT:ADDRESS",
    "punix": "write punix:/absolute/path",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed target; `str()` gives its one canonical spelling."""

    kind: str
    """One of ACTIVE or PASSIVE."""
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{self.kind}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        first, second = (host, self.port) if self.kind == "tcp" else (self.port, host)
        return f"{self.kind}:{first}:{second}"


def parse(text: str, kinds: tuple[str, ...]) -> Target:
    """The target that 'text' spells, of one of 'kinds'; Refused otherwise."""
    kind, colon, rest = text.partition(":")
    if not colon or kind not in kinds:
        raise Refused(
            f"a target starts with {' or '.join(k + ':' for k in kinds)}", _SPELLING[kinds[0]]
        )
    if kind.endswith("unix"):
        return Target(kind, path=_path(rest, kind))
    return _active(kind, rest) if kind == "tcp" else _passive(kind, rest)


def _active(kind: str, rest: str) -> Target:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]+)(?::([^:]*))?", rest)
    if not match:
        raise Refused("it doesn't read as a host and a port", _SPELLING[kind])
    port = OPENFLOW_PORT if match[2] is None else _port(match[2], kind)
    return Target(kind, _host(match[1], kind), port)


def _passive(kind: str, rest: str) -> Target:
    number, _, host = rest.partition(":")
    port = _port(number, kind) if number else OPENFLOW_PORT
    return Target(kind, _host(host, kind) if host else "127.0.0.1", port)


def _port(text: str, kind: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise Refused("a TCP port is a number from 1 to 65535", _SPELLING[kind])
    return int(text)


def _host(text: str, kind: str) -> str:
    import ipaddress

    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ipaddress.ip_address(inner))
    except ValueError:
        pass
    numeric = re.fullmatch(r"[0-9.]*", inner) is not None
    if inner is not text or numeric or not _is_name(text):
        raise Refused("its host is no address and no host name", _SPELLING[kind])
    return text.lower()


def _is_name(text: str) -> bool:
    """A host's name as DNS can have it: resolvers choke on others (RFC 1123, 2.1)."""
    return len(text) <= HOST_MAX and all(map(_LABEL.fullmatch, text.split(".")))


def _path(text: str, kind: str) -> str:
    if not text.startswith("/"):
        raise Refused("the path of a socket is absolute", _SPELLING[kind])
    if ".." in text.split("/") or not text.isprintable() or text.endswith("/"):
        raise Refused(
            "the path holds '..', a control character or no file name", "write a plain path"
        )
    if len(text.encode(errors="surrogatepass")) > UNIX_PATH_MAX:
        raise Refused(f"a socket's path has at most {UNIX_PATH_MAX} bytes", "choose a shorter one")
    return text
