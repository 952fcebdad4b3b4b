"""The worked example of datapath/README.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "datapath" / "README.md"
pytest_plugins = ("pytester",)


def example() -> str:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_the_readme_passes(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from datapath.testing import make_switch, switch")
    pytester.makepyfile(example())
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)
