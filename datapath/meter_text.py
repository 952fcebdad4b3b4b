"""Meters in ovs-ofctl's words: "meter=1,kbps,burst,band=type=drop,rate=1000,burst_size=100".

Before the first "band=" stand the meter's number and its flags; each band starts with its type.
Several bands follow one another behind one "bands=", as a dump prints them, or behind a "band="
each.  As in ovs-ofctl a meter says what its rates are, and a burst size belongs to the flag burst:
a switch would not look at one without the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from datapath.meter import (
    ALL_METERS,
    METER_CONTROLLER,
    METER_MAX,
    METER_SLOWPATH,
    Band,
    DropBand,
    DscpRemarkBand,
    ExperimenterBand,
    MeterCommand,
    MeterConfig,
    MeterFlags,
    MeterStats,
)
from datapath.problems import SyntaxProblem
from datapath.syntax import parse_number, split_words

_NAMES = {"all": ALL_METERS, "controller": METER_CONTROLLER, "slowpath": METER_SLOWPATH}
_NUMBER_NAMES = {number: name for name, number in _NAMES.items()}
_FLAGS = {flag.name.lower(): flag for flag in MeterFlags if flag.name}
_BANDS = re.compile(r"(?:^|[\s,])bands?=")
_BAND = re.compile(r"(?:^|[\s,])(?=type=)")
_UNITS = MeterFlags.KBPS | MeterFlags.PKTPS


def parse_meter(text: str, command: MeterCommand = MeterCommand.ADD) -> MeterConfig:
    """The meter that 'text' means, or for DELETE which one is meant ("" is all of them).

    SyntaxProblem names the word that is wrong.
    """
    head, *rest = _BANDS.split(text)
    bands = [band for part in rest for band in _BAND.split(part) if band.strip()]
    meter, flags = _read_head(head)
    if command is MeterCommand.DELETE:
        if flags or rest:
            raise SyntaxProblem(text, "a meter is deleted by its number", "write meter=1 alone")
        return MeterConfig(MeterFlags.NONE, ALL_METERS if meter is None else meter)
    if meter is None or meter == ALL_METERS:
        raise SyntaxProblem(text, "the meter's number is missing", "write meter=1")
    if flags & _UNITS not in (MeterFlags.KBPS, MeterFlags.PKTPS):
        raise SyntaxProblem(text, "rates need one unit", "write either kbps or pktps")
    if not bands:
        raise SyntaxProblem(text, "it has no band", "add one as in band=type=drop,rate=1000")
    return MeterConfig(flags, meter, tuple(_parse_band(band, flags) for band in bands))


def _read_head(text: str) -> tuple[int | None, MeterFlags]:
    meter, flags = None, MeterFlags.NONE
    for word in split_words(text):
        key, equals, value = word.partition("=")
        if key == "meter" and equals:
            meter = _meter_number(value, word)
        elif word in _FLAGS:
            flags |= _FLAGS[word]
        else:
            known = ", ".join(_FLAGS)
            raise SyntaxProblem(word, "no meter has this", f"write meter=N, {known}, band=...")
    return meter, flags


def _meter_number(value: str, word: str) -> int:
    if value in _NAMES:
        return _NAMES[value]
    number = parse_number(value, 32, word)
    if not 1 <= number <= METER_MAX:
        raise SyntaxProblem(word, "no meter can have this number", f"write 1 to {METER_MAX}")
    return number


def _parse_band(text: str, flags: MeterFlags) -> Band:
    """One band: its type, then its numbers."""
    first, *words = split_words(text)
    kind = first.removeprefix("type=")
    if kind == first or kind not in _BAND_TYPES:
        known = " or ".join(f"type={name}" for name in _BAND_TYPES)
        raise SyntaxProblem(first, "a band starts with its type", f"write {known}")
    of, bits = _BAND_TYPES[kind]
    numbers: dict[str, int] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in bits:
            raise SyntaxProblem(word, f"no {kind} band has this", f"write {', '.join(bits)}")
        numbers[key] = parse_number(value, bits[key], word)
    if "rate" not in numbers:
        raise SyntaxProblem(text, "the band's rate is missing", "write rate=1000")
    if ("burst_size" in numbers) != bool(flags & MeterFlags.BURST):
        raise SyntaxProblem(
            text, "burst and burst_size go together", "write both, or neither of them"
        )
    numbers["burst"] = numbers.pop("burst_size", 0)
    return of(**numbers)


_BAND_TYPES: dict[str, tuple[Callable[..., Band], dict[str, int]]] = {
    "drop": (DropBand, {"rate": 32, "burst_size": 32}),
    "dscp_remark": (DscpRemarkBand, {"rate": 32, "burst_size": 32, "prec_level": 8}),
}


def format_meter(meter: MeterConfig) -> str:
    """The meter as `ovs-ofctl dump-meters` prints it, a line a band; parse_meter reads it back."""
    name = _NUMBER_NAMES.get(meter.meter, str(meter.meter))
    words = [f"meter={name}", *(word for word, flag in _FLAGS.items() if flag & meter.flags)]
    bursts = bool(meter.flags & MeterFlags.BURST)
    return "\n".join(
        [f"{' '.join(words)} bands=", *(_format_band(band, bursts) for band in meter.bands)]
    )


def _format_band(band: Band, bursts: bool) -> str:
    burst = f" burst_size={band.burst}" if bursts else ""
    return _FORMATS[type(band)](band, f"rate={band.rate}{burst}")


_FORMATS: dict[type[Any], Callable[[Any, str], str]] = {
    DropBand: lambda band, rate: f"type=drop {rate}",
    DscpRemarkBand: lambda band, rate: f"type=dscp_remark {rate} prec_level={band.prec_level}",
    ExperimenterBand: lambda band, rate: (
        f"type=experimenter {rate} experimenter={band.experimenter:#x} data={band.data.hex()}"
    ),
}


def format_meter_stats(stats: MeterStats) -> str:
    """How a meter fared, as `ovs-ofctl meter-stats` prints it, a line a band."""
    fraction = f".{stats.duration_nsec // 1_000_000:03d}" if stats.duration_nsec else ""
    name = _NUMBER_NAMES.get(stats.meter, str(stats.meter))
    head = (
        f"meter:{name} flow_count:{stats.flows} packet_in_count:{stats.packets}"
        f" byte_in_count:{stats.bytes} duration:{stats.duration_sec}{fraction}s bands:"
    )
    bands = (
        f"{number}: packet_count:{band.packets} byte_count:{band.bytes}"
        for number, band in enumerate(stats.bands)
    )
    return "\n".join([head, *bands])
