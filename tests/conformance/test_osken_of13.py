"""os-ken's 991 switch tests of OpenFlow 1.3, in memory, by the rules of its own tester.

A test here is a file of os-ken; what failed in it is told by description.  Those that no right
switch can pass are named in `wrong_of13.txt`, and must fail, each by its reason.
"""

from collections import Counter

import pytest

from .osken_cases import case_files, load
from .osken_table import outcomes
from .osken_wrong import wrong_tests

VERSION = "of13"
FILES = case_files(VERSION)


@pytest.mark.parametrize("file", FILES)
def test_the_switch_does_as_os_ken_expects(file: str) -> None:
    failed = [outcome for outcome in outcomes(VERSION, file) if outcome.failed]
    assert not failed, "\n".join(["", *map(str, failed)])


def test_all_tests_are_there() -> None:
    cases = [case for file, path in FILES.items() for case in load(VERSION, file, path)]
    counts = Counter(case.category for case in cases)
    assert counts == {"action": 56, "set_field": 170, "match": 714, "group": 15, "meter": 36}
    names = [(case.file, case.description) for case in cases]
    assert len(set(names)) == len(names), "two tests of one name"
    assert set(wrong_tests(VERSION)) <= set(names), "a wrong test that isn't there"
