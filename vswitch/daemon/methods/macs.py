"""mac.list, mac.flush: the stations that NORMAL has learned."""

from __future__ import annotations

import asyncio
import heapq
from typing import Any

from datapath.frames import Command, Event, Mac
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.link import ForwarderGone, ForwarderRefused
from vswitch.daemon.methods.finding import live_bridge
from vswitch.errors import Failure
from vswitch.rpc.protocol import Rows, text
from vswitch.rpc.waiting import begin


async def list_(daemon: Daemon, bridge: str) -> Rows:
    """Stations by VLAN and address, with their port and the seconds that they have been silent."""
    live = live_bridge(daemon, bridge)
    try:
        answers = await daemon.operator.connected().ask(Command.MACS, b"", live.id)
    except (ForwarderRefused, ForwarderGone) as error:
        raise Failure("stations", str(error), "try again in a moment") from None
    payloads = [a.frame.payload for a in answers if a.frame.type == Event.MACS]
    return await asyncio.to_thread(_rows, payloads, live.port_names())


def _rows(payloads: list[bytes], names: dict[int, str]) -> Rows:
    """On a thread, where no step may be long: each payload is sorted alone, then all are merged."""
    sorted_ones = [sorted(Mac.unpack_all(one), key=_order) for one in payloads]
    return Rows(text(row(one, names)) for one in heapq.merge(*sorted_ones, key=_order))


def _order(one: Mac) -> tuple[int, bytes]:
    return one.vlan, one.mac


def row(one: Mac, names: dict[int, str]) -> dict[str, Any]:
    """A station as it is told; 'names': ports' by number."""
    return {
        "vlan": one.vlan, "mac": one.mac.hex(":"), "port": one.port,
        "name": names.get(one.port), "age": one.age,
    }  # fmt: skip


async def flush(daemon: Daemon, bridge: str) -> None:
    """Lets a bridge forget all stations."""
    live = live_bridge(daemon, bridge)
    begin()
    await daemon.operator.ask(f"bridge {bridge}", Command.MAC_FLUSH, b"", live.id)


METHODS = {"mac.list": list_, "mac.flush": flush}
