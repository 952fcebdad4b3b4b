"""What every message has: a transaction id; and multipart's flag for more to come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One OpenFlow message; 'xid' pairs a reply with its request."""

    xid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipartRequest(Message):
    """A question whose answer may come in several messages; 'more': so does the question."""

    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipartReply(Message):
    """A part of an answer; 'more': further parts follow under the same xid."""

    more: bool = False
