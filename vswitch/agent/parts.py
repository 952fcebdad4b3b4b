"""Multipart requests that come in several messages, put together (OpenFlow 1.3.5, 7.3.5).

The parts of one request have its xid and type; all but the last say that more follows.  In 1.3
only table features are a list that can go on; a part of anything else is refused, since nothing
could follow it.  What waits is bounded, in bytes and in requests (HARDENING S7).  Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from datapath.problems import Error, ProtocolProblem
from vswitch.openflow.messages.base import Message, MultipartRequest
from vswitch.openflow.messages.table import TableFeaturesRequest

BYTES_MAX = 512 << 10
"""Bytes of unfinished requests that a session holds: nearly twice all tables with all abilities."""

REQUESTS_MAX = 16
"""Unfinished requests that a session holds."""

_M = TypeVar("_M", bound=Message)


class Parts:
    """The unfinished multipart requests of one session, by xid."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[TableFeaturesRequest]] = {}
        self._sizes: dict[int, int] = {}

    def add(self, message: _M, size: int) -> _M | TableFeaturesRequest | None:
        """The whole request that 'message' of 'size' bytes ends; None while more is to come.

        Whatever else than a part of a request passes through.  ProtocolProblem, and the request
        is forgotten, for a part that doesn't belong to those before it or that is too much.
        """
        if not isinstance(message, MultipartRequest):
            return message
        before: list[TableFeaturesRequest] = self._waiting.pop(message.xid, [])
        held = self._sizes.pop(message.xid, 0) + size
        if not before and not message.more:
            return message
        if not isinstance(message, TableFeaturesRequest):
            raise ProtocolProblem(*_misfit(bool(before)))
        parts: list[TableFeaturesRequest] = [*before, message]
        if not message.more:
            return replace(message, tables=tuple(t for part in parts for t in part.tables))
        if sum(self._sizes.values()) + held > BYTES_MAX or len(self._sizes) >= REQUESTS_MAX:
            raise ProtocolProblem(
                Error.BAD_REQUEST_MULTIPART_BUFFER_OVERFLOW,
                f"unfinished requests may have {BYTES_MAX} bytes and be {REQUESTS_MAX}",
            )
        self._waiting[message.xid], self._sizes[message.xid] = parts, held
        return None


def _misfit(began: bool) -> tuple[Error, str]:
    """Why a part of a request that takes no parts is refused."""
    if began:
        return Error.BAD_REQUEST_BAD_MULTIPART, "the parts of one request have different types"
    return Error.BAD_REQUEST_BAD_LEN, "nothing can follow the first part of such a request"
