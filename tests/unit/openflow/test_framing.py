"""Messages cut out of a stream."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.problems import Error, ProtocolProblem
from vswitch.openflow import Frames, encode
from vswitch.openflow.messages.session import BarrierRequest, EchoRequest, Hello

MESSAGES = [encode(Hello(6)), encode(EchoRequest(b"x" * 50)), encode(BarrierRequest(xid=3))]


@given(st.lists(st.integers(0, 90)))
def test_the_pieces_that_bytes_come_in_do_not_matter(cuts: list[int]) -> None:
    stream = b"".join(MESSAGES)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    frames = Frames()
    found: list[bytes] = []
    for start, end in pairwise(edges):
        found += frames.feed(stream[start:end])
    assert found == MESSAGES
    assert frames.held == 0


def test_byte_by_byte_is_the_same() -> None:
    frames = Frames()
    stream = b"".join(MESSAGES)
    assert [found for byte in stream for found in frames.feed(bytes([byte]))] == MESSAGES


def test_what_was_not_taken_comes_with_the_next_feed() -> None:
    frames = Frames()
    assert next(frames.feed(b"".join(MESSAGES))) == MESSAGES[0]
    assert list(frames.feed(b"")) == MESSAGES[1:]


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_length_below_the_header_ends_the_stream(size: int) -> None:
    """S2: behind the messages before it, and with what answers it."""
    frames = Frames()
    whole = frames.feed(MESSAGES[2] + bytes([4, 2, 0, size, 0, 0, 0, 9]))
    assert next(whole) == MESSAGES[2]
    with pytest.raises(ProtocolProblem) as caught:
        next(whole)
    assert (caught.value.error, caught.value.xid) == (Error.BAD_REQUEST_BAD_LEN, 9)


def test_another_version_than_agreed_ends_the_stream() -> None:
    frames = Frames()
    assert list(frames.feed(bytes.fromhex("0102000800000001")))
    frames.version = 4
    assert list(frames.feed(bytes.fromhex("0402000800000001")))
    assert list(frames.feed(bytes.fromhex("0600000800000001"))), "a hello may have its own"
    with pytest.raises(ProtocolProblem) as caught:
        list(frames.feed(bytes.fromhex("0102000800000001")))
    assert caught.value.error is Error.BAD_REQUEST_BAD_VERSION


def test_the_longest_message_is_cut_out_whole() -> None:
    longest = encode(EchoRequest(bytes(0xFFFF - 8)))
    frames = Frames()
    assert list(frames.feed(longest[:-1])) == []
    assert frames.held == 0xFFFE
    assert list(frames.feed(longest[-1:])) == [longest]
