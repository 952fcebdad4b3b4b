"""mac.list, mac.flush: the stations that NORMAL has learned."""

from __future__ import annotations

from typing import Any

from datapath.frames import Command, Event, Mac
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.link import ForwarderGone, Refused
from vswitch.daemon.live import LiveBridge
from vswitch.daemon.methods.finding import live_bridge
from vswitch.errors import Failure
from vswitch.rpc.waiting import begin


async def list_(daemon: Daemon, bridge: str) -> list[dict[str, Any]]:
    """Stations by VLAN and address, with their port and the seconds that they have been silent."""
    live = live_bridge(daemon, bridge)
    try:
        answers = await daemon.operator.connected().ask(Command.MACS, b"", live.id)
    except (Refused, ForwarderGone) as error:
        raise Failure("stations", str(error), "try again in a moment") from None
    payloads = [a.frame.payload for a in answers if a.frame.type == Event.MACS]
    found = [one for payload in payloads for one in Mac.unpack_all(payload)]
    return [row(live, one) for one in sorted(found, key=lambda one: (one.vlan, one.mac))]


def row(bridge: LiveBridge, one: Mac) -> dict[str, Any]:
    """A station as it is told."""
    port = bridge.by_number(one.port)
    return {
        "vlan": one.vlan, "mac": one.mac.hex(":"), "port": one.port,
        "name": port.record.name if port else None, "age": one.age,
    }  # fmt: skip


async def flush(daemon: Daemon, bridge: str) -> None:
    live = live_bridge(daemon, bridge)
    begin()
    await daemon.operator.ask(f"bridge {bridge}", Command.MAC_FLUSH, b"", live.id)


METHODS = {"mac.list": list_, "mac.flush": flush}
