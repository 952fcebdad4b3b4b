"""JSON-RPC 2.0 over a websocket, both ways, for Ryu apps that talk to a browser.

An app either offers methods (`WebSocketRPCServer`, those marked `rpc_public`) or calls the other
side's (`WebSocketRPCClient`). The protocol is the package tinyrpc's, as it was in Ryu; here is only
what lies between it and a websocket, which is anything with `wait()` (the next message; None:
closed) and `send(text)`.
"""

import logging
from typing import Any

from os_ken.lib import hub
from tinyrpc.client import RPCClient
from tinyrpc.dispatch import RPCDispatcher
from tinyrpc.dispatch import public as rpc_public
from tinyrpc.exc import InvalidReplyError, RPCError
from tinyrpc.protocols.jsonrpc import JSONRPCInvalidRequestError, JSONRPCProtocol
from tinyrpc.server import RPCServer
from tinyrpc.transports import ClientTransport, ServerTransport

__all__ = ["WebSocketRPCClient", "WebSocketRPCServer", "rpc_public"]

LOG = logging.getLogger("controlplane.jsonrpc")


class _Closed(Exception):
    """The other side closed the websocket."""


class _Asked(ServerTransport):
    """Where requests come from."""

    def __init__(self, ws: Any) -> None:
        self._ws = ws

    def receive_message(self) -> tuple[None, str | bytes]:
        """The next request."""
        message = self._ws.wait()
        if message is None:
            raise _Closed
        return None, message

    def send_reply(self, context: None, reply: bytes) -> None:
        """The answer, as text."""
        self._ws.send(reply.decode())


class _Protocol(JSONRPCProtocol):
    """tinyrpc's, but that whatever it stumbles over is an invalid request or reply: a member of a
    batch that is no object, a request without a method, a reply that is a number."""

    def parse_request(self, data: str | bytes) -> Any:
        """The request, or requests; an RPCError for what is none."""
        try:
            return super().parse_request(data)
        except (AttributeError, KeyError, UnicodeDecodeError):
            raise JSONRPCInvalidRequestError from None

    def parse_reply(self, data: str | bytes) -> Any:
        """The reply, or replies; an RPCError for what is none."""
        try:
            return super().parse_reply(data)
        except (AttributeError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise InvalidReplyError(f"it makes no sense: {error}") from None


class _Dispatcher(RPCDispatcher):
    """tinyrpc's, but that it answers a member of a batch that is no request like any such."""

    def _dispatch(self, request: Any, caller: Any) -> Any:
        if isinstance(request, RPCError):
            return request.error_respond()
        return super()._dispatch(request, caller)


class WebSocketRPCServer(RPCServer):
    """Calls the public methods of `rpc_callback` for whoever asks on `ws`."""

    def __init__(self, ws: Any, rpc_callback: Any) -> None:
        dispatcher = _Dispatcher()
        dispatcher.register_instance(rpc_callback)
        super().__init__(_Asked(ws), _Protocol(), dispatcher)

    def serve_forever(self) -> None:
        """Until the other side closes."""
        try:
            super().serve_forever()
        except _Closed:
            LOG.debug("a websocket was closed")


class _Asking(ClientTransport):
    """Where replies come from: whoever reads the websocket puts them here."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws
        self.replies = hub.Queue()

    def send_message(self, message: bytes, expect_reply: bool = True) -> str | bytes | None:
        """Sends a request; the reply to it, if there will be one."""
        self.ws.send(message.decode())
        if not expect_reply:
            return None
        reply: str | bytes | None = self.replies.get()
        if reply is None:
            raise InvalidReplyError("the other side closed")
        return reply


class WebSocketRPCClient(RPCClient):
    """Calls methods of the other side; `serve_forever`, on its own thread, takes in replies."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws
        self._asking = _Asking(ws)
        super().__init__(_Protocol(), self._asking)

    def serve_forever(self) -> None:
        """Until the other side closes; a call that still waits then fails."""
        message: str | bytes | None = ""
        while message is not None:
            message = self.ws.wait()
            self._asking.replies.put(message)
