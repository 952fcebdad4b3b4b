"""Figures of two contestants taken in turns, and their ratio.

On a shared machine a figure alone says little; a neighbour who disturbs one turn disturbs the turn
beside it as well.  So a ratio is the median of the ratios of the turns, not the ratio of the best.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Case:
    """What is measured, in which unit, and all that came out, by contestant."""

    what: str
    unit: str
    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contestant: str, figure: float) -> None:
        """One more measurement of a contestant's."""
        self.figures.setdefault(contestant, []).append(figure)

    def ratio(self, ours: str, theirs: str) -> float | None:
        """Ours over theirs, the median over the turns; None: there are no pairs."""
        pairs = zip(self.figures.get(ours, []), self.figures.get(theirs, []), strict=False)
        ratios = [a / b for a, b in pairs if b]
        return statistics.median(ratios) if ratios else None

    def as_json(self, ours: str, theirs: str) -> dict[str, Any]:
        """Medians, their ratio, and all figures by contestant."""
        ratio = self.ratio(ours, theirs)
        return {
            "what": self.what,
            "unit": self.unit,
            "ratio": None if ratio is None else round(ratio, 3),
            "median": {name: number(statistics.median(f)) for name, f in self.figures.items()},
            "figures": {name: [number(f) for f in all] for name, all in self.figures.items()},
        }


class Cases(dict[str, Case]):
    """Cases by what they measure, made when first measured, in that order."""

    def add(self, contestant: str, what: str, unit: str, figure: float) -> None:
        """One more measurement, of a case that may be new."""
        self.setdefault(what, Case(what, unit)).add(contestant, figure)

    def as_json(self, ours: str, theirs: str) -> list[dict[str, Any]]:
        """Each case's `Case.as_json`, in order."""
        return [case.as_json(ours, theirs) for case in self.values()]


def number(figure: float) -> float:
    """Rounded to three digits."""
    return float(f"{figure:.3g}")


def table(cases: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Cases as `Case.as_json` gives them, a row each: the ratio first."""
    heads = ["ratio", "what", "unit", *(f"{name} (median of turns)" for name in names)]
    rows = [heads] + [_row(case, names) for case in cases]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def in_words(result: Mapping[str, Any], names: Sequence[str]) -> str:
    """A result for a reader."""
    machine = result["machine"]
    return (
        table(result["cases"], names)
        + f"\n{result['turns']} turns; {machine['cpu']}, {machine['cpus']} CPUs, "
        f"Linux {machine['kernel']}, load {machine['load']}"
    )


def _row(case: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    ratio = "-" if case["ratio"] is None else f"{case['ratio']:.2f}"
    medians = [f"{case['median'][n]:,g}" if n in case["median"] else "-" for n in names]
    return [ratio, case["what"], case["unit"], *medians]
