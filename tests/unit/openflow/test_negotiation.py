"""Which version two peers speak (OpenFlow 1.3.5, section 6.3.1)."""

import pytest

from datapath.problems import Error
from vswitch.openflow import decode, encode, negotiate, own_hello, refusal
from vswitch.openflow.messages.session import Hello


@pytest.mark.parametrize(
    ("ours", "theirs", "spoken"),
    [
        ({4}, Hello(4, frozenset({4})), 4),
        ({4}, Hello(6, frozenset({1, 4, 6})), 4),
        ({1, 4}, Hello(6, frozenset({1, 6})), 1),
        ({4}, Hello(6, frozenset({5, 6})), None),
        ({4}, Hello(4), 4),
        ({4}, Hello(6), 4),
        ({1, 4}, Hello(1), 1),
        ({4}, Hello(1), None),
        ({1, 4}, Hello(3), None),
        ({4}, Hello(4, frozenset()), 4),
    ],
)
def test_the_highest_version_in_common_is_spoken(
    ours: set[int], theirs: Hello, spoken: int | None
) -> None:
    assert negotiate(ours, theirs) == spoken


def test_both_sides_come_to_the_same_version() -> None:
    for ours, theirs in (({1, 4}, {4, 6}), ({1}, {1, 4}), ({4}, {5})):
        there = negotiate(ours, own_hello(theirs))
        assert there == negotiate(theirs, own_hello(ours))


def test_our_hello_has_the_highest_version_in_its_header() -> None:
    assert own_hello({1, 4}, xid=5) == Hello(4, frozenset({1, 4}), xid=5)


def test_a_refusal_says_who_speaks_what() -> None:
    error = refusal({4}, Hello(1, xid=9))
    assert (error.error, error.xid) == (Error.HELLO_FAILED_INCOMPATIBLE, 9)
    assert b"we speak versions [4], you [1]" in error.data
    assert decode(encode(error)) == error
