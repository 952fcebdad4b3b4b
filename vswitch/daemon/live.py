"""What runs: the bridges and ports that the forwarder holds now, as the daemon knows them.

One mutable picture, changed only by `operate` once the forwarder has said yes, and thrown away
but for the port descriptors when the forwarder dies.  `observed` renders it as a `Config`, which
is what plans compare with what is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from datapath.frames import PortSpec, Standalone
from vswitch.agent.exchange import Exchange
from vswitch.agent.listeners import Listeners
from vswitch.agent.peers import Connector
from vswitch.daemon.address import derived
from vswitch.schema import Bridge, Config, Controller, Key, Port, Queue, Record


@dataclass(slots=True)
class LivePort:
    """A port in the forwarder; 'fd' is the daemon's own duplicate of its descriptor.

    'record' is how it was asked for, with its number and kind settled.
    """

    record: Port
    spec: PortSpec
    fd: int
    ephemeral: bool = False
    queues: dict[int, Queue] = field(default_factory=dict)
    owner: str | None = None
    """What whoever asked for it calls themselves; not known of one that was adopted."""
    elsewhere: int | None = None
    """The kernel's number of the namespace that its interface was moved to, once it was found."""

    def close(self) -> None:
        """Lets go of its descriptor; once more is fine."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


@dataclass(slots=True)
class LiveBridge:
    """A bridge in the forwarder, where its number is 'id', and 'identity' is no other bridge's."""

    id: int
    identity: int
    record: Bridge
    exchange: Exchange
    listeners: Listeners
    ports: dict[str, LivePort] = field(default_factory=dict)
    controllers: dict[str, Connector] = field(default_factory=dict)
    others: dict[type[Record], dict[Key, Record]] = field(default_factory=dict)
    """Records of further kinds that are active, by kind and key."""
    standalone: int = Standalone.NOT
    """How the forwarder was told to switch by itself."""

    def observed(self) -> Bridge:
        """The bridge as a record, ephemeral ports and their queues left out."""
        ports = [port for port in self.ports.values() if not port.ephemeral]
        others = {Bridge.parts()[kind]: tuple(them.values()) for kind, them in self.others.items()}
        return self.record.changed(
            **others,
            ports=tuple(port.record for port in ports),
            queues=tuple(queue for port in ports for queue in port.queues.values()),
            controllers=tuple(Controller(target) for target in self.controllers),
        )

    def mac_for(self, port: Port) -> str:
        """The Ethernet address of a port's interface if we make it: the chosen one, or its own."""
        assert self.record.dpid is not None
        taken = {other.spec.mac for other in self.ports.values()}
        return port.mac or derived(self.record.dpid, port.name, taken).hex(":")

    def port_names(self) -> dict[int, str]:
        """Its ports' names by their numbers."""
        return {port.spec.number: name for name, port in self.ports.items()}

    def by_number(self, number: int) -> LivePort | None:
        """The port of that OpenFlow number."""
        return next((p for p in self.ports.values() if p.spec.number == number), None)


@dataclass(slots=True)
class Live:
    """All bridges by name."""

    bridges: dict[str, LiveBridge] = field(default_factory=dict)
    _next_bridge: int = 0
    _next_session: int = 0

    def observed(self) -> Config:
        """All that runs as a configuration, ephemeral ports left out."""
        return Config(tuple(bridge.observed() for bridge in self.bridges.values()))

    def ephemeral_ports(self, bridge: str) -> list[str]:
        """Names of a bridge's ports that no configuration knows: containers', say."""
        live = self.bridges.get(bridge)
        return [p.record.name for p in live.ports.values() if p.ephemeral] if live else []

    def by_id(self, id: int) -> LiveBridge | None:
        """The bridge of that number in the forwarder."""
        return next((bridge for bridge in self.bridges.values() if bridge.id == id), None)

    def ports(self) -> Iterator[tuple[LiveBridge, LivePort]]:
        """Every port that runs, with its bridge."""
        for bridge in self.bridges.values():
            for port in bridge.ports.values():
                yield bridge, port

    def named(self, name: str) -> list[tuple[LiveBridge, LivePort]]:
        """The port of that name with the bridge that it is on; none or one."""
        return [(b, port) for b in self.bridges.values() if (port := b.ports.get(name))]

    def port(self, name: str) -> LivePort | None:
        """The port of that name, on whichever bridge it is."""
        return next((port for _, port in self.named(name)), None)

    def next_bridge(self) -> int:
        """A number that no bridge of this life has had."""
        self._next_bridge += 1
        return self._next_bridge

    def next_session(self) -> int:
        """A number that no session of this life has had."""
        self._next_session += 1
        return self._next_session

    def seen(self, bridge: int) -> None:
        """A bridge of that number was there before this daemon."""
        self._next_bridge = max(self._next_bridge, bridge)
