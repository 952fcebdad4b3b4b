"""The measurements beside Open vSwitch, small: they work, and leave nothing behind."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from perf import __main__ as perf
from perf import bars
from perf.contestants import Ours
from tests.kit import needs
from tests.kit.lab import ended


@pytest.fixture(autouse=True)
def switches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which their folders are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    needs.namespaces()
    with Ours() as ours:
        pids = ours.pids()
    assert len(pids) == 2
    assert all(map(ended, pids))
    return tmp_path


def test_flow_mods_are_measured(
    switches: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("perf.flowmods.SINGLES", 20)
    assert perf.main(["flowmods", "--rules", "500", "--turns", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    medians = {case["what"]: case["median"]["vswitch"] for case in result["cases"]}
    promised = {bar.what.replace("100,000", "500") for bar in bars.FLOW_MODS}
    assert promised - medians.keys() == {"flow-mod + barrier, 10,000 rules there, p50"}
    assert medians["500 flow-mods, one barrier"] > 500
    assert 0 < medians["flow-mod + barrier, 500 rules there, p50"] < 1e5
    assert not list(switches.iterdir())


def test_packet_ins_are_measured(
    switches: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("perf.packetins.SETTLE_S", 0.1)
    line = ["packetins", "--rate", "5000", "--seconds", "0.5", "--turns", "1", "--json"]
    assert perf.main(line) == 0
    result = json.loads(capsys.readouterr().out)
    medians = {case["what"]: case["median"]["vswitch"] for case in result["cases"]}
    assert medians["packet-ins counted"] > 1000
    assert 0 < medians["echo at 5,000 frames a second, p99"] < 1000
    assert not list(switches.iterdir())
