"""`vswitch top`: ports with their rates, on a screen that refreshes, sorted and scrolled by keys.

Rates are differences between two readings of exact counters, divided by the time
between them; the first screen has none yet.  On a terminal it goes on until
`q`, elsewhere (a pipe, a file) it prints once, and then counters only.
Time comes in as functions, so tests own the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from vswitch.cli.browse import browse
from vswitch.cli.output import Column, counted, human, plural, table
from vswitch.cli.views import PORTS, numbered
from vswitch.errors import Exit
from vswitch.rpc.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vswitch.cli.output import Output, Record

_COUNTERS = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes")

COLUMNS = (
    Column("BRIDGE", "bridge"),
    Column("NUMBER", "number", lambda port: numbered(port["number"])),
    Column("NAME", "name"),
    Column("STATE", "state"),
    Column("RX PACKETS/S", "rx_packets_per_s"),
    Column("RX RATE", "rx_bits_per_s", lambda port: human(port["rx_bits_per_s"], "bps")),
    Column("TX PACKETS/S", "tx_packets_per_s"),
    Column("TX RATE", "tx_bits_per_s", lambda port: human(port["tx_bits_per_s"], "bps")),
    Column("RX PACKETS", "rx_packets"),
    Column("TX PACKETS", "tx_packets"),
    Column("DROPS", "drops", lambda port: counted(port["drops"])),
)

SORTS: Mapping[str, Callable[[Record], Any]] = {
    "number": lambda port: (port["bridge"], port["number"]),
    "name": lambda port: port["name"],
    "rx": lambda port: _falling(port["rx_bits_per_s"], port["rx_bytes"]),
    "tx": lambda port: _falling(port["tx_bits_per_s"], port["tx_bytes"]),
    "packets": lambda port: _falling(
        (port["rx_packets_per_s"] or 0) + (port["tx_packets_per_s"] or 0),
        port["rx_packets"] + port["tx_packets"],
    ),
    "drops": lambda port: -sum(port["drops"].values()),
}
"""What ports can be sorted by; of what is counted, the most is first."""


def _falling(rate: int | None, total: int) -> tuple[int, int]:
    return -(rate or 0), -total


def run(
    client: Client,
    params: Mapping[str, Any],
    out: Output,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Prints screens until they are enough; 0, also when interrupted.

    'params': times (None: for ever on a terminal, once elsewhere), seconds between two, sort.
    """
    seconds = params.get("seconds", 1.0)
    terminal = out.stream.isatty() and not out.json
    times = params.get("times", None if terminal else 1)
    ports = Ports(client, params.get("sort", "number"), rates=times != 1, clock=clock)
    try:
        if terminal and times != 1:
            from vswitch.cli.terminal import Terminal

            ports.read()  # without a daemon there is no screen
            with Terminal(out.stream) as screen:
                browse(screen, ports, seconds, times, clock)
        else:
            _print(ports, out, times, seconds, sleep)
    except KeyboardInterrupt:
        pass
    return Exit.OK


def _print(
    ports: Ports, out: Output, times: int | None, seconds: float, sleep: Callable[[float], None]
) -> None:
    out.compact, shown = times != 1, 0
    while True:
        ports.read()
        head, body = ports.lines(out.width or 0)
        lines = [*([""] if shown else []), *head, *body]
        out.result(ports.answer(), lines.copy)
        out.stream.flush()
        shown += 1
        if shown == times:
            return
        sleep(seconds)


class Ports:
    """The ports of all bridges, sorted; keys change by what."""

    def __init__(
        self, client: Client, sort: str, *, rates: bool, clock: Callable[[], float]
    ) -> None:
        self._client, self._clock, self._rates = client, clock, rates
        self.sort, self.reverse = sort, False
        self.status: dict[str, Any] = {}
        self.ports: list[dict[str, Any]] = []
        self._then = clock()

    def read(self) -> None:
        """Takes a new reading."""
        before = {_key(port): port for port in self.ports}
        self.status, found = self._client.call("status"), self._client.call("port.list")
        now = self._clock()
        self.ports = [rated(port, before.get(_key(port)), now - self._then) for port in found]
        self._then = now

    def answer(self) -> dict[str, Any]:
        """What is printed for programs."""
        return {"status": self.status, "ports": self._sorted()}

    def lines(self, width: int) -> tuple[list[str], list[str]]:
        """The head with the names of columns, and a line a port."""
        bridges = plural(self.status["bridges"], "bridge")
        order = f"{self.sort}{', reversed' if self.reverse else ''}"
        title = f"vswitch {self.status['version']}: {bridges}, {plural(len(self.ports), 'port')}"
        if self._rates:
            title += f"   by {order} (s, r)   q ends"
        heads, *rows = table(self._sorted(), COLUMNS if self._rates else PORTS)
        return [title, "", heads], rows

    def press(self, key: str) -> bool:
        """`s`: sort by the next; `r`: the other way round."""
        if key == "s":
            words = list(SORTS)
            self.sort = words[(words.index(self.sort) + 1) % len(words)]
        elif key == "r":
            self.reverse = not self.reverse
        return key in ("s", "r")

    def _sorted(self) -> list[dict[str, Any]]:
        return sorted(self.ports, key=SORTS[self.sort], reverse=self.reverse)


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


def _key(port: Record) -> tuple[str, str]:
    return port["bridge"], port["name"]
