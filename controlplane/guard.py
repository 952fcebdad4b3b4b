"""Stands before os-ken's parsers: a message that can't be right ends its connection, no other.

Many parsers of os-ken 4.2 never end on an inner length of 0, a hello among them, and one such
message would stop the controller for every switch. Three things keep it going:

- before a message is parsed, its version must be the connection's, its type one that switches
  send, and every length in it must hold (`controlplane.lengths`);
- a parse has a limit of the process's own CPU time (a busy machine is no attack), for what the
  tables do not know: versions after 1.3, experimenters' messages. Works because parsing is pure
  Python on the main thread, which is where signals arrive;
- who says that it is a switch that is here already is refused (`controlplane.identity`).
"""

import logging
import signal
import struct
from collections.abc import Callable, Container
from types import FrameType
from typing import Any

from controlplane.identity import PATIENCE_S, Identities
from controlplane.lengths import ECHO_REPLY, HELLO, complaint

LIMIT_S = 0.2
"""CPU time for one message: the largest, 64 KiB of statistics, takes os-ken about 60 ms."""

HANDSHAKE = "handshake"
"""os-ken's name of the state until a hello has settled the version (`HANDSHAKE_DISPATCHER`)."""

FEATURES_REPLY = 6
"""The message that says which switch it is, in every version."""

LOG = logging.getLogger("controlplane.guard")

Parser = Callable[..., Any]


class ParseTimeout(BaseException):
    """The limit was reached. No `Exception`, so that a parser's own handlers let it pass."""


class _Parse:
    """Whether one is under way: only then the signal means what the guard set it for."""

    limited = False


def _expired(_signal: int, _frame: FrameType | None) -> None:
    if _Parse.limited:
        raise ParseTimeout


def guarded(
    parse: Parser,
    known: Container[int],
    limit_s: float = LIMIT_S,
    identities: Identities | None = None,
) -> Parser:
    """`parse(datapath, version, type, length, xid, buffer)`, for messages that can be right.

    `known`: the versions that os-ken has parsers for; `identities`: the switches that are here. For
    any other message, one line goes to the log, the connection is closed, and None is returned,
    which os-ken takes as "no event".
    """
    here = Identities() if identities is None else identities

    def bounded(
        datapath: Any, version: int, kind: int, length: int, xid: int, buffer: bytes
    ) -> Any:
        if version not in known:
            return _close(datapath, f"version {version} of OpenFlow is none that os-ken knows")
        here.hear(datapath)
        wrong = refusal(datapath, version, kind) or complaint(buffer)
        if wrong is None and kind == FEATURES_REPLY:
            wrong = stranger(here, datapath, buffer)
        if wrong is not None:
            return _close(datapath, wrong)
        try:
            _Parse.limited = True
            signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
            message = parse(datapath, version, kind, length, xid, buffer)
        except ParseTimeout:
            message = None
        finally:
            _Parse.limited = False
            left_s, _ = signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if message is None and left_s == 0:  # os-ken may have caught even our exception
            return _close(datapath, f"message type {kind} takes os-ken more than {limit_s} s")
        return message

    return bounded


def refusal(datapath: Any, version: int, kind: int) -> str | None:
    """Why a message of this version and type can't come now on this connection, or None.

    Until a hello has settled the version there are hello, error and echo only; hello and error
    may be of any version (OpenFlow 1.3.5, 6.3.1).
    """
    if datapath.state == HANDSHAKE:
        return None if HELLO <= kind <= ECHO_REPLY else f"message type {kind} before hello"
    if kind > 1 and version != datapath.ofproto.OFP_VERSION:
        return f"version {version} where {datapath.ofproto.OFP_VERSION} was agreed"
    return None


def stranger(here: Identities, datapath: Any, features: bytes) -> str | None:
    """Why this connection can't be the switch that it says it is, or None. The one that is here
    under that name is asked whether it lives."""
    if len(features) < 16:
        return "its features have no datapath id"
    (dpid,) = struct.unpack_from("!Q", features, 8)
    first = here.owner(dpid)
    wrong = here.claim(datapath, dpid)
    if wrong is not None and first is not None and first is not datapath:
        _ask(here, first)
    return wrong


def _ask(here: Identities, first: Any) -> None:
    """Asks a switch for an echo, and closes the connection that stays silent."""
    from os_ken.lib import hub

    before = here.heard(first)

    def give_up() -> None:
        hub.sleep(PATIENCE_S)
        if here.heard(first) == before:
            _close(first, f"silent for {PATIENCE_S:g} s after another of its datapath id came")

    # Both on threads of the hub: to one that does not read, sending may wait for ever.
    hub.spawn(first.send_msg, first.ofproto_parser.OFPEchoRequest(first))
    hub.spawn(give_up)


def _close(datapath: Any, why: str) -> None:
    LOG.error("switch %s closed: %s", datapath.address, why)
    datapath.close()


def install() -> None:
    """Guards the one function through which os-ken's connections parse. Main thread only."""
    from os_ken.ofproto import ofproto_parser

    signal.signal(signal.SIGVTALRM, _expired)
    ofproto_parser.msg = guarded(ofproto_parser.msg, ofproto_parser._MSG_PARSERS)
