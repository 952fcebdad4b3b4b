"""Stands before os-ken's parsers: a message that does not parse in time ends its connection.

Several parsers of os-ken 4.2 never end on an inner length of 0, a hello among them, and one such
message would stop the controller for every switch. The guard measures the process's own CPU time
(a busy machine is no attack) and breaks off a parse that takes longer than any honest message
can. Works because parsing is pure Python on the main thread, which is where signals arrive.
"""

import logging
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

LIMIT_S = 0.2
"""CPU time for one message: the largest, 64 KiB of statistics, takes os-ken about 60 ms."""

LOG = logging.getLogger("controlplane.guard")

Parser = Callable[..., Any]


class ParseTimeout(BaseException):
    """The limit was reached. No `Exception`, so that a parser's own handlers let it pass."""


def _expired(_signal: int, _frame: FrameType | None) -> None:
    raise ParseTimeout


def guarded(parse: Parser, limit_s: float = LIMIT_S) -> Parser:
    """`parse(datapath, version, type, length, xid, buffer)` within `limit_s` of CPU time.

    A message over the limit is logged, its connection closed, and None returned, which os-ken
    takes as "no event".
    """

    def bounded(datapath: Any, *header_and_buffer: Any) -> Any:
        signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
        try:
            message = parse(datapath, *header_and_buffer)
        except ParseTimeout:
            message = None
        finally:
            left_s, _ = signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if message is None and left_s == 0:
            LOG.error("switch %s sent a message that does not parse: closed", datapath.address)
            datapath.close()
        return message

    return bounded


def install() -> None:
    """Guards the one function through which os-ken's connections parse. Main thread only."""
    from os_ken.ofproto import ofproto_parser

    signal.signal(signal.SIGVTALRM, _expired)
    ofproto_parser.msg = guarded(ofproto_parser.msg)
