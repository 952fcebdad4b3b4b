"""Which tests may be skipped: for a lack, and where all is installed for what no package brings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import needs
from tests.kit.lab import Lab, laboratory

TESTS = Path(__file__).parents[1]
pytest_plugins = ("pytester",)

SKIPPED_IN_EVERY_WAY = """
    import pytest
    from tests.kit import needs

    @pytest.fixture
    def nothing():
        needs.lack("a thing")

    def test_by_a_fixture(nothing): ...
    def test_by_itself(): pytest.skip("because")
    @pytest.mark.skip(reason="because")
    def test_by_a_mark(): ...
    @needs.command("no-such-program", "no-such-package")
    def test_by_a_program(): ...
    @pytest.mark.xfail
    def test_that_is_expected_to_fail(): assert False
"""
ALLOWED = """
    from tests.kit import needs

    def test_a_kernel_without_keys(): needs.lack("a kernel with keys", "Function not implemented")
"""
WHOLE_FILE = """
    import pytest
    nothing = pytest.importorskip("no_such_module")
    def test_never_seen(): ...
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest((TESTS / "conftest.py").read_text(encoding="utf-8"))
    return pytester


def outcomes(suite: pytest.Pytester, source: str) -> dict[str, int]:
    path = suite.makepyfile(source)
    found = suite.runpytest_inprocess("-p", "no:cacheprovider", path).parseoutcomes()
    return {outcome: number for outcome, number in found.items() if "warning" not in outcome}


def test_lacks_are_skips_on_any_machine(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(needs.SWITCH, raising=False)
    assert outcomes(suite, SKIPPED_IN_EVERY_WAY) == {"skipped": 4, "xfailed": 1}
    assert outcomes(suite, ALLOWED) == {"skipped": 1}
    assert outcomes(suite, WHOLE_FILE) == {"skipped": 1}


def test_where_all_is_installed_a_skip_is_a_failure(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(needs.SWITCH, "1")
    assert outcomes(suite, SKIPPED_IN_EVERY_WAY) == {"failed": 2, "errors": 3}
    assert outcomes(suite, ALLOWED) == {"skipped": 1}
    assert outcomes(suite, WHOLE_FILE) == {"errors": 1}
    assert outcomes(suite, "def test_that_runs(): ...") == {"passed": 1}


def test_ci_sets_the_switch() -> None:
    run = (TESTS.parent / ".ci/run").read_text(encoding="utf-8")
    assert re.search(rf"^export {needs.SWITCH}=1$", run, re.MULTILINE)


def test_nobody_but_the_kit_decides_that_a_test_is_skipped() -> None:
    word = re.compile(r"pytest\.(skip|importorskip|xfail)\b|mark\.(skip|skipif|xfail)\b")
    own = {TESTS / "kit/needs.py", Path(__file__)}
    found = [
        f"{path.relative_to(TESTS)}:{number}"
        for path in sorted(TESTS.rglob("*.py"))
        if path not in own
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if word.search(line)
    ]
    assert found == []
    assert word.search("pytest.skip(f'no network namespaces here: {error}')")


def test_a_laboratory_with_a_defect_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took every exception for namespaces that are missing."""

    def defect(self: Lab, program: Path) -> None:
        raise ValueError("a defect of ours")

    monkeypatch.setattr(needs, "namespaces", lambda: None)
    monkeypatch.setattr(Lab, "__init__", defect)
    with pytest.raises(ValueError, match="a defect of ours"):
        next(laboratory())


def test_and_one_without_namespaces_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "_complaint", lambda probe, user: "Operation not permitted\n")
    with pytest.raises(pytest.skip.Exception, match=r"^needs network namespaces: Operation not"):
        next(laboratory())


def test_no_package_that_brings_tests_of_its_own_hides_ours(tmp_path: Path) -> None:
    """As tinyrpc does: a folder without __init__.py loses to it wherever that is on the path."""
    theirs = tmp_path / "tests"
    theirs.mkdir()
    (theirs / "__init__.py").touch()
    line = [sys.executable, "-c", "import tests.kit.needs"]

    def code(*path: Path) -> int:
        env = {"PYTHONPATH": ":".join(map(str, path))}
        done = subprocess.run(line, env=env, cwd="/", capture_output=True, check=False)
        return done.returncode

    assert code(TESTS.parent, tmp_path) == 0
    assert code(tmp_path, TESTS.parent) == 1
