"""meter.add, meter.mod, meter.list, meter.rm: words to meter-mods and statistics back to words."""

from __future__ import annotations

from typing import Any

from datapath.meter import (
    ALL_METERS,
    Band,
    BandStats,
    DropBand,
    DscpRemarkBand,
    ExperimenterBand,
    MeterCommand,
    MeterConfig,
    MeterFlags,
    MeterStats,
)
from datapath.meter_text import format_meter, parse_meter
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.door import ask, refuse_errors, understood
from vswitch.daemon.methods.finding import live_bridge
from vswitch.errors import Exit, Failure, shown
from vswitch.openflow import encode
from vswitch.openflow.messages import meter as me
from vswitch.openflow.messages.base import Message


async def add(daemon: Daemon, bridge: str, meter: str) -> None:
    await _mod(daemon, bridge, meter, MeterCommand.ADD)


async def modify(daemon: Daemon, bridge: str, meter: str) -> None:
    await _mod(daemon, bridge, meter, MeterCommand.MODIFY)


async def _mod(daemon: Daemon, bridge: str, text: str, command: MeterCommand) -> None:
    live = live_bridge(daemon, bridge)
    with understood("meter"):
        message = _parsed(text, command).to_meter_mod(command, xid=1)
    refuse_errors(f"meter {shown(text)}", await ask(daemon, live, [message]))


async def remove(daemon: Daemon, bridge: str, meter: str = "") -> None:
    """One meter, which has to be there, or all."""
    live = live_bridge(daemon, bridge)
    which = _parsed(meter, MeterCommand.DELETE)
    message = which.to_meter_mod(MeterCommand.DELETE, xid=2)
    answers = await ask(daemon, live, [encode(me.MeterConfigRequest(xid=1)), message])
    _chosen(answers, which.meter)
    refuse_errors(f"meter {shown(meter)}", answers)


async def list_(daemon: Daemon, bridge: str, meter: str = "") -> list[dict[str, Any]]:
    live = live_bridge(daemon, bridge)
    which = _parsed(meter, MeterCommand.DELETE)
    asked = (me.MeterConfigRequest(xid=1), me.MeterStatsRequest(xid=2))
    answers = await ask(daemon, live, map(encode, asked))
    refuse_errors("meters", answers)
    replies = (answer for answer in answers if isinstance(answer, me.MeterStatsReply))
    stats = {one.meter: one for reply in replies for one in reply.meters}
    found = _chosen(answers, which.meter)
    return [_row(one, stats.get(one.meter, MeterStats(one.meter))) for one in found]


def _parsed(text: str, command: MeterCommand) -> MeterConfig:
    with understood("meter"):
        return parse_meter(text, command)


def _chosen(answers: list[Message], which: int) -> list[MeterConfig]:
    """The meters by number, or one of them; Failure (exit 3) if that one is not there."""
    replies = (answer for answer in answers if isinstance(answer, me.MeterConfigReply))
    found = [one for r in replies for one in r.meters if which in (ALL_METERS, one.meter)]
    if which != ALL_METERS and not found:
        do = "see `vswitch meter ls`"
        raise Failure(f"meter {which}", "there is none of that number", do, Exit.NOT_FOUND)
    return sorted(found, key=lambda one: one.meter)


def _row(meter: MeterConfig, stats: MeterStats) -> dict[str, Any]:
    counted = [*stats.bands, *[BandStats()] * len(meter.bands)]
    return {
        "meter": meter.meter,
        "flags": [flag.name.lower() for flag in MeterFlags if flag & meter.flags and flag.name],
        "flows": stats.flows,
        "packets": stats.packets,
        "bytes": stats.bytes,
        "duration": stats.duration_sec + stats.duration_nsec / 1e9,
        "bands": [
            {**_band(band), "packets": stats.packets, "bytes": stats.bytes}
            for band, stats in zip(meter.bands, counted, strict=False)
        ],
        "text": " ".join(format_meter(meter).split("\n")),
    }


def _band(band: Band) -> dict[str, Any]:
    row = {"type": _BANDS[type(band)], "rate": band.rate, "burst_size": band.burst}
    if isinstance(band, DscpRemarkBand):
        row["prec_level"] = band.prec_level
    return row


_BANDS: dict[type, str] = {
    DropBand: "drop", DscpRemarkBand: "dscp_remark", ExperimenterBand: "experimenter",
}  # fmt: skip

METHODS = {"meter.add": add, "meter.mod": modify, "meter.list": list_, "meter.rm": remove}
