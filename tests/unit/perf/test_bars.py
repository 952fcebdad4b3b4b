"""Bars beside a peer: held, missed, and not measured."""

import pytest

from perf import bars
from perf.bars import Bar, judge, table
from perf.problem import PerfProblem

RATE = Bar("rate", least=1.5)
TIME = Bar("time", most=1.0)


def case(what: str, ratio: float | None) -> dict[str, object]:
    return {"what": what, "ratio": ratio}


@pytest.mark.parametrize(
    ("bar", "ratio", "held"),
    [
        (RATE, 1.5, True),
        (RATE, 1.49, False),
        (TIME, 1.0, True),
        (TIME, 1.01, False),
        (RATE, None, False),
    ],
)
def test_a_bar_is_held_or_missed(bar: Bar, ratio: float | None, held: bool) -> None:
    (verdict,) = judge([bar], [case("other", 9.0), case(bar.what, ratio)])
    assert verdict.held is held
    assert ("MISSED" in table([verdict])) is not held


def test_a_case_that_is_not_there_is_missed() -> None:
    (verdict,) = judge([RATE], [case("time", 9.0)])
    assert not verdict.held
    assert table([verdict]) == "MISSED      -  >= 1.5  rate"


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_a_missed_bar_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ratio: float
) -> None:
    machine = {"cpu": "a", "cpus": 2, "kernel": "6", "load": 0}

    def measured(all_bars: tuple[Bar, ...]) -> dict[str, object]:
        cases = [
            {"what": bar.what, "ratio": ratio if bar.least else 0.5, "unit": "s", "median": {}}
            for bar in all_bars
        ]
        return {"cases": cases, "turns": 1, "machine": machine}

    monkeypatch.setattr("perf.flowmods.measure", lambda *_: measured(bars.FLOW_MODS))
    monkeypatch.setattr("perf.packetins.measure", lambda *_: measured(bars.PACKET_INS))
    options = bars.argparse.Namespace(turns=1, json=False)
    if ratio < 1.5:
        with pytest.raises(PerfProblem, match="2 of 8 bars missed"):
            bars.run(options)
    else:
        bars.run(options)
    assert ("MISSED" in capsys.readouterr().out) == (ratio < 1.5)
