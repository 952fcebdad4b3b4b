"""Descriptors of ports that a forwarder had that died: the next one gets them.

The next port of such a name takes its descriptor instead of opening the interface again, unless
what is wanted has changed meanwhile.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from datapath.frames import PortFlags
from vswitch.daemon.interfaces import Interface
from vswitch.daemon.live import LivePort
from vswitch.openflow.messages.port import PortDesc
from vswitch.schema import Config, Queue


@dataclass(frozen=True, slots=True)
class Kept:
    """A port that a forwarder had that died: its bridge's name, its descriptor, its queues."""

    bridge: str
    interface: Interface
    queues: tuple[Queue, ...]
    owner: str | None = None

    @property
    def ephemeral(self) -> bool:
        """No configuration knows it."""
        return bool(self.interface.spec.flags & PortFlags.EPHEMERAL)

    def close(self) -> None:
        """Lets go of it."""
        os.close(self.interface.fd)


class KeptPorts(dict[str, Kept]):
    """By name; each owns its descriptor."""

    def keep(self, bridge: str, port: LivePort, seen: PortDesc) -> None:
        """Takes over the descriptor of a port whose forwarder died, and how peers had 'seen' it:
        what they had configured, and its link."""
        spec = replace(port.spec, config=int(seen.config), state=int(seen.state))
        interface = Interface(port.record, spec, port.fd)
        queues = tuple(port.queues.values())
        self[port.record.name] = Kept(bridge, interface, queues, port.owner)
        port.fd = -1

    def take(self, name: str, number: int | None) -> Kept | None:
        """The port of that name, which is the caller's now; one of another number is let go of."""
        kept = self.pop(name, None)
        if kept is not None and kept.interface.spec.number != number:
            kept.close()
            return None
        return kept

    def forget(self, config: Config) -> None:
        """Lets go of ports that left the configuration meanwhile, with their bridge or without it:
        what comes later under such a name is another one."""
        for name, kept in list(self.items()):
            bridge = config.bridge(kept.bridge)
            if not bridge or not (kept.ephemeral or bridge.port(name)):
                self.pop(name).close()

    def forget_owned(self, bridge: str, name: str, owner: str) -> bool:
        """Lets go of a port if it is this owner's; whether it was."""
        if not self.has_owned(bridge, name, owner):
            return False
        self.pop(name).close()
        return True

    def has_owned(self, bridge: str, name: str, owner: str) -> bool:
        """Whether it is kept and this owner's."""
        kept = self.get(name)
        return kept is not None and (kept.bridge, kept.owner) == (bridge, owner)

    def ephemeral(self) -> list[str]:
        """Names of the ports that no configuration knows."""
        return [name for name, kept in self.items() if kept.ephemeral]
