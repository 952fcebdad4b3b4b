"""How long a command waits for others: `--timeout SECONDS`, else VSWITCH_TIMEOUT, else USUAL_S.

It bounds each answer of the daemon's, and each step of making a container, not a command that is
meant to go on (`run`, `exec`, `top`).  Imports little: every start pays for it.
"""

from __future__ import annotations

import os
import time

from vswitch.errors import Exit, Failure, shown

VARIABLE = "VSWITCH_TIMEOUT"

USUAL_S = 60.0
"""More than it takes to replace a forwarder that hangs, or to set up many ports on a busy host."""

MOST_S = 86_400.0


def seconds(what: str, text: str) -> float:
    """A limit in words; Failure about 'what' if it is none."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if 0 < value <= MOST_S:
        return value
    do = f"give a number of seconds above 0, {MOST_S:g} at most"
    raise Failure(f"{what} {shown(text)}", "it is no time to wait", do, Exit.USAGE)


def limit() -> float:
    """The limit of this process, in seconds."""
    said = os.environ.get(VARIABLE)
    return seconds(VARIABLE, said) if said else USUAL_S


class Deadline:
    """A moment so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; TimeoutError once it has passed."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
