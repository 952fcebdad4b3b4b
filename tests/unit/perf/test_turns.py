"""Ratios of figures taken in turns."""

from perf.turns import Cases, table


def test_a_ratio_is_the_median_of_the_turns_ratios() -> None:
    cases = Cases()
    for ours, theirs in ((10, 10), (30, 10), (4, 2)):  # 1, 3, 2
        cases.add("a", "speed", "a second", ours)
        cases.add("b", "speed", "a second", theirs)
    (case,) = cases.as_json("a", "b")
    assert case["ratio"] == 2
    assert case["median"] == {"a": 10, "b": 10}
    assert case["figures"] == {"a": [10, 30, 4], "b": [10, 10, 2]}


def test_without_a_peer_there_are_figures_and_no_ratio() -> None:
    cases = Cases()
    cases.add("a", "speed", "a second", 123456)
    (case,) = cases.as_json("a", "b")
    assert case["ratio"] is None
    assert case["median"] == {"a": 123000}


def test_a_table_has_the_ratio_first_and_says_what_is_not_there() -> None:
    cases = Cases()
    cases.add("a", "speed", "a second", 3000)
    cases.add("a", "delay", "us", 5)
    cases.add("b", "delay", "us", 10)
    head, speed, delay = table(cases.as_json("a", "b"), ("a", "b")).splitlines()
    assert head.split()[:3] == ["ratio", "what", "unit"]
    assert speed.split() == ["-", "speed", "a", "second", "3,000", "-"]
    assert delay.split() == ["0.50", "delay", "us", "5", "10"]
