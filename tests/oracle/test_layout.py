"""layout_parse() in C agrees with the reference in layout.py, on whole, cut and damaged frames."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.oracle import corpus, cprogram
from tests.oracle.layout import Layout, layout


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cprogram.build("layout_dump", tmp_path_factory.mktemp("layout"))


def from_c(program: Path, frames: Sequence[bytes]) -> list[Layout]:
    lines = cprogram.run(program, frames).decode().splitlines()
    pairs = ([part.split("=") for part in line.split()] for line in lines)
    return [Layout(**{name: int(value) for name, value in line}) for line in pairs]


def check(program: Path, frames: Sequence[bytes]) -> None:
    for frame, found in zip(frames, from_c(program, frames), strict=True):
        assert dataclasses.asdict(found) == dataclasses.asdict(layout(frame)), frame.hex()


def test_random_frames_of_every_kind(program: Path) -> None:
    rng = random.Random(1)
    check(program, [corpus.frame(rng) for _ in range(20_000)])


def test_s9_stacks_of_tags_labels_and_extension_headers_up_to_64_deep(program: Path) -> None:
    rng = random.Random(2)
    check(program, [frame for _ in range(10) for frame in corpus.stacks(rng)])


def test_s10_every_frame_cut_at_every_byte(program: Path) -> None:
    rng = random.Random(3)
    wholes = [corpus.frame(rng) for _ in range(150)]
    check(program, [whole[:size] for whole in wholes for size in range(len(whole) + 1)])


def test_s10_a_cut_frame_has_only_headers_that_are_there(program: Path) -> None:
    rng = random.Random(4)
    whole = [corpus.frame(rng) for _ in range(50)]
    cut = [frame[:size] for frame in whole for size in range(len(frame))]
    for frame, found in zip(cut, from_c(program, cut), strict=True):
        ends = [found.l3, found.l3_end, found.l4 and found.l4 + 1]
        ends += [at + size for at, size in ((found.nd_target, 16), (found.nd_sll, 6)) if at]
        assert max(ends) <= len(frame), frame.hex()


def test_damaged_frames(program: Path) -> None:
    rng = random.Random(5)
    check(program, [corpus.damaged(rng, corpus.frame(rng)) for _ in range(40_000)])


def test_noise(program: Path) -> None:
    rng = random.Random(6)
    kinds = ("0800", "86dd", "0806", "8100", "0020", "8847", "8848", "88e7")
    starts = [bytes(12) + bytes.fromhex(kind) for kind in kinds]
    check(program, [rng.choice(starts) + rng.randbytes(rng.randrange(120)) for _ in range(20_000)])
