"""S1: every length inside a switch's messages, set to what it can't be."""

from __future__ import annotations

import random
import time

import pytest

from controlplane.lengths import complaint
from tests.kit.alarm import alarm
from tests.unit.controlplane.replies import FLOW, GOOD, PACKET_IN, POINTS, Point, multipart


def bad_lengths(point: Point) -> set[int]:
    """0, 1, 3, one too few, more than the message has, the most there is."""
    over = len(point.message) + 8
    return {0, 1, 3, point.least - 1, over, 0xFFFF}


@pytest.mark.parametrize("good", sorted(GOOD), ids=lambda m: f"v{m[0]}t{m[1]}")
def test_good_messages_pass(good: bytes) -> None:
    assert complaint(good) is None


@pytest.mark.parametrize("point", POINTS, ids=lambda p: p.name.replace(" ", "_"))
def test_s1_a_length_that_cannot_be_is_refused(point: Point) -> None:
    for length in bad_lengths(point):
        with alarm(0.1):
            assert complaint(point.saying(length)) is not None, length


@pytest.mark.parametrize("good", sorted(GOOD), ids=lambda m: f"v{m[0]}t{m[1]}")
def test_a_message_cut_anywhere_ends(good: bytes) -> None:
    for size in range(len(good)):
        cut = good[:size]
        with alarm(0.1):
            assert complaint(cut) is not None  # its own length says more than there is
            complaint(cut[:2] + size.to_bytes(2, "big") + cut[4:])


def test_random_bytes_end_in_time_and_raise_nothing() -> None:
    dice = random.Random(1)
    for good in sorted(GOOD):
        for _ in range(200):
            bad = bytearray(good)
            for _ in range(dice.randint(1, 4)):
                bad[dice.randrange(8, len(bad))] = dice.choice((0, 1, 3, 8, 255))
            with alarm(0.1):
                complaint(bytes(bad))


def test_what_only_a_controller_sends_is_refused() -> None:
    flow_mod, packet_out = 14, 13
    for kind in (flow_mod, packet_out, 5, 18, 22):
        body = bytes([4, kind, 0, 8, 0, 0, 0, 1])
        assert complaint(body) == f"message type {kind} is none that a switch sends"


def test_the_header_s_own_length_must_be_the_message_s() -> None:
    assert complaint(b"") is not None
    assert complaint(PACKET_IN + b"x") is not None
    assert complaint(b"\4\0\0\4\0\0\0\0") is not None  # S2


def test_a_walk_costs_little() -> None:
    flows = multipart(1, FLOW * (65_000 // len(FLOW)))
    costs = []
    for _ in range(5):
        began = time.process_time()
        assert complaint(flows) is None
        costs.append(time.process_time() - began)
    assert min(costs) < 10e-3  # 15 us a KiB, some 1 ms, on a quiet machine
