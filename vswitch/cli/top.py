"""`vswitch top`: ports with their rates, on a screen that refreshes.

Rates are differences between two readings of exact counters, divided by the time
between them; the first screen has none yet.  On a terminal it goes on until
interrupted, elsewhere (a pipe, a file) it prints once, and then counters only.
Time comes in as functions, so tests own the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vswitch.cli.output import counted, plural, table
from vswitch.cli.views import PORTS
from vswitch.errors import Exit, Failure
from vswitch.rpc.client import Client
from vswitch.values import port_number_text

if TYPE_CHECKING:
    from vswitch.cli.output import Column, Output, Record

_CLEAR = "\x1b[H\x1b[2J"
_COUNTERS = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes")

COLUMNS: tuple[Column, ...] = (
    ("BRIDGE", "bridge"),
    ("NUMBER", lambda port: port_number_text(port.get("number"))),
    ("NAME", "name"),
    ("STATE", "state"),
    ("RX PACKETS/S", "rx_packets_per_s"),
    ("RX BITS/S", "rx_bits_per_s"),
    ("TX PACKETS/S", "tx_packets_per_s"),
    ("TX BITS/S", "tx_bits_per_s"),
    ("RX PACKETS", "rx_packets"),
    ("TX PACKETS", "tx_packets"),
    ("DROPS", lambda port: counted(port.get("drops") or {})),
)


@dataclass(frozen=True, slots=True)
class Options:
    """How often: 'times' is None for ever, 'seconds' between two screens."""

    times: int | None
    seconds: float = 1.0


def run(
    client: Client,
    words: Sequence[str],
    out: Output,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Prints screens until they are enough; 0, also when interrupted."""
    terminal = out.stream.isatty() and not out.json
    options = read(words, None if terminal else 1)
    before: dict[tuple[str, str], Record] = {}
    then, shown = clock(), 0
    try:
        while True:
            status, ports, now = client.call("status"), client.call("port.list"), clock()
            ports = [rated(p, before.get(_key(p)), now - then) for p in ports]
            _screen(out, status, ports, rates=options.times != 1)
            shown += 1
            if shown == options.times:
                return Exit.OK
            before, then = {_key(port): port for port in ports}, now
            sleep(options.seconds)
    except KeyboardInterrupt:
        return Exit.OK


def read(words: Sequence[str], times: int | None) -> Options:
    """Options from words: -n TIMES, -d SECONDS; 'times' unless they say otherwise."""
    options: dict[str, Any] = {"times": times}
    readers: dict[str, tuple[str, Callable[[str], float]]] = {
        "-n": ("times", int),
        "-d": ("seconds", float),
    }
    rest = iter(words)
    for word in rest:
        if word not in readers:
            raise _usage(f"{word!r} is no option of it")
        key, reader = readers[word]
        try:
            options[key] = reader(next(rest, ""))
        except ValueError:
            raise _usage(f"{word} needs a number") from None
        if not 0 < options[key] < 1e6:
            raise _usage(f"{word} needs a number above 0")
    return Options(**options)


def rated(port: Record, before: Record | None, seconds: float) -> dict[str, Any]:
    """The port with rates since 'before'; None where there is nothing to compare with."""
    rates: dict[str, int | None] = {}
    earlier = before or {}
    for counter in _COUNTERS:
        name, scale = (counter, 1) if "packets" in counter else (counter[:3] + "bits", 8)
        known = seconds > 0 and counter in port and counter in earlier
        grown = port[counter] - earlier[counter] if known else -1
        rates[f"{name}_per_s"] = round(grown * scale / seconds) if grown >= 0 else None
    return {**port, **rates}


def _screen(out: Output, status: Record, ports: list[dict[str, Any]], rates: bool) -> None:
    clear = rates and out.stream.isatty()
    bridges = plural(status["bridges"], "bridge")
    head = f"vswitch {status['version']}: {bridges}, {plural(len(ports), 'port')}"
    columns = COLUMNS if rates else PORTS
    lines = [(_CLEAR if clear else "") + head, "", *table(ports, columns)]
    out.result({"status": status, "ports": ports}, lambda: lines)
    out.stream.flush()


def _key(port: Record) -> tuple[str, str]:
    return port["bridge"], port["name"]


def _usage(why: str) -> Failure:
    return Failure("top", why, "see vswitch top --help", Exit.USAGE)
