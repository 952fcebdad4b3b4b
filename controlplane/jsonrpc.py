"""JSON-RPC 2.0 over a websocket, both ways, for Ryu apps that talk to a browser.

An app either offers methods (`WebSocketRPCServer`, those marked `rpc_public`) or calls the other
side's (`WebSocketRPCClient`). The messages are those of the JSON-RPC 2.0 specification: requests,
notifications, batches, and its error codes. Ryu used the package tinyrpc; the names are its, and
`import tinyrpc.exc` reaches this module where that package is missing.

A websocket is anything with `wait()` (the next message; None: closed) and `send(text)`.
"""

import inspect
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from os_ken.lib import hub

__path__: list[str] = []
"""So that `tinyrpc.exc` may be asked for: this module stands for the package and what is in it."""

LOG = logging.getLogger("controlplane.jsonrpc")

PARSE_ERROR, INVALID_REQUEST, NO_METHOD, BAD_PARAMS, FAILED = -32700, -32600, -32601, -32602, -32000


class RPCError(Exception):
    """The other side answered with an error."""


class InvalidReplyError(RPCError):
    """What came is no answer: the other side closed, or does not speak JSON-RPC."""


def rpc_public(name: Any = None) -> Any:
    """Marks a method as callable from outside, under its name or another one.

    Used as `@rpc_public` or `@rpc_public("name")`.
    """
    if callable(name):
        return rpc_public(name.__name__)(name)

    def mark(method: Any) -> Any:
        method.rpc_public_name = name or method.__name__
        return method

    return mark


class WebSocketRPCServer:
    """Calls the public methods of `rpc_callback` for whoever asks on `ws`."""

    def __init__(self, ws: Any, rpc_callback: Any) -> None:
        self._ws = ws
        self._methods: dict[str, Callable[..., Any]] = {
            method.rpc_public_name: method
            for _, method in inspect.getmembers(rpc_callback, callable)
            if hasattr(method, "rpc_public_name")
        }

    def serve_forever(self) -> None:
        """Until the other side closes."""
        while (message := self._ws.wait()) is not None:
            reply = self.answer(message)
            if reply is not None:
                self._ws.send(reply)

    def answer(self, message: str | bytes) -> str | None:
        """The reply to one message, or None to a notification."""
        try:
            asked = json.loads(message)
        except ValueError:
            return json.dumps(_error(None, PARSE_ERROR, "Parse error"))
        if not isinstance(asked, list):
            reply = self._one(asked)
            return None if reply is None else json.dumps(reply)
        if not asked:
            return json.dumps(_error(None, INVALID_REQUEST, "Invalid Request"))
        replies = [reply for one in asked if (reply := self._one(one)) is not None]
        return json.dumps(replies) if replies else None

    def _one(self, request: Any) -> dict[str, Any] | None:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, INVALID_REQUEST, "Invalid Request")
        reply = self._call(request.get("id"), request["method"], request.get("params", []))
        return reply if "id" in request else None

    def _call(self, id_: Any, name: str, params: Any) -> dict[str, Any]:
        method = self._methods.get(name)
        if method is None:
            return _error(id_, NO_METHOD, "Method not found")
        if not isinstance(params, list | dict):
            return _error(id_, INVALID_REQUEST, "Invalid Request")
        try:
            call = inspect.signature(method)
            bound = call.bind(**params) if isinstance(params, dict) else call.bind(*params)
        except TypeError as error:
            return _error(id_, BAD_PARAMS, str(error))
        try:
            return _result(id_, method(*bound.args, **bound.kwargs))
        except Exception as error:
            LOG.exception("%s failed", name)
            return _error(id_, FAILED, str(error))


class WebSocketRPCClient:
    """Calls methods of the other side; `serve_forever`, on its own thread, takes in replies."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws
        self._replies = hub.Queue()
        self._ids: Iterator[int] = itertools.count(1)

    def serve_forever(self) -> None:
        """Until the other side closes; a call that still waits then fails."""
        message = ""
        while message is not None:
            message = self.ws.wait()
            self._replies.put(message)

    def call(self, method: str, args: Any = (), kwargs: Any = None, one_way: bool = False) -> Any:
        """What `method` returns there; None at once if `one_way`. RPCError if it fails."""
        request = {"jsonrpc": "2.0", "method": method, "params": kwargs or list(args)}
        if one_way:
            self.ws.send(json.dumps(request))
            return None
        self.ws.send(json.dumps({**request, "id": next(self._ids)}))
        return _value(self._replies.get())

    def get_proxy(self, prefix: str = "", one_way: bool = False) -> "Proxy":
        """The other side as an object."""
        return Proxy(self, prefix, one_way)


class Proxy:
    """Each attribute is a method of the other side."""

    def __init__(self, client: WebSocketRPCClient, prefix: str, one_way: bool) -> None:
        self._client, self._prefix, self._one_way = client, prefix, one_way

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: self._client.call(
            self._prefix + name, args, kwargs, self._one_way
        )


def _result(id_: Any, value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "result": value}


def _error(id_: Any, code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": text}}


def _value(message: Any) -> Any:
    if message is None:
        raise InvalidReplyError("the other side closed")
    try:
        reply = json.loads(message)
    except ValueError as error:
        raise InvalidReplyError(f"no JSON: {error}") from None
    if not isinstance(reply, dict) or not ("result" in reply or "error" in reply):
        raise InvalidReplyError("neither a result nor an error")
    if reply.get("error") is not None:
        raise RPCError(f"{reply['error']}")
    return reply.get("result")
