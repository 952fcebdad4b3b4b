"""What OpenFlow peers see of a bridge: its identity and its ports.

One mutable `View` a bridge, kept by the agent; ports are frozen values that are replaced as a
whole.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from datapath.frames import PortSpec
from vswitch.openflow.messages.port import Port, PortConfig, PortFeatures, PortState

N_TABLES = 254
"""Flow tables 0 to 253 of every bridge (datapath/src/pipeline/bridge.h)."""

CONFIG_BITS = (
    PortConfig.PORT_DOWN | PortConfig.NO_RECV | PortConfig.NO_FWD | PortConfig.NO_PACKET_IN
)

LINK = PortFeatures.TEN_GB_FULL | PortFeatures.COPPER
"""What a virtual link says of itself, as veth does; the rate is nominal."""

LINK_KBPS = 10_000_000


@dataclass(slots=True)
class View:
    """A bridge: its name, its datapath id and its ports by number."""

    name: str
    dpid: int
    ports: dict[int, Port] = field(default_factory=dict)


def port_of(spec: PortSpec) -> Port:
    """A port of the forwarder as peers see it."""
    return Port(
        number=spec.number,
        hw_addr=spec.mac,
        name=spec.name,
        config=PortConfig(spec.config),
        state=PortState(spec.state),
        current=LINK,
        supported=LINK,
        current_speed=LINK_KBPS,
        max_speed=LINK_KBPS,
    )


def configured(port: Port, config: PortConfig, mask: PortConfig) -> Port:
    """The port after a change of the bits in 'mask'."""
    return replace(port, config=port.config & ~mask | config & mask)


def linked(port: Port, up: bool) -> Port:
    """The port after its link went up or down."""
    link = PortState.LIVE if up else PortState.LINK_DOWN
    return replace(port, state=port.state & PortState.BLOCKED | link)
