"""No assert stands where packets pass: what can't be right is dropped and counted.

An assert ends the process, and every bridge with it.  Those that are left check what the switch
made when it started, or what its own loop did just before.
"""

from __future__ import annotations

import re
from pathlib import Path

SOURCES = Path(__file__).parents[3] / "datapath/src"
WHOLE_ROOMS = ("packet", "flow", "act", "compose")
FILES = (
    "port/burst*.c", "port/af_packet.c", "port/tap.c", "port/vnet.c", "port/kind.[ch]",
    "port/port.h", "bridge/vlan.c", "bridge/world.h", "bridge/port_list.c",
    "tables/group.[ch]", "tables/meter_entry.[ch]", "tables/rule.[ch]",
    "meter/meter.c", "lane/queue.c", "cache/cache.h",
    "switch/passage.c", "switch/lanes.c", "switch/upcalls.c",
)  # fmt: skip
WAY = (*(f"{room}/*.[ch]" for room in WHOLE_ROOMS), *FILES)
LEFT = {
    "packet/packet.c": ["packet_pool_out(pool) == 0"],
    "act/outlet.c": ["o->queues != MAP_FAILED"],
    "compose/stage.c": ["s->at != MAP_FAILED"],
    "meter/meter.c": ["n <= METER_MAX_BANDS"],
    "lane/queue.c": ["max_packets > 0", "!q->count"],
    "switch/passage.c": ["waiting->n == 0"],
}
"""Made at the start, taken apart at the end; and a backlog of which poll_port() has just asked."""


def asserts(path: Path) -> list[str]:
    return re.findall(r"\bMUST\((.*)\);", path.read_text())


def test_no_assert_stands_where_packets_pass() -> None:
    files = [path for pattern in WAY for path in sorted(SOURCES.glob(pattern))]
    found = {str(path.relative_to(SOURCES)): asserts(path) for path in files}
    assert {name: some for name, some in found.items() if some} == LEFT


def test_every_room_on_the_way_is_looked_at() -> None:
    """Also that the pattern still finds an assert."""
    assert all(list(SOURCES.glob(pattern)) for pattern in WAY)
    assert asserts(SOURCES / "base/ring.c")
