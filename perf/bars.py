"""`perf bars`: what we promise beside Open vSwitch, measured and judged.

A bar is a ratio that a case of `perf flowmods` or `perf packetins` has to reach: ours over theirs,
of one run.  Rates at least, times and memory at most.  A bar is never lowered to be held: what is
missed is shown as missed, and the exit code is 1.  A case that has no ratio, since the peer is not
there, is missed as well.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf import flowmods, packetins
from perf.contestants import OpenVSwitch, Ours
from perf.problem import USAGE, PerfProblem
from perf.turns import in_words

RULES = 100_000
RATE, SECONDS = 100_000, 3.0


@dataclass(frozen=True)
class Bar:
    """The ratio that the case of this name is to have: at 'least' or at 'most'."""

    what: str
    least: float = 0.0
    most: float = float("inf")

    @property
    def limit(self) -> str:
        """As people write it."""
        return f">= {self.least:g}" if self.least else f"<= {self.most:g}"


@dataclass(frozen=True)
class Verdict:
    """What came of a bar.  'ratio': None if there is none."""

    bar: Bar
    ratio: float | None

    @property
    def held(self) -> bool:
        """Whether it was reached."""
        return self.ratio is not None and self.bar.least <= self.ratio <= self.bar.most


FLOW_MODS = (
    Bar(f"{RULES:,} flow-mods, one barrier", least=1.5),
    Bar("flow-mod + barrier, 0 rules there, p50", most=1.6),
    Bar("flow-mod + barrier, 10,000 rules there, p50", most=1.6),
    Bar(f"flow-mod + barrier, {RULES:,} rules there, p50", most=1.6),
    Bar(f"memory a rule, the first {RULES:,}", most=1.0),
    Bar(f"dump of {RULES:,} rules", most=1.0),
    Bar(f"delete of {RULES:,} rules", most=1.0),
)
PACKET_INS = (Bar("packet-ins counted", least=1.5),)


def judge(bars: Sequence[Bar], cases: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """Each bar against the case of its name, as `Case.as_json` has it.  Pure."""
    ratios = {case["what"]: case["ratio"] for case in cases}
    return [Verdict(bar, ratios.get(bar.what)) for bar in bars]


def table(verdicts: Sequence[Verdict]) -> str:
    """A bar a line: what came, what was to come, whether it is held."""
    lines = []
    for verdict in verdicts:
        ratio = "-" if verdict.ratio is None else f"{verdict.ratio:.2f}"
        word = "held" if verdict.held else "MISSED"
        lines.append(f"{word:6}  {ratio:>5}  {verdict.bar.limit:>6}  {verdict.bar.what}")
    return "\n".join(lines)


# ---- the command ------------------------------------------------------------------


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declares the command line."""
    parser = commands.add_parser("bars", help="what is promised beside Open vSwitch, judged")
    parser.add_argument("--turns", type=int, default=5, help="times that all is done (default 5)")
    parser.add_argument("--json", action="store_true", help="the result as one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measures, judges, prints; PerfProblem if a bar is missed."""
    if options.turns < 1:
        raise PerfProblem("--turns: give a number above 0", USAGE)
    results = (
        flowmods.measure(RULES, options.turns),
        packetins.measure(RATE, SECONDS, options.turns),
    )
    verdicts = judge(FLOW_MODS, results[0]["cases"]) + judge(PACKET_INS, results[1]["cases"])
    if options.json:
        bars = [
            {"what": v.bar.what, "limit": v.bar.limit, "ratio": v.ratio, "held": v.held}
            for v in verdicts
        ]
        print(json.dumps({"bars": bars, "results": results}))
    else:
        names = (Ours.name, OpenVSwitch.name)
        print("\n\n".join([*(in_words(result, names) for result in results), table(verdicts)]))
    missed = [verdict for verdict in verdicts if not verdict.held]
    if missed:
        raise PerfProblem(f"{len(missed)} of {len(verdicts)} bars missed")
