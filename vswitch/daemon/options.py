"""The daemon's command line, read into one frozen value.

In `--ephemeral` mode a whole switch stands on one line, so `--port`, `--controller` and their
like belong to the `--bridge` before them: each such option is an argparse action that adds to
the newest bridge, and those of a port (`--tag`) to its newest port.  Pure but for argparse's own
exit on a wrong line (code 2, one sentence).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from vswitch import __version__
from vswitch.schema import FAIL_MODES, Bridge, Port, Record
from vswitch.values import LOCAL, PORT_NUMBER_MAX


@dataclass(frozen=True, slots=True)
class PortOption:
    """`--port IF[:OFPORT]` with what is said of its kind and VLANs behind it; no number means the
    next free one."""

    name: str
    number: int | None = None
    tag: str | None = None
    trunks: str | None = None
    vlan_mode: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class QueueOption:
    """`--queue PORT:NUMBER:RATE`; PORT is an interface's name or a port's number."""

    port: str
    number: str
    rate: str


@dataclass(frozen=True, slots=True)
class BridgeOption:
    """A `--bridge` with everything said after it; None means: not said."""

    name: str
    dpid: str | None = None
    ports: tuple[PortOption, ...] = ()
    controllers: tuple[str, ...] = ()
    protocols: tuple[str, ...] | None = None
    listen: tuple[str, ...] = ()
    fail_mode: str | None = None
    queues: tuple[QueueOption, ...] = ()
    mac_age: str | None = None
    mac_limit: str | None = None
    flood_rate: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """The whole command line; folders are None when not given."""

    state: Path | None = None
    run: Path | None = None
    ephemeral: bool = False
    bridges: tuple[BridgeOption, ...] = ()
    adopt: bool = False
    config: Path | None = None
    log_file: str | None = None


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one sentence, without the usage page above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


class _AddBridge(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if any(bridge["name"] == values for bridge in namespace.bridges):
            parser.error(f"--bridge {values} is given twice")
        namespace.bridges = [*namespace.bridges, {"name": values}]


class _OfBridge(argparse.Action):
    """An option of the newest bridge: set once, or added to a tuple where it may repeat."""

    def __init__(self, *args: Any, repeats: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.repeats = repeats

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if not namespace.bridges:
            parser.error(f"{option_string} comes before any --bridge that it could belong to")
        bridge = namespace.bridges[-1]
        if self.repeats:
            bridge[self.dest] = (*bridge.get(self.dest, ()), values)
        elif self.dest in bridge:
            parser.error(f"{option_string} is given twice for bridge {bridge['name']}")
        else:
            bridge[self.dest] = values


class _OfPort(argparse.Action):
    """An option of the newest port of the newest bridge."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        bridge = namespace.bridges[-1] if namespace.bridges else {}
        *others, port = bridge.get("ports", (None,))
        if port is None:
            parser.error(f"{option_string} comes before any --port that it could belong to")
        if getattr(port, self.dest) is not None:
            parser.error(f"{option_string} is given twice for port {port.name}")
        bridge["ports"] = (*others, replace(port, **{self.dest: values}))


def _port(text: str) -> PortOption:
    """IF or IF:OFPORT, the number from 1 to PORT_NUMBER_MAX or LOCAL (OpenFlow 1.3.5, 7.2.1)."""
    name, colon, number = text.rpartition(":")
    if not colon:
        return PortOption(text)
    if number.upper() == "LOCAL":
        return PortOption(name, LOCAL)
    if not number.isdecimal() or not 1 <= int(number) <= PORT_NUMBER_MAX:
        why = f"names no port number from 1 to {PORT_NUMBER_MAX}"
        raise argparse.ArgumentTypeError(f"{text!r} {why}")
    return PortOption(name, int(number))


def _queue(text: str) -> QueueOption:
    parts = text.split(":")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not PORT:NUMBER:RATE, as in veth1:0:10Mbps")
    return QueueOption(*parts)


def _protocols(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _of(record: type[Record], *names: str) -> dict[str, dict[str, Any]]:
    """Options that are settings, in the schema's words."""
    known = record.settings()
    return {
        f"--{name.replace('_', '-')}": {
            "dest": name, "metavar": known[name].metavar, "help": known[name].help
        }
        for name in names
    }


_OF_BRIDGE: dict[str, dict[str, Any]] = {
    **_of(Bridge, "dpid"),
    "--port": {"dest": "ports", "type": _port, "repeats": True, "metavar": "IF[:OFPORT]",
               "help": "an interface and its port number; br0:LOCAL makes the host's own port"},
    "--queue": {"dest": "queues", "type": _queue, "repeats": True, "metavar": "PORT:NUMBER:RATE",
                "help": "a queue of a port, by the interface's name or the port's number"},
    "--controller": {"dest": "controllers", "repeats": True, "metavar": "tcp:HOST:PORT"},
    "--protocols": {"type": _protocols, "metavar": "OpenFlow13,..."},
    "--listen": {"repeats": True, "metavar": "ptcp:PORT[:ADDRESS]"},
    "--fail-mode": {**_of(Bridge, "fail_mode")["--fail-mode"], "choices": FAIL_MODES},
    **_of(Bridge, "mac_age", "mac_limit", "flood_rate"),
}  # fmt: skip
_OF_PORT: dict[str, dict[str, Any]] = {
    "--kind": {"choices": ("tap", "packet"), "help": "of the --port before: tap makes it"},
    **_of(Port, "tag", "trunks", "vlan_mode"),
}


def parser() -> argparse.ArgumentParser:
    """The parser of the lines in the daemon's README."""
    p = _Parser(prog="vswitchd", description="The switch daemon: starts or adopts its forwarder.")
    version = f"%(prog)s {__version__}"
    p.add_argument("--version", action="version", version=version, help="print the version")
    p.add_argument("--state", type=Path, metavar="DIR", help="stored configuration")
    p.add_argument("--run", type=Path, metavar="DIR", help="sockets; default $VSWITCH_RUN")
    p.add_argument("--ephemeral", action="store_true", help="store nothing, leave nothing")
    p.add_argument(
        "--adopt", action="store_true", help="start no forwarder: wait for a service's"
    )
    p.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="all that is wanted, applied now and at SIGHUP; see vswitch apply --help",
    )
    p.add_argument("--log-file", metavar="FILE", help="the log, instead of standard error")
    p.add_argument(
        "--bridge",
        dest="bridges",
        action=_AddBridge,
        metavar="NAME",
        default=[],
        help="with --ephemeral; the options below belong to the one before them",
    )
    for name, settings in _OF_BRIDGE.items():
        p.add_argument(name, action=_OfBridge, **settings)
    for name, settings in _OF_PORT.items():
        p.add_argument(name, action=_OfPort, **settings)
    return p


def read(arguments: Sequence[str]) -> Options:
    """The options in 'arguments'; ends the process with code 2 and a sentence if they are wrong."""
    p = parser()
    raw = vars(p.parse_args(arguments))
    bridges = tuple(BridgeOption(**bridge) for bridge in raw["bridges"])
    if bridges and not raw["ephemeral"]:
        p.error("--bridge goes with --ephemeral; a stored daemon is told by `vswitch bridge add`")
    if raw["ephemeral"] and raw["state"]:
        p.error("--ephemeral stores nothing, so it takes no --state")
    if raw["ephemeral"] and raw["adopt"]:
        p.error("--ephemeral ends its forwarder with itself, so it takes no --adopt")
    if bridges and raw["config"]:
        p.error("--config says all, so it goes with no --bridge")
    names = ("state", "run", "ephemeral", "adopt", "config", "log_file")
    return Options(bridges=bridges, **{name: raw[name] for name in names})
