"""Staying with a command until it ends: signals go to it, its terminal and its code come to us."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
from collections.abc import Iterator
from types import FrameType

from containers.control import Broken, Closed, Message, Terminal
from containers.launch import Birth

FORWARDED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGALRM,
)  # fmt: skip


@contextlib.contextmanager
def signals_forwarded(birth: Birth) -> Iterator[None]:
    """Within, signals that are meant to end us go to the command instead."""

    def forward(signum: int, frame: FrameType | None) -> None:
        os.kill(birth.pid, signum)

    before = {number: signal.signal(number, forward) for number in FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stay(birth: Birth) -> int:
    """The command's exit code, or 128 + signal; Failure if it could not be started."""
    with contextlib.ExitStack() as stack:
        vigil = _Vigil(birth, stack)
        while not vigil.over:
            vigil.look()
    code = birth.reap()
    birth.check(vigil.broken)
    return code


class _Vigil:
    """Waits on everything at once: the process, the line to init, the terminal."""

    def __init__(self, birth: Birth, stack: contextlib.ExitStack) -> None:
        self._birth, self._stack = birth, stack
        # poll, since unlike epoll it takes a plain file as input
        self._selector = stack.enter_context(selectors.PollSelector())
        self.over = False
        self.broken: Broken | None = None
        pidfd = os.pidfd_open(birth.pid)
        stack.callback(os.close, pidfd)
        self._selector.register(pidfd, selectors.EVENT_READ, self._end)
        self._selector.register(birth.control, selectors.EVENT_READ, self._hear)

    def look(self) -> None:
        """Waits for the next event and serves all there are."""
        for key, events in self._selector.select():
            if key.fd in self._selector.get_map():
                key.data(events)

    def _end(self, events: int) -> None:
        self.over = True

    def _hear(self, events: int) -> None:
        self._serve(self._birth.receive())

    def _serve(self, message: Message) -> None:
        if isinstance(message, Broken):
            self.broken = message
        elif isinstance(message, Closed):
            self._selector.unregister(self._birth.control)
        elif isinstance(message, Terminal):
            from containers.terminal import Relay

            self._stack.enter_context(Relay(message.fd, self._selector))
