"""JSON-RPC lines: bytes in, calls and answers out; hostile bytes get an answer."""

from __future__ import annotations

import contextlib
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vswitch.errors import Exit, Failure, RpcError
from vswitch.rpc import protocol
from vswitch.rpc.protocol import BadRequest, Call, Lines, TooLong

TEXT = st.text('ab"\\{}[]:,0 \n\0\u00e9\ud800\U0001f600', max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
BYTES = st.binary(max_size=60)


def code(bad: BadRequest) -> int:
    return int(json.loads(bad.reply)["error"]["code"])


def test_a_call_is_one_line_and_comes_back_whole() -> None:
    line = Call(7, "port.add", {"bridge": "br0", "name": "é\n"}).encode()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    call = protocol.read_call(line)
    assert (call.id, call.method) == (7, "port.add")
    assert call.params == {"bridge": "br0", "name": "é\n"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b'{"id": NaN}', -32700),
        (b"[" * 100_000, -32700),
        (b'{"id":' + b"9" * 5000 + b"}", -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"status"}]', -32600),
        (b'"status"', -32600),
        (b'{"jsonrpc":"2.0","method":"status"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"status"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"status"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"status"}', -32600),
        (b'{"id":1,"method":"status"}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"status","params":[]}', -32602),
    ],
)
def test_what_is_no_request_is_answered_with_its_code(line: bytes, expected: int) -> None:
    with pytest.raises(BadRequest) as caught:
        protocol.read_call(line)
    assert code(caught.value) == expected


@given(BYTES | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_call_or_an_answerable_error(line: bytes) -> None:
    try:
        assert isinstance(protocol.read_call(line).params, dict)
        return
    except BadRequest as bad:
        reply = bad.reply
    assert reply.count(b"\n") == 1
    assert json.loads(reply)["error"]["data"]["exit"] == 2


@given(JSON)
def test_any_result_comes_back_as_it_was(result: Any) -> None:
    assert protocol.read_answer(protocol.answer(1, result), 1) == result


@given(BYTES | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_a_result_or_an_rpc_error(line: bytes) -> None:
    with contextlib.suppress(RpcError):
        protocol.read_answer(line, 1)


@given(error=JSON)
def test_any_error_in_an_answer_is_an_rpc_error(error: Any) -> None:
    line = json.dumps({"id": 1, "error": error}).encode()
    with pytest.raises(RpcError):
        protocol.read_answer(line, 1)


@pytest.mark.parametrize("exit", list(Exit))
def test_an_error_crosses_with_its_parts_and_exit_code(exit: Exit) -> None:
    sent = RpcError(what="port x", why="it is gone", do="add it", exit=exit)
    with pytest.raises(RpcError) as caught:
        protocol.read_answer(protocol.error(3, sent), 3)
    assert str(caught.value) == "port x: it is gone; add it"
    assert caught.value.exit == exit


def test_an_error_is_json_rpc_with_our_data() -> None:
    document = json.loads(protocol.error(3, Failure("a", "b", "c", 3)))
    assert document == {
        "jsonrpc": "2.0",
        "id": 3,
        "error": {
            "code": -32003,
            "message": "a: b; c",
            "data": {"exit": 3, "what": "a", "why": "b", "do": "c"},
        },
    }


def test_an_answer_to_another_request_is_refused() -> None:
    with pytest.raises(RpcError, match="no JSON-RPC"):
        protocol.read_answer(protocol.answer(2, "x"), 1)


def test_a_request_too_long_for_the_server_is_refused_before_it_is_sent() -> None:
    with pytest.raises(RpcError, match="split it into several"):
        Call(1, "apply", {"desired": "x" * protocol.REQUEST_MAX}).encode()


def test_an_answer_too_long_becomes_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ANSWER_MAX", 100)
    with pytest.raises(RpcError, match="ask for less"):
        protocol.read_answer(protocol.answer(1, "x" * 100), 1)


@given(lines=st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"\n", b"")), max_size=6),
       cuts=st.lists(st.integers(0, 60)))  # fmt: skip
def test_lines_are_the_same_however_the_stream_is_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader = Lines(8)
    found = [line for start, end in pairwise(places) for line in reader.feed(stream[start:end])]
    assert found == lines


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_a_line_over_the_limit_is_refused_however_it_comes(chunk: int) -> None:
    reader = Lines(10)
    data = b"x" * 11
    chunks = (data[start : start + chunk] for start in range(0, len(data), chunk))
    with pytest.raises(TooLong):
        all(reader.feed(part) == [] for part in chunks)


def test_a_line_at_the_limit_is_taken() -> None:
    assert Lines(10).feed(b"x" * 10 + b"\n") == [b"x" * 10]
