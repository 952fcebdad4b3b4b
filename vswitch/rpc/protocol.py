"""JSON-RPC 2.0 in lines, as bytes in and bytes out.

A request is one JSON object on one line, with an id; its answer is one object on
one line, in order.  Batches and notifications are refused: nobody needs them.
A request may lend open files: "descriptors": ["namespace"] names the parameters that ride
beside it instead of in "params" (rpc/descriptors.py).  "timeout": 5.0 says for how many seconds
whoever asks waits, from when the request arrives (rpc/waiting.py).
`Lines` cuts a stream into lines and bounds what a peer can make us hold; the
rest turns lines into `Call` and answers, and back.  No socket, no clock; imports
little, since the command line starts with it.

Whatever a peer sends leads to a value or a `BadRequest`; that carries the answer
to send.  Errors cross as {"code", "message": "what: why; what to do", "data":
{"exit", "what", "why", "do"}} and come out as the `RpcError` that went in.
"""

from __future__ import annotations

import json

from vswitch.errors import Exit, Failure, RpcError
from vswitch.patience import MOST_S
from vswitch.rpc.descriptors import LENT_MAX

__all__ = [
    "BadRequest",
    "Call",
    "Lines",
    "Rows",
    "RpcError",
    "answer",
    "error",
    "pieces",
    "read_answer",
    "read_call",
    "taken",
    "text",
]

REQUEST_MAX = 1 << 20
"""Bytes in a request's line, its newline left out."""
ANSWER_MAX = 1 << 26
"""Bytes in an answer's line: about 200,000 flows."""

PIECE = 1 << 16
"""Bytes, about, of a long answer that are put together and sent at a time."""
MANY = 64
"""Members of a list above which it is put into JSON one by one."""

PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
SERVER_ERROR = -32000
"""JSON-RPC's codes; SERVER_ERROR less the exit code for ours."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")


class Call:
    """One request: 'method' with 'params' (an object), answered under 'id'; 'descriptors' are
    the names of the parameters that are lent beside it, in order, 'timeout' the seconds for which
    whoever asks waits (None: they don't say)."""

    __slots__ = ("descriptors", "id", "method", "params", "timeout")

    def __init__(
        self, id: int | str, method: str, params: dict[str, Any], descriptors: Sequence[str] = (),
        timeout: float | None = None,
    ) -> None:  # fmt: skip
        self.id, self.method, self.params = id, method, params
        self.descriptors, self.timeout = descriptors, timeout

    def encode(self) -> bytes:
        """The request's line; Failure when the server would refuse its size."""
        document: dict[str, Any] = {"id": self.id, "method": self.method, "params": self.params}
        if self.descriptors:
            document["descriptors"] = list(self.descriptors)
        if self.timeout is not None:
            document["timeout"] = self.timeout
        line = _line(document)
        if len(line) > REQUEST_MAX + 1:
            raise RpcError(
                what=self.method, why=f"the request has more than {REQUEST_MAX} bytes",
                do="split it into several", exit=Exit.USAGE,
            )  # fmt: skip
        return line


class BadRequest(Exception):
    """A peer's line is no request; 'reply' is the line to answer it with."""

    def __init__(self, code: int, id: int | str | None, why: str, do: str) -> None:
        super().__init__(why)
        self.reply = _error(code, id, Failure("request", why, do, Exit.USAGE))


class TooLong(Exception):
    """A line exceeds the limit: what follows can't be told apart, so close the connection."""


class Lines:
    """Cuts a stream of bytes into lines of at most 'limit' bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def amid(self) -> bool:
        """Whether a part of a line waits for the rest."""
        return bool(self._parts)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that 'data' completes, without their newlines.

        TooLong when one exceeds the limit; holds at most limit + len(data) bytes.
        """
        *ends, rest = data.split(b"\n")
        lines = [self._finish(end) for end in ends]
        self._hold(rest)
        return lines

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise TooLong
        if part:
            self._parts.append(part)

    def _finish(self, end: bytes) -> bytes:
        self._hold(end)
        line = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return line


def too_long() -> bytes:
    """The answer to a line that exceeds REQUEST_MAX, before the connection is closed."""
    why = f"its line has more than {REQUEST_MAX} bytes"
    return BadRequest(INVALID_REQUEST, None, why, "split it into several").reply


def too_many() -> bytes:
    """The answer to more descriptors than a request takes, before the connection is closed."""
    why = f"more than {LENT_MAX} descriptors came with it"
    return BadRequest(INVALID_REQUEST, None, why, "lend those that it names, and no others").reply


def not_lent(call: Call, came: int) -> bytes:
    """The answer to a request that names more descriptors than came with it."""
    why = f"it names {len(call.descriptors)} descriptors, and {came} came with it"
    return BadRequest(INVALID_REQUEST, call.id, why, "send them with its first byte").reply


def read_call(line: bytes) -> Call:
    """The request in a line; BadRequest otherwise."""
    try:
        document = _decode(line)
    except ValueError:
        raise BadRequest(PARSE_ERROR, None, "it is no JSON", "send one object a line") from None
    if not isinstance(document, dict):
        raise BadRequest(INVALID_REQUEST, None, "it is no object", "send one object a line")
    id, method = document.get("id"), document.get("method")
    if not isinstance(id, (int, str)) or isinstance(id, bool):
        raise BadRequest(INVALID_REQUEST, None, "its id is no number and no text", "number it")
    if document.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise BadRequest(
            INVALID_REQUEST, id, "it is no JSON-RPC 2.0", 'send "jsonrpc": "2.0" and "method"'
        )
    params = document.get("params", {})
    if not isinstance(params, dict):
        raise BadRequest(INVALID_PARAMS, id, "its params are no object", "name the parameters")
    lent = document.get("descriptors", [])
    if not isinstance(lent, list) or not all(isinstance(name, str) for name in lent):
        raise BadRequest(INVALID_REQUEST, id, "its descriptors are no names", "name parameters")
    timeout = document.get("timeout")
    if timeout is not None and not _is_time(timeout):
        do = f"give seconds above 0, {MOST_S:g} at most, or leave it out"
        raise BadRequest(INVALID_REQUEST, id, "its timeout is no time to wait", do)
    return Call(id, method, params, lent, timeout)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_S


class Rows:
    """A long list of an answer, from the JSON `text` of its members.  It is made on a thread while
    others want their turns, so no step may be long: Python's threads change between steps, never
    within one, and a list of objects would be encoded, and freed, in one."""

    __slots__ = ("_number", "_pieces")

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._pieces: list[bytes] = []
        self._number = 0
        for piece, number in _joined(texts):
            self._pieces.append(piece)
            self._number += number

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Any]:
        """The members, for whoever wants them without a socket."""
        for piece in self._pieces:
            yield from json.loads(b"[%b]" % piece)

    def pieces(self) -> Iterator[bytes]:
        """The list in JSON."""
        yield b"["
        for number, piece in enumerate(self._pieces):
            yield b"," + piece if number else piece
        yield b"]"


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def text(value: object) -> bytes:
    """A value in JSON."""
    return _encode(value).encode()


def taken(items: list[T]) -> Iterator[T]:
    """The items, which leave the list one by one: each is freed when it is done with."""
    items.reverse()
    while items:
        yield items.pop()


def _joined(texts: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Members of a list with commas between, in pieces; how many there are in each."""
    waiting: list[bytes] = []
    size = 0
    for one in texts:
        waiting.append(one)
        size += len(one)
        if size >= PIECE:
            yield b",".join(waiting), len(waiting)
            waiting, size = [], 0
    if waiting:
        yield b",".join(waiting), len(waiting)


def is_long(result: object) -> bool:
    """Whether putting it into JSON takes so long that others should have turns meanwhile."""
    inside = list(result.values()) if isinstance(result, dict) and len(result) < MANY else [result]
    return any(isinstance(one, (list, dict, Rows)) and len(one) > MANY for one in inside)


def pieces(id: int | str, result: object) -> list[bytes]:
    """The line that answers with a result, in pieces, each made in a short step; an error's line
    if it would be too long."""
    line = [b'{"jsonrpc":"2.0","id":%b,"result":' % text(id), *_pieces(result), b"}\n"]
    size = sum(map(len, line))
    if size > ANSWER_MAX + 1:
        why = f"it has {size} bytes, more than {ANSWER_MAX}"
        return [error(id, Failure("answer", why, "ask for less, for example with a match"))]
    return line if size > PIECE else [b"".join(line)]


def _pieces(value: object) -> Iterator[bytes]:
    if isinstance(value, list) and len(value) > MANY:
        yield from Rows(map(text, value)).pieces()
    elif isinstance(value, Rows):
        yield from value.pieces()
    elif isinstance(value, dict) and is_long(value):
        for number, (key, inner) in enumerate(value.items()):
            yield b"%b%b:" % (b"," if number else b"{", text(key))
            yield from _pieces(inner)
        yield b"}"
    else:
        yield text(value)


def answer(id: int | str, result: object) -> bytes:
    """The line that answers with a result; an error's line if that would be too long."""
    return b"".join(pieces(id, result))


def error(id: int | str, failure: Failure) -> bytes:
    """The line that answers with an error."""
    code = INVALID_PARAMS if failure.exit == Exit.USAGE else SERVER_ERROR - failure.exit
    return _error(code, id, failure)


def no_method(id: int | str, method: str, known: str) -> bytes:
    """The line that answers a call of a method that is not there."""
    failure = Failure(f"method {ascii(method)[:60]}", "there is none", f"use {known}", Exit.USAGE)
    return _error(NO_METHOD, id, failure)


def read_answer(line: bytes, id: int) -> Any:
    """The result in an answer's line; raises the RpcError that it carries instead.

    RpcError as well when the line is no answer to request 'id'.
    """
    try:
        document = _decode(line)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("id") not in (id, None):
        raise RpcError(
            what="daemon", why="its answer is no JSON-RPC", do="check what listens on the socket"
        )
    if "error" in document:
        raise _failure(document["error"])
    return document.get("result")


def _error(code: int, id: int | str | None, failure: Failure) -> bytes:
    data = {"exit": int(failure.exit), "what": failure.what, "why": failure.why, "do": failure.do}
    return _line({"id": id, "error": {"code": code, "message": str(failure), "data": data}})


def _failure(error: Any) -> RpcError:
    error = error if isinstance(error, dict) else {}
    data = error.get("data")
    data = data if isinstance(data, dict) else {}
    what, why, do = (str(data.get(key, "")) for key in ("what", "why", "do"))
    if not (what and why and do):
        what, why, do = "daemon", str(error.get("message")), "see the daemon's log"
    try:
        exit = Exit(data.get("exit", Exit.FAILED))
    except ValueError:
        exit = Exit.FAILED
    return RpcError(what=what, why=why, do=do, exit=exit)


def _decode(line: bytes) -> Any:
    """JSON in UTF-8, strictly; ValueError for all else, depth included."""
    try:
        return json.loads(line.decode(), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _line(document: dict[str, Any]) -> bytes:
    return text({"jsonrpc": "2.0", **document}) + b"\n"
