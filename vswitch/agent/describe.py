"""Who the switch is: features, description, ports, tables (OpenFlow 1.3.5, 7.3.1 and 7.3.5).

Answers that may outgrow one message are cut into parts below 64 KiB.  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from datapath.problems import Error, ProtocolProblem
from vswitch import __version__
from vswitch.agent.tables import features_of_table
from vswitch.agent.view import N_TABLES
from vswitch.openflow.messages import switch as sw
from vswitch.openflow.messages import table as ta
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.port import PortDescReply, PortDescRequest

if TYPE_CHECKING:
    from vswitch.agent.agent import Agent
    from vswitch.agent.session import Session

CAPABILITIES = sw.Capabilities.FLOW_STATS | sw.Capabilities.TABLE_STATS | sw.Capabilities.PORT_STATS
PORTS_A_PART = 1000
"""Ports in one message: 64 bytes each."""

TABLES_A_PART = 32


def _features(agent: Agent, session: Session, asked: sw.FeaturesRequest) -> Iterator[Message]:
    yield sw.FeaturesReply(
        agent.view.dpid, n_tables=N_TABLES, capabilities=CAPABILITIES, xid=asked.xid
    )


def _desc(agent: Agent, session: Session, asked: sw.DescRequest) -> Iterator[Message]:
    yield sw.DescReply(
        manufacturer="vswitch",
        hardware="software switch",
        software=__version__,
        serial_number="None",
        datapath=agent.view.name,
        xid=asked.xid,
    )


def _ports(agent: Agent, session: Session, asked: PortDescRequest) -> Iterator[Message]:
    ports = tuple(port for _, port in sorted(agent.view.ports.items()))
    for start in range(0, len(ports) or 1, PORTS_A_PART):
        end = start + PORTS_A_PART
        yield PortDescReply(ports[start:end], more=end < len(ports), xid=asked.xid)


def _tables(agent: Agent, session: Session, asked: ta.TableFeaturesRequest) -> Iterator[Message]:
    """Tables are as they are: a request to change them is refused (7.3.5.5)."""
    if asked.tables:
        raise ProtocolProblem(Error.TABLE_FEATURES_FAILED_EPERM, "the tables are fixed")
    for start in range(0, N_TABLES, TABLES_A_PART):
        end = min(start + TABLES_A_PART, N_TABLES)
        part = tuple(features_of_table(number) for number in range(start, end))
        yield ta.TableFeaturesReply(part, more=end < N_TABLES, xid=asked.xid)


REPLIES: dict[type[Message], Callable[[Any, Any, Any], Iterator[Message]]] = {
    sw.FeaturesRequest: _features,
    sw.DescRequest: _desc,
    PortDescRequest: _ports,
    ta.TableFeaturesRequest: _tables,
}
