"""Which version two peers speak, from the hellos that each sent (OpenFlow 1.3.5, section 6.3.1)."""

from __future__ import annotations

from collections.abc import Collection

from datapath.problems import Error
from vswitch.openflow.messages.session import ErrorMessage, Hello


def own_hello(versions: Collection[int], xid: int = 0) -> Hello:
    """Our hello: the highest version in the header, all of them in the bitmap."""
    return Hello(max(versions), frozenset(versions), xid=xid)


def negotiate(versions: Collection[int], theirs: Hello) -> int | None:
    """The version to speak, or None when there is none in common.

    With both bitmaps the highest common version; else the lower of the two headers'
    versions, if we speak it.
    """
    if theirs.versions:
        return max(theirs.versions & set(versions), default=None)
    lower = min(max(versions), theirs.version)
    return lower if lower in versions else None


def refusal(versions: Collection[int], theirs: Hello) -> ErrorMessage:
    """The error that ends a connection without a common version."""
    named = theirs.versions or {theirs.version}
    text = f"we speak versions {sorted(versions)}, you {sorted(named)}: none in common"
    return ErrorMessage(Error.HELLO_FAILED_INCOMPATIBLE, text.encode(), xid=theirs.xid)
