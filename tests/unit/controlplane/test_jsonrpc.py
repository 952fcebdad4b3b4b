"""JSON-RPC 2.0 on a websocket, without one."""

from __future__ import annotations

import json
from typing import Any

import os_ken.base.app_manager  # the first of os-ken, always
import pytest
from tinyrpc.exc import InvalidReplyError, RPCError

from controlplane.jsonrpc import WebSocketRPCClient, WebSocketRPCServer, rpc_public

assert os_ken.base.app_manager


class Socket:
    """Hands out what will be received, keeps what is sent."""

    def __init__(self, *received: str) -> None:
        self._received = [*received, None]
        self.sent: list[Any] = []

    def wait(self) -> str | None:
        return self._received.pop(0)

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))


class Callbacks:
    @rpc_public
    def add(self, a: int, b: int = 1) -> int:
        return a + b

    @rpc_public("other-name")
    def named(self) -> str:
        return "named"

    @rpc_public
    def fails(self) -> None:
        raise ValueError("no luck")

    def hidden(self) -> None:
        raise AssertionError


def asked(text: str) -> Any:
    """The replies to one message."""
    socket = Socket(text)
    WebSocketRPCServer(socket, Callbacks()).serve_forever()
    return socket.sent


def call(method: str, params: Any, id_: int = 1) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})


@pytest.mark.parametrize(
    ("method", "params", "result"),
    [("add", [1, 2], 3), ("add", {"a": 5}, 6), ("other-name", [], "named")],
)
def test_a_public_method_is_called(method: str, params: Any, result: Any) -> None:
    assert asked(call(method, params)) == [{"jsonrpc": "2.0", "id": 1, "result": result}]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", -32700),
        ("3", -32600),
        ("[]", -32600),
        (call("hidden", []), -32601),
        (call("nosuch", []), -32601),
        (call("add", []), -32602),
        (call("add", {"c": 1}), -32602),
        (call("add", 3), -32602),
        (call("fails", []), -32000),
        ('{"jsonrpc": "2.0", "id": 1}', -32600),
        ('{"jsonrpc": "1.0", "id": 1, "method": "add"}', -32600),
    ],
)
def test_a_request_that_cannot_be_granted_is_told_why(text: str, code: int) -> None:
    ((reply),) = asked(text)
    assert reply["error"]["code"] == code


def test_a_notification_is_not_answered_and_a_batch_is_as_one() -> None:
    notification = json.dumps({"jsonrpc": "2.0", "method": "add", "params": [1]})
    assert asked(notification) == []
    batch = f"[{call('add', [1], 7)}, {notification}, {call('add', [2], 8)}]"
    ((replies),) = asked(batch)
    assert [(reply["id"], reply["result"]) for reply in replies] == [(7, 2), (8, 3)]


def answered(*replies: str) -> tuple[WebSocketRPCClient, Socket]:
    socket = Socket(*replies)
    client = WebSocketRPCClient(socket)
    client.serve_forever()  # no thread: the replies are there before the call
    return client, socket


def test_a_client_calls_through_a_proxy() -> None:
    client, socket = answered('{"jsonrpc": "2.0", "id": 1, "result": 5}')
    assert client.get_proxy().add(2, 3) == 5
    assert socket.sent == [{"jsonrpc": "2.0", "id": 1, "method": "add", "params": [2, 3]}]


def test_a_client_is_told_of_an_error_and_of_nonsense() -> None:
    refused = '{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}}'
    with pytest.raises(RPCError):
        answered(refused)[0].get_proxy().add()
    for nonsense in ("{", "3", "{}", "[]", '{"jsonrpc": "2.0", "id": 9, "result": 1}'):
        with pytest.raises(InvalidReplyError):
            answered(nonsense)[0].get_proxy().add()


def test_a_call_ends_when_the_other_side_closes() -> None:
    with pytest.raises(InvalidReplyError):
        answered()[0].get_proxy().add()


def test_a_member_of_a_batch_that_is_no_request_does_not_end_the_others() -> None:
    ((replies),) = asked(f"[3, {call('add', [1], 7)}]")
    assert replies[0]["error"]["code"] == -32600
    assert replies[1]["result"] == 2
    socket = Socket("[3]", '[{"id": {}}]', call("add", [1, 2]))
    WebSocketRPCServer(socket, Callbacks()).serve_forever()
    assert socket.sent[-1]["result"] == 3
