"""All tests of a version, judged, counted by category, drawn as a table.

"right" is what os-ken's tester would call OK; "wrong tests" are those of `wrong_of13.txt` that
failed as they must; "failed" is what is left, and none should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .osken_cases import CATEGORIES, case_files, load
from .osken_verdict import Verdict, judge
from .osken_wrong import wrong_as_told, wrong_tests


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, and what we make of it: 'failed' says why it is our fault, if it is."""

    verdict: Verdict
    failed: str

    def __str__(self) -> str:
        return f"{self.verdict.case}\n    {self.failed}"


def outcomes(version: str, file: str) -> Iterator[Outcome]:
    """Every test of one file, carried out."""
    wrong = wrong_tests(version)
    for case in load(version, file, case_files(version)[file]):
        verdict = judge(case)
        reason = wrong.get((case.file, case.description))
        failed = wrong_as_told(verdict, reason) if reason else verdict.problem
        yield Outcome(verdict, failed)


def table(found: Iterable[Outcome]) -> str:
    """Category, right, of; and how those that aren't right fall."""
    rows = [("category", "right", "of", "wrong tests", "failed")]
    every = list(found)
    for category in (*CATEGORIES, "total"):
        mine = [o for o in every if category in (o.verdict.case.category, "total")]
        right = sum(o.verdict.right for o in mine)
        failed = sum(bool(o.failed) for o in mine)
        told = sum(not o.verdict.right and not o.failed for o in mine)
        rows.append((category, str(right), str(len(mine)), str(told), str(failed)))
    return "\n".join(f"{a:10}{b:>8}{c:>8}{d:>14}{e:>8}" for a, b, c, d, e in rows)
