"""`perf forward`: what it counts, writes and says when a person errs."""

import json
import struct
from pathlib import Path

import pytest

from perf import __main__ as perf
from perf.forward import Reading, conclude
from perf.traffic import write_case


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perf.forward.WARM_UP_S", 0.01)


@pytest.fixture
def f1(tmp_path: Path) -> Path:
    write_case(tmp_path, "f1")
    return tmp_path


def forward(folder: Path, *more: str) -> int:
    files = ["--rules", str(folder / "f1.rules"), "--pcap", str(folder / "f1.pcap")]
    return perf.main(["forward", *files, "--seconds", "0.05", *more])


def test_the_json_has_what_is_promised(f1: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert forward(f1, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["packets_out"] > 1000
    assert result["packets_in"] == result["packets_out"]
    assert result["mpps_per_cpu_s"] > 0.01
    assert (result["rules"], result["cache_hit_percent"]) == (1, 100.0)
    assert result["drops"] == {"1": {}, "2": {}}
    assert {"mpps", "seconds", "machine"} <= result.keys()


def test_the_written_frames_are_those_that_left(f1: Path) -> None:
    assert forward(f1, "--write", str(f1 / "out.pcap")) == 0
    sent, left = (f1 / "f1.pcap").read_bytes(), (f1 / "out.pcap").read_bytes()
    (length,) = struct.unpack_from("<I", left, 24 + 8)
    assert left[40 : 40 + length] == sent[40 : 40 + 60]
    assert len(left) == 24 + 10_000 * 76


def test_dropped_packets_are_told_by_port_and_reason(
    f1: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (f1 / "f1.rules").write_text("in_port=1,actions=drop  # nothing passes\n")
    assert forward(f1, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["packets_out"] == 0
    assert list(result["drops"]["1"].values()) == [result["packets_in"]]


def test_only_what_happened_between_two_readings_counts() -> None:
    before = Reading(100, 90, hits=5, misses=5, drops={1: {"ttl": 10}})
    after = Reading(2_000_100, 1_000_090, hits=104, misses=6, drops={1: {"ttl": 10, "mtu": 2}})
    result = conclude(before, after, wall_s=2.0, cpu_s=0.5, rules=3)
    assert (result.mpps, result.mpps_per_cpu_s) == (0.5, 2.0)
    assert (result.packets_in, result.packets_out) == (2_000_000, 1_000_000)
    assert result.cache_hit_percent == 99.0
    assert result.drops == {1: {"mtu": 2}}


def complaint(code: int, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return code, error


def test_a_wrong_rule_is_told_with_its_line(f1: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (f1 / "f1.rules").write_text("# one\nin_port=1,colour=red,actions=output:2\n")
    code, error = complaint(forward(f1), capsys)
    assert code == 2
    assert "f1.rules, line 2: " in error


def test_a_missing_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, error = complaint(forward(tmp_path), capsys)
    assert code == 3
    assert "f1.rules: there is no such file" in error


def test_a_file_that_is_no_pcap_is_told(f1: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (f1 / "f1.pcap").write_bytes(b"no pcap at all")
    code, _ = complaint(forward(f1), capsys)
    assert code == 1


@pytest.mark.parametrize("option", [["--threads", "2"], ["--seconds", "0"]])
def test_what_cannot_be_measured_is_refused(
    f1: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = complaint(forward(f1, *option), capsys)
    assert code == 2
