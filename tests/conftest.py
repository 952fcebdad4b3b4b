"""What all tests share: which build of the C side they run over, and whose dice they throw.

With VSWITCH_FLAVOUR naming a build folder, its extension module takes the place of the installed
one before anything imports it, and daemons that tests start find its forwarder.

Generated examples are the same on every run, so that what is green stays green; `make test-full`
sets HYPOTHESIS_PROFILE=random to look for new ones.
"""

import importlib.util
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.kit import needs

settings.register_profile("same", derandomize=True)
settings.register_profile("random")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def use_flavour(folder: Path) -> None:
    """Loads `datapath._vswitch` from `folder` and points the daemon at its forwarder."""
    (library,) = folder.resolve().glob("_vswitch*.so")
    spec = importlib.util.spec_from_file_location("datapath._vswitch", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["datapath._vswitch"] = module
    os.environ["VSWITCH_FORWARDER"] = str(folder.resolve() / "vswitch-forwarder")


# A shell starts what it puts into the background with SIGINT ignored, and programs under test would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

if name := os.environ.get("VSWITCH_FLAVOUR"):
    use_flavour(Path(name))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that is skipped whole."""
    report = yield
    _no_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped, by a mark, a fixture or itself."""
    report = yield
    _no_skip(report)
    return report


def _no_skip(report: pytest.CollectReport | pytest.TestReport) -> None:
    """Turns a skip that tests/kit/needs.py doesn't allow into a failure."""
    if not report.skipped:
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not needs.may_be_skipped(reason):
        report.outcome = "failed"
        report.longrepr = f"skipped ({reason}), and {needs.SWITCH} is set: see tests/kit/needs.py"
