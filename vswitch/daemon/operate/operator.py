"""What an operation is carried out with: the link to the forwarder, what runs, what is kept.

The files beside this one say what is done to bridges, ports, queues and controllers; each takes an
`Operator`.  `carry_out` runs through a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from datapath.frames import Command
from vswitch.daemon.folders import Folders
from vswitch.daemon.link import ForwarderGone, ForwarderLink, ForwarderRefused
from vswitch.daemon.live import Live, LiveBridge, LivePort
from vswitch.daemon.operate.kept import KeptPorts
from vswitch.errors import Failure
from vswitch.schema import Record


class Interrupted(Failure):
    """The forwarder ended before it had answered, or there is none: the next one is told."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what, why, "try again in a moment")


class Operator:
    """Changes 'live' through 'link'; one caller at a time."""

    def __init__(self, folders: Folders, live: Live) -> None:
        self.folders = folders
        self.live = live
        self.link: ForwarderLink | None = None
        self.kept = KeptPorts()
        self.coming: Mapping[tuple[str, str], Sequence[Record]] = {}
        """What is about to be added to a port, by bridge and port: a port that comes brings it."""
        self.logged: frozenset[str] = frozenset()
        """What could not be done when it was tried last."""
        self.on_port: Callable[[LiveBridge, LivePort], None] = lambda bridge, port: None
        """Hears of every port that is there from now on."""

    async def ask(
        self, what: str, command: Command, payload: bytes = b"", bridge: int = 0, fd: int = -1
    ) -> None:
        """A command to the forwarder; its refusal becomes a Failure about 'what'."""
        with _failures(what):
            await self.connected().ask(command, payload, bridge, fd=fd)

    def connected(self) -> ForwarderLink:
        """The link to the forwarder; Interrupted if there is none."""
        if self.link is None:
            raise Interrupted("forwarder", "it is just being started")
        return self.link

    def bridge(self, name: str) -> LiveBridge:
        """The bridge of that name as long as nobody else may change anything; Failure: none is."""
        bridge = self.live.bridges.get(name)
        if bridge is None:
            raise Failure(f"bridge {name}", "it is not active", "see the failure to make it")
        return bridge

    def port(self, bridge: LiveBridge, name: str) -> LivePort:
        """The same for a port."""
        port = bridge.ports.get(name)
        if port is None:
            raise Failure(f"port {name}", "it is not active", "see `vswitch status`")
        return port


@contextmanager
def _failures(what: str) -> Iterator[None]:
    try:
        yield
    except ForwarderRefused as refused:
        why, _, do = str(refused).partition("; ")
        raise Failure(what, why, do or "see `vswitch status`") from None
    except ForwarderGone as gone:
        raise Interrupted(what, str(gone)) from None
