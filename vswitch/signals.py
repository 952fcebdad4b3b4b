"""Signals that mean nothing to a program of ours, and would end it without a word by default.

SIGHUP comes from a terminal that is closed, others from tools that ask every program for something
that ours have not (to rotate a log, to tell statistics).  A handler that does nothing is not passed
on to the programs that we start: these have their own mind.  What ends a program, or tells of a
defect, stays as it is.
"""

from __future__ import annotations

import signal

HARMLESS = (
    signal.SIGHUP, signal.SIGPIPE, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR, signal.SIGSTKFLT,
    *range(signal.SIGRTMIN, signal.SIGRTMAX + 1),
)  # fmt: skip


def bear() -> None:
    """Nothing happens for these from now on.  First of all, and in the main thread."""
    for number in HARMLESS:
        signal.signal(number, _nothing)


def _nothing(number: int, frame: object) -> None:
    """Does nothing."""
