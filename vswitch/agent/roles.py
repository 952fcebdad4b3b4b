"""What each role of a controller is sent unasked, and whose role request is too old.

OpenFlow 1.3.5, 6.3.4 to 6.3.6.  A bridge has one generation id; requests to be master or slave
carry one and are refused when theirs is older, so that a master that was cut off can't come back
over its successor.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from vswitch.openflow.messages.session import AsyncMasks, Role

UNDEFINED = (1 << 64) - 1
"""The generation id that is told before anybody has sent one."""

DEFAULT = AsyncMasks(
    packet_in=0b011,
    packet_in_slave=0,
    port_status=0b111,
    port_status_slave=0b111,
    flow_removed=0b1111,
    flow_removed_slave=0,
)
"""Masters hear everything but packets whose TTL ran out, slaves of ports alone."""


@dataclass(frozen=True, slots=True)
class Wants:
    """Masks of reasons: bit n set means that events for reason n are sent."""

    packet_in: int = 0
    port_status: int = 0
    flow_removed: int = 0


NOTHING = Wants()


def wants(masks: AsyncMasks, role: Role) -> Wants:
    """The masks that count in a role."""
    if role == Role.SLAVE:
        return Wants(masks.packet_in_slave, masks.port_status_slave, masks.flow_removed_slave)
    return Wants(masks.packet_in, masks.port_status, masks.flow_removed)


@dataclass(slots=True)
class Generation:
    """The newest generation id that a bridge has heard."""

    number: int | None = None

    def accept(self, number: int) -> bool:
        """Takes 'number' unless it is older, as a signed distance of 64 bits."""
        if self.number is not None and (number - self.number) % (1 << 64) >= 1 << 63:
            return False
        self.number = number
        return True

    @property
    def shown(self) -> int:
        """The number that a role reply carries: the last one, or UNDEFINED."""
        return UNDEFINED if self.number is None else self.number
