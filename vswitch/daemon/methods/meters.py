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
from datapath.of13.meter import meter_mod
from datapath.ports import PortNames
from vswitch.daemon.methods.numbered import Numbered, methods
from vswitch.openflow.messages import meter as messages


def _row(meter: MeterConfig, counted: MeterStats | None, ports: PortNames) -> dict[str, Any]:
    stats = counted or MeterStats(meter.meter)
    bands = [*stats.bands, *[BandStats()] * len(meter.bands)]
    return {
        "meter": meter.meter,
        "flags": [flag.name.lower() for flag in MeterFlags if flag & meter.flags and flag.name],
        "flows": stats.flows,
        "packets": stats.packets,
        "bytes": stats.bytes,
        "duration": stats.duration_sec + stats.duration_nsec / 1e9,
        "bands": [
            {**_band(band), "packets": stats.packets, "bytes": stats.bytes}
            for band, stats in zip(meter.bands, bands, strict=False)
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

METERS: Numbered[MeterConfig, MeterStats] = Numbered(
    noun="meter",
    every=ALL_METERS,
    commands=MeterCommand,
    parse=lambda text, command, ports: parse_meter(text, command),
    mod=meter_mod,
    descriptions=messages.MeterConfigRequest(xid=1),
    statistics=messages.MeterStatsRequest(xid=2),
    described=lambda one: one.meters if isinstance(one, messages.MeterConfigReply) else (),
    counted=lambda one: one.meters if isinstance(one, messages.MeterStatsReply) else (),
    row=_row,
)

METHODS = methods(METERS)
