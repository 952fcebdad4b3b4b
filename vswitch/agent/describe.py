"""Who the switch is: features, description, ports, tables (OpenFlow 1.3.5, 7.3.1 and 7.3.5).

Answers that may outgrow one message are cut into parts below 64 KiB.  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from datapath.problems import Error, ProtocolProblem
from vswitch import __version__
from vswitch.agent.limits import N_TABLES
from vswitch.agent.session import Session
from vswitch.agent.sessions import Sessions
from vswitch.agent.tables import configured, features_of_table
from vswitch.openflow.messages import switch as sw
from vswitch.openflow.messages import table as ta
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.port import PortDescReply, PortDescRequest

CAPABILITIES = (
    sw.Capabilities.FLOW_STATS
    | sw.Capabilities.TABLE_STATS
    | sw.Capabilities.PORT_STATS
    | sw.Capabilities.GROUP_STATS
    | sw.Capabilities.QUEUE_STATS
)
"""Fragments are not put together (IP_REASM); no port is ever blocked against loops, for there is
no spanning tree (PORT_BLOCKED)."""

PORTS_A_PART = 1000
"""Ports in one message: 64 bytes each."""

TABLES_A_PART = 32


def _features(sessions: Sessions, session: Session, asked: sw.FeaturesRequest) -> Iterator[Message]:
    yield sw.FeaturesReply(
        sessions.view.dpid, n_tables=N_TABLES, capabilities=CAPABILITIES, xid=asked.xid
    )


def _desc(sessions: Sessions, session: Session, asked: sw.DescRequest) -> Iterator[Message]:
    yield sw.DescReply(
        manufacturer="vswitch",
        hardware="software switch",
        software=__version__,
        serial_number="None",
        datapath=sessions.view.name,
        xid=asked.xid,
    )


def _ports(sessions: Sessions, session: Session, asked: PortDescRequest) -> Iterator[Message]:
    ports = tuple(port for _, port in sorted(sessions.view.ports.items()))
    for start in range(0, len(ports) or 1, PORTS_A_PART):
        end = start + PORTS_A_PART
        yield PortDescReply(ports[start:end], more=end < len(ports), xid=asked.xid)


def _tables(
    sessions: Sessions, session: Session, asked: ta.TableFeaturesRequest
) -> Iterator[Message]:
    """What tables can do; with a body, what they are to do: then all of it is done or nothing, and
    the answer shows the outcome (7.3.5.5)."""
    view = sessions.view
    if asked.tables and not session.writable:
        raise ProtocolProblem(Error.BAD_REQUEST_IS_SLAVE, "a slave may not write")
    if asked.tables:
        view.tables = configured(asked.tables)
    for start in range(0, N_TABLES, TABLES_A_PART):
        end = min(start + TABLES_A_PART, N_TABLES)
        part = tuple(features_of_table(n, view.tables[n]) for n in range(start, end))
        yield ta.TableFeaturesReply(part, more=end < N_TABLES, xid=asked.xid)


REPLIES: dict[type[Message], Callable[[Any, Any, Any], Iterator[Message]]] = {
    sw.FeaturesRequest: _features,
    sw.DescRequest: _desc,
    PortDescRequest: _ports,
    ta.TableFeaturesRequest: _tables,
}
