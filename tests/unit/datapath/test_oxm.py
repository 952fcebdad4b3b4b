"""OXM bytes of a match: both ways, and every way in which they can be wrong."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.match_text import parse_match
from datapath.oxm import Match, Term, term
from datapath.problems import Error, ProtocolProblem
from datapath.wire import Reader
from tests.kit.alarm import alarm
from tests.kit.rules import matches


def unpack(data: bytes) -> Match:
    reader = Reader(data)
    match = Match.unpack(reader)
    reader.finish()
    return match


def test_a_match_is_padded_to_eight_bytes_outside_its_length() -> None:
    packed = parse_match("in_port=1").pack()
    assert packed == bytes.fromhex("0001000c 80000004 00000001 00000000")


def test_the_empty_match_is_eight_bytes() -> None:
    assert Match().pack() == bytes.fromhex("0001000400000000")


def test_a_mask_follows_its_value() -> None:
    packed = parse_match("ip,nw_src=10.0.0.0/8").pack()
    assert packed[10:] == bytes.fromhex("80001708 0a000000 ff000000 0000")


@given(matches())
def test_bytes_are_read_back_and_stand_every_check(match: Match) -> None:
    packed = match.pack()
    assert len(packed) % 8 == 0
    assert unpack(packed) == match
    match.check()


BROKEN = {
    "0000000400000000": Error.BAD_MATCH_BAD_TYPE,
    "0001000000000000": Error.BAD_MATCH_BAD_LEN,
    "0001000300000000": Error.BAD_MATCH_BAD_LEN,
    "0001000c80000004": Error.BAD_MATCH_BAD_LEN,
    "00010004": Error.BAD_REQUEST_BAD_LEN,
    "0001ffff80000004": Error.BAD_MATCH_BAD_LEN,
    "0001000600000000": Error.BAD_MATCH_BAD_LEN,
    "0001000c800000000000000100000000": Error.BAD_MATCH_BAD_LEN,
    "0001000c800000030000000100000000": Error.BAD_MATCH_BAD_LEN,
    "0001000c800000080000000100000000": Error.BAD_MATCH_BAD_LEN,
    "0001000c800001040000000100000000": Error.BAD_MATCH_BAD_MASK,
    "0001000c800000ff0000000100000000": Error.BAD_MATCH_BAD_LEN,
    "0001000c8000fe040000000100000000": Error.BAD_MATCH_BAD_FIELD,
    "0001000cffff00040000000100000000": Error.BAD_MATCH_BAD_FIELD,
    "0001000c000100040000000100000000": Error.BAD_MATCH_BAD_FIELD,
}


@pytest.mark.parametrize(("data", "error"), BROKEN.items())
def test_bytes_that_are_no_match_are_answered(data: str, error: Error) -> None:
    with alarm(0.1), pytest.raises(ProtocolProblem) as caught:
        unpack(bytes.fromhex(data))
    assert caught.value.error is error


MEANINGLESS = (
    (Error.BAD_MATCH_BAD_PREREQ, (term("tcp_dst", 80),)),
    (Error.BAD_MATCH_DUP_FIELD, (term("in_port", 1), term("in_port", 1))),
    (Error.BAD_MATCH_BAD_VALUE, (term("eth_type", 0x0800), term("ip_dscp", 64))),
    (Error.BAD_MATCH_BAD_VALUE, (term("vlan_vid", 5),)),
    (Error.BAD_MATCH_BAD_VALUE, (term("vlan_vid", 5, 0x100F),)),
    (Error.BAD_MATCH_BAD_MASK, (term("in_port", 1, 1),)),
    (Error.BAD_MATCH_BAD_MASK, (term("vlan_vid", 1, 0x3000),)),
    (Error.BAD_MATCH_BAD_WILDCARDS, (term("metadata", 3, 1),)),
)


@pytest.mark.parametrize(("error", "terms"), MEANINGLESS)
def test_a_match_that_means_nothing_is_answered(error: Error, terms: tuple[Term, ...]) -> None:
    with pytest.raises(ProtocolProblem) as caught:
        Match(terms).check()
    assert caught.value.error is error


def test_prerequisites_must_come_before() -> None:
    with pytest.raises(ProtocolProblem):
        Match((term("ip_proto", 6), term("eth_type", 0x0800))).check()


@given(matches(), st.data())
def test_no_damage_makes_reading_fail_otherwise(match: Match, data: st.DataObject) -> None:
    """S3: mutated bytes are read or answered, never anything else."""
    packed = bytearray(match.pack())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(packed) - 1))
        packed[at] = data.draw(st.integers(0, 255))
    with suppress(ProtocolProblem):
        unpack(bytes(packed[: data.draw(st.integers(0, len(packed)))]))
