"""The plan's bytes: golden, decoded by an obvious second reader, and never cut short (S36)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.encode import PLAN_MAX, encode
from containers.steps import Argument, Step, execute, hostname, supervise, wait
from vswitch.errors import SchemaError

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
arguments = st.one_of(
    st.integers(0, 2**64 - 1), texts, st.binary(max_size=20), st.lists(texts, max_size=4).map(tuple)
)  # fmt: skip
plans = st.lists(st.builds(Step, texts, st.lists(arguments, max_size=8).map(tuple)), max_size=6)


def test_golden_bytes() -> None:
    assert encode([hostname("c1"), supervise(7, True), wait()]) == (
        b"vsplan1\n\x03\x00"
        b"\x08\x00hostname\0\x01s\x02\x00c1\0"
        b"\x09\x00supervise\0\x02n\x07\0\0\0\0\0\0\0n\x01\0\0\0\0\0\0\0"
        b"\x04\x00wait\0\x00"
    )
    assert encode([execute(("a", "b"), ())]).endswith(
        b"\x07\x00execute\0\x02l\x02\x00\x01\x00a\0\x01\x00b\0l\x00\x00"
    )


class Reader:
    """Reads a plan the slow way."""

    def __init__(self, plan: bytes) -> None:
        self.left = plan

    def take(self, size: int) -> bytes:
        assert len(self.left) >= size
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(value)

    def text(self) -> str:
        text = self.take(self.number("<H"))
        assert self.take(1) == b"\0"
        return text.decode()

    def argument(self) -> Argument:
        kind = self.take(1)
        if kind == b"n":
            return self.number("<Q")
        if kind == b"s":
            return self.text()
        if kind == b"b":
            return self.take(self.number("<H"))
        assert kind == b"l"
        return tuple(self.text() for _ in range(self.number("<H")))

    def plan(self) -> list[Step]:
        assert self.take(8) == b"vsplan1\n"
        return [
            Step(self.text(), tuple(self.argument() for _ in range(self.number("B"))))
            for _ in range(self.number("<H"))
        ]


@given(plans)
def test_what_is_written_can_be_read(plan: list[Step]) -> None:
    reader = Reader(encode(plan))
    assert reader.plan() == plan
    assert reader.left == b""


@pytest.mark.parametrize(
    "step",
    [
        hostname("x" * 65536),
        hostname("a\0b"),
        Step("bytes", (b"x" * 65536,)),
        execute(("x",) * 65536, ()),
        Step("number", (2**64,)),
        Step("number", (-1,)),
    ],
    ids=["long text", "NUL", "long bytes", "long list", "large number", "negative number"],
)
def test_what_does_not_fit_is_refused_not_cut_s36(step: Step) -> None:
    with pytest.raises(SchemaError):
        encode([step])


def test_a_plan_has_an_upper_size_s36() -> None:
    word = "x" * 65000
    with pytest.raises(SchemaError, match="pass it in a file"):
        encode([execute((word,) * (PLAN_MAX // 65000 + 1), ())])
    with pytest.raises(SchemaError, match="257 steps"):
        encode([wait()] * 257)


def test_a_name_that_is_no_unicode_passes_through() -> None:
    assert b"\xff\xfe" in encode([hostname(b"\xff\xfe".decode(errors="surrogateescape"))])
