"""Rate tests: a stream at so many packets a second goes in, so much of each kind comes out.

The clock of the switch moves by steps of a millisecond, and whatever is due by then arrives at
once; no real time goes by.  Packets are of one text, evaluated once, or once for each packet
when it throws dice (which are the same on every run).  What came out is sorted by a slow, obvious
match of our own: the rules that os-ken's tester counts by ask for no more than three fields.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from os_ken.tests.switch import tester

from .osken_target import Target

STEPS_A_SECOND = 1000
PACKETS_AT_MOST = 300_000
"""A stream lasts as long as os-ken says, 30 s, unless it would have more packets than this."""

Seen = dict[int, Counter[bytes]]
"""port -> frame -> how many of them left."""


def offered(packets: dict[str, Any]) -> Iterator[bytes]:
    """The frames of a stream, for ever."""
    if not packets["randomize"]:
        while True:
            yield packets["packet_binary"]
    text = compile("/".join(packets["packet_text"]), "packet", "eval")
    names = {**vars(tester), "randint": random.Random(1).randint}
    while True:
        packet = eval(text, names)  # as the tester does: it is os-ken's own text
        packet.serialize()
        yield bytes(packet.data)


def run_stream(target: Target, packets: dict[str, Any]) -> tuple[Seen, float]:
    """All of a stream through the switch; what left, and the seconds that went by."""
    rate = packets["pktps"]
    seconds = min(packets["duration_time"], PACKETS_AT_MOST // rate)
    frames, sent = offered(packets), 0
    seen: Seen = defaultdict(Counter)
    for step in range(seconds * STEPS_A_SECOND):
        due = (step + 1) * rate // STEPS_A_SECOND - sent
        sent += due
        left = target.stream(list(islice(frames, due)), 1 / STEPS_A_SECOND)
        for port, out in left.items():
            seen[port].update(out)
    return seen, float(seconds)


def judge_rates(wanted: list[dict[str, Any]], seen: Seen, seconds: float) -> list[str]:
    """The rates that are more than 10 % off, one text each; 'wanted' as os-ken reads them."""
    return [text for one in wanted if (text := _rate_problem(one, seen, seconds))]


def _rate_problem(wanted: dict[str, Any], seen: Seen, seconds: float) -> str:
    fields = dict(wanted["OFPFlowMod"].match.items())
    chosen = [
        (len(frame), n)
        for port, frames in seen.items()
        for frame, n in frames.items()
        if _matches(fields, port, frame)
    ]
    if wanted["pktps"]:
        unit, due = "packets/s", wanted["pktps"]
        rate = sum(n for _, n in chosen) / seconds
    else:  # the tester's kilobits have 1024
        unit, due = "kbit/s", wanted["kbps"]
        rate = sum(size * n for size, n in chosen) * 8 / 1024 / seconds
    if abs(rate - due) <= due * tester.THROUGHPUT_THRESHOLD:
        return ""
    return f"{fields}: {rate:.1f} {unit} instead of {due}"


# ---- the three fields that rates are counted by ----


def _eth_type(port: int, frame: bytes) -> int:
    return int.from_bytes(frame[12:14], "big")


def _ip_dscp(port: int, frame: bytes) -> int:
    version, next_byte = frame[14] >> 4, frame[15]
    return next_byte >> 2 if version == 4 else (frame[14] & 15) << 2 | next_byte >> 6


_FIELDS: dict[str, Callable[[int, bytes], int]] = {
    "in_port": lambda port, frame: port,  # of the tester: its ports 2 and 3 are behind ours
    "eth_type": _eth_type,
    "ip_dscp": _ip_dscp,
}


def _matches(fields: dict[str, int], port: int, frame: bytes) -> bool:
    return all(_FIELDS[name](port, frame) == value for name, value in fields.items())
