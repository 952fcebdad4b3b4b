"""Whether the forwarder works: asked once a second over the link, and replaced when it hangs.

Theory of operation.  A forwarder that died is told by its socket; one that was stopped, or goes
round in circles, keeps it open for ever.  So each beat asks, and `Pulse` judges by what is seen
between two beats: frames that came (an answer, or anything else), processor time that was used,
turns that the poll thread made.

    nothing came and no processor time was used        for STILL_BEATS: it is stopped or stuck
    nothing came, though it uses the processor         for BUSY_BEATS: it may have had much to do
    it answers, its poll thread is awake and made no turn   for STILL_BEATS: that goes in circles

Beats are counted, not seconds: while this process is itself stopped or waits for a processor,
nothing is held against the forwarder.  One that a debugger holds is left alone.

What hangs is killed by its pidfd, and the link closed as if it had died: the next forwarder gets
the journal and the ports' descriptors.  What can't be killed from here, since it has no number in
our pid namespace, is told, and watched on: two forwarders must never read from one port.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from datapath.frames import Beat, Command, Event
from vswitch.daemon.link import ForwarderGone, ForwarderLink, ForwarderRefused
from vswitch.daemon.process import Watch

log = logging.getLogger("vswitch.daemon")

BEAT_SECONDS = 1.0
STILL_BEATS = 5
BUSY_BEATS = 30

END_SECONDS = 3.0
"""How long the kernel may take to end what was killed."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What the kernel says of a process: its state (a letter of proc(5)), its processor time."""

    state: str
    ticks: int


def effort_of(pid: int) -> Effort | None:
    """None if that process has no number here, or has ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Effort(words[0], int(words[11]) + int(words[12]))


class Pulse:
    """Judges one forwarder, beat by beat.  Pure."""

    def __init__(self) -> None:
        self._heard = 0
        self._effort: Effort | None = None
        self._answer: Beat | None = None
        self.silent = self.still = self.stuck = 0
        """Beats in a row: without a frame; without one and without effort; without a turn."""

    def beat(self, heard: int, answer: Beat | None, effort: Effort | None) -> str:
        """Why it is to be replaced, or ''.

        'heard': frames that came, ever; 'answer': the newest to a beat; 'effort': as it is now.
        """
        came, works = heard != self._heard, effort != self._effort
        self._heard, self._effort = heard, effort
        if effort and effort.state == "t":
            self.silent = self.still = self.stuck = 0
            return ""
        self.silent = 0 if came else self.silent + 1
        self.still = 0 if came or works else self.still + 1
        self._see_turns(answer)
        return self._verdict(effort)

    def _see_turns(self, answer: Beat | None) -> None:
        if answer is self._answer:
            return
        before, self._answer = self._answer, answer
        stands = before and answer and not answer.asleep and answer.turns == before.turns
        self.stuck = self.stuck + 1 if stands else 0

    def _verdict(self, effort: Effort | None) -> str:
        if self.still >= STILL_BEATS:
            does = ", and is stopped" if effort and effort.state == "T" else ", and does nothing"
            return f"it has answered nothing for {_seconds(self.still)}{does if effort else ''}"
        if self.silent >= BUSY_BEATS:
            return f"it has answered nothing for {_seconds(self.silent)}, though it runs"
        if self.stuck >= STILL_BEATS:
            return f"its poll thread has not moved on for {_seconds(self.stuck)}"
        return ""


def _seconds(beats: int) -> str:
    return f"{beats * BEAT_SECONDS:g} s"


class Heart:
    """Beats as long as the link is open.  'forget': removes the forwarder's name, so that nobody
    connects to what hangs."""

    def __init__(self, link: ForwarderLink, watch: Watch, forget: Callable[[], None]) -> None:
        self.why = ""
        """Why the forwarder was killed."""
        self.trouble = ""
        """Why it should be, and can't."""
        self._link, self._watch, self._forget = link, watch, forget
        self._answer: Beat | None = None
        loop = asyncio.get_running_loop()
        self._tasks = {loop.create_task(self._live())}

    async def _live(self) -> None:
        loop, pulse = asyncio.get_running_loop(), Pulse()
        asking = loop.create_task(self._ask())
        self._tasks.add(asking)
        while not self._link.closed.done():
            await asyncio.sleep(BEAT_SECONDS)
            if self._link.closed.done():
                return
            if why := pulse.beat(self._link.heard, self._answer, effort_of(self._watch.pid)):
                await self._replace(why)
            elif self.trouble:
                log.warning("the forwarder works again")
                self.trouble = ""
            if asking.done():
                self._tasks.discard(asking)
                asking = loop.create_task(self._ask())
                self._tasks.add(asking)

    async def _ask(self) -> None:
        with contextlib.suppress(ForwarderGone, ForwarderRefused):  # a refusal is heard as well
            for answer in await self._link.ask(Command.BEAT):
                if answer.frame.type == Event.BEAT:
                    self._answer = Beat.unpack(answer.frame.payload)

    async def _replace(self, why: str) -> None:
        pid = self._watch.pid
        if not self._watch.kill():
            if not self.trouble:
                do = "kill it where it was started: another takes over then"
                log.error("the forwarder hangs: %s; it has no number here, %s", why, do)
            self.trouble = why
            return
        self.why = why
        log.error("the forwarder (process %d) hangs: %s; it is killed, and replaced", pid, why)
        # Now: its socket may close before its process is gone, and then the name is the next one's.
        self._forget()
        ends = (self._watch.ended, self._link.closed)
        await asyncio.wait(ends, timeout=END_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not any(end.done() for end in ends):
            log.error("process %d is killed, but not gone: is it frozen by a cgroup?", pid)
        self._link.close()
