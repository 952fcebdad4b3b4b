"""What OpenFlow peers see of a bridge: its identity, its ports with their queues, its tables.

One mutable `View` a bridge, kept by the agent; what is in it are frozen values that are replaced
as a whole.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from datapath.frames import PortSpec, QueueSpec
from vswitch.agent.limits import N_TABLES
from vswitch.openflow.messages.port import PortConfig, PortDesc, PortFeatures, PortState

CONFIG_BITS = (
    PortConfig.PORT_DOWN | PortConfig.NO_RECV | PortConfig.NO_FWD | PortConfig.NO_PACKET_IN
)

LINK = PortFeatures.TEN_GB_FULL | PortFeatures.COPPER
"""What a virtual link says of itself, as veth does; the rate is nominal."""

LINK_KBPS = 10_000_000

FULL_RATE = 1000
"""All of a port, in tenths of a percent; what is above means no rate."""

NO_RATE = 0xFFFF
"""A queue's rate that nobody has set (OFPQ_MIN_RATE_UNCFG)."""


@dataclass(frozen=True, slots=True)
class PortQueue:
    """A queue as its port's configuration has it; rates in tenths of a percent of the port's."""

    id: int
    min_rate: int = NO_RATE
    max_rate: int = NO_RATE


@dataclass(frozen=True, slots=True)
class Table:
    """What peers can set of a table: its name (at most 31 bytes) and its OFPTC_* bits, which
    mean nothing in 1.3 but are told again."""

    name: str
    config: int = 0


@dataclass(slots=True)
class View:
    """A bridge: its name, its datapath id; ports, and queues of ports, by the port's number;
    tables in order."""

    name: str
    dpid: int
    ports: dict[int, PortDesc] = field(default_factory=dict)
    queues: dict[int, tuple[PortQueue, ...]] = field(default_factory=dict)
    tables: list[Table] = field(
        default_factory=lambda: [Table(f"table{number}") for number in range(N_TABLES)]
    )


def port_of(spec: PortSpec) -> PortDesc:
    """A port of the forwarder as peers see it."""
    return PortDesc(
        number=spec.number,
        hw_addr=spec.mac,
        name=spec.name,
        config=(config := PortConfig(spec.config)),
        state=_state(config, PortState(spec.state)),
        current=LINK,
        supported=LINK,
        current_speed=LINK_KBPS,
        max_speed=LINK_KBPS,
    )


def queue_of(spec: QueueSpec) -> PortQueue:
    """A queue of the forwarder as peers see it; its rate is a share of a link's nominal one."""
    if not spec.max_rate:
        return PortQueue(spec.queue)
    share = -(-spec.max_rate * FULL_RATE // (LINK_KBPS * 1000))
    return PortQueue(spec.queue, max_rate=min(share, FULL_RATE))


def configured(port: PortDesc, config: PortConfig, mask: PortConfig) -> PortDesc:
    """The port after a change of the bits in 'mask'."""
    config = port.config & ~mask | config & mask
    return replace(port, config=config, state=_state(config, port.state))


def linked(port: PortDesc, up: bool) -> PortDesc:
    """The port after its link went up or down."""
    link = PortState(0) if up else PortState.LINK_DOWN
    return replace(port, state=_state(port.config, port.state & PortState.BLOCKED | link))


def sends(port: PortDesc) -> bool:
    """Whether packets leave by that port now, as the forwarder decides it (port_sends in
    datapath/src/port/port.h)."""
    return bool(port.state & PortState.LIVE) and not port.config & PortConfig.NO_FWD


def _state(config: PortConfig, state: PortState) -> PortState:
    """LIVE follows from the rest (1.3.5, 6.5): groups may choose the port, as the forwarder does
    by the same rule (port_state_of in datapath/src/port/port.h)."""
    down = config & PortConfig.PORT_DOWN or state & (PortState.LINK_DOWN | PortState.BLOCKED)
    return state & ~PortState.LIVE | (PortState(0) if down else PortState.LIVE)
