"""The socket between daemon and forwarder: one frame a datagram, descriptors beside frames.

Theory of operation.  Commands carry a tag; `ask` sends one and collects every event with that
tag until its DONE.  `post` sends without waiting; a DONE that says an error for it goes to the
log.  Events without a command (OpenFlow for a session, a port that died) go to one listener.
The loop's reader drains a bounded number of datagrams a turn, so that a flood of packet-ins
leaves room for timers and other sockets.  Frames that the kernel can't take yet wait in a queue;
`congested` tells the sessions to stop reading from their peers meanwhile, so the queue is bounded
by what one turn can add.
"""

from __future__ import annotations

import array
import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datapath.frames import FRAME_MAX, Command, Done, Event, ForwarderHello, Frame

log = logging.getLogger("vswitch.link")

TURN = 64
"""Datagrams taken from the socket before the loop may turn to others."""

CONGESTED = 1 << 20
"""Bytes waiting for the kernel above which peers are no longer read."""

SLOW_SECONDS = 5.0
"""How long a command may take before the log hears of it: nothing else says why all waits."""


class ForwarderGone(Exception):
    """The forwarder's socket closed before it answered."""


class ForwarderRefused(Exception):
    """The forwarder said no: 'error' is a positive errno, the text its sentence; 'frames' is what
    it answered before that."""

    def __init__(self, error: int, text: str, frames: Sequence[Frame] = ()) -> None:
        super().__init__(text or os.strerror(error))
        self.error = error
        self.frames = frames


@dataclass(frozen=True, slots=True)
class Answer:
    """One event that answers a command; 'fd' (or -1) now belongs to whoever reads this."""

    frame: Frame
    fd: int = -1


@dataclass(slots=True)
class _Question:
    future: asyncio.Future[list[Answer]]
    answers: list[Answer] = field(default_factory=list)


class ForwarderLink:
    """Frames over a connected SEQPACKET socket, which it owns.  One event loop's thread.

    'on_event(frame, fd)' gets every event that answers no command; 'on_congested(bool)' hears
    when the queue passes its bound and when it is empty again.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_event: Callable[[Frame], None],
        on_congested: Callable[[bool], None] = lambda _: None,
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._on_event = on_event
        self._on_congested = on_congested
        self._questions: dict[int, _Question] = {}
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._waiting_bytes = 0
        self._told_congested = False
        self._next_tag = 1
        self._room = bytearray(FRAME_MAX)
        self.heard = 0
        """Datagrams that came, ever: each is a sign of life."""
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(sock, self._readable)

    # ---- commands ----------------------------------------------------------

    def post(
        self, command: Command, payload: bytes = b"", bridge: int = 0, session: int = 0
    ) -> None:
        """Sends a command whose answer nobody waits for.  Nothing happens on a closed link."""
        self._send(Frame(command, payload, bridge, session, self._tag()).pack(), -1)

    async def ask(
        self,
        command: Command,
        payload: bytes = b"",
        bridge: int = 0,
        session: int = 0,
        fd: int = -1,
    ) -> list[Answer]:
        """Sends a command and returns the events that answered it, without the last DONE.

        'fd' rides beside the frame and stays the caller's.  Refused, ForwarderGone.
        """
        question = self._asked(command, payload, bridge, session, fd)
        slow = self._loop.call_later(SLOW_SECONDS, _tell_slow, command)
        try:
            return await question.future
        except asyncio.CancelledError:
            if question.future.done() and not question.future.cancelled():
                _close_all(question.answers)  # they came in the same turn, and nobody reads them
            raise
        finally:
            slow.cancel()

    def order(
        self, command: Command, payload: bytes = b"", bridge: int = 0, session: int = 0
    ) -> asyncio.Future[list[Answer]]:
        """Sends a command at once: what is sent next comes right behind it.  What `ask` would
        return or raise comes as a future; ForwarderGone if the link is closed already."""
        return self._asked(command, payload, bridge, session, -1).future

    def _asked(
        self, command: Command, payload: bytes, bridge: int, session: int, fd: int
    ) -> _Question:
        if self.closed.done():
            raise ForwarderGone("the forwarder's socket is closed")
        tag = self._tag()
        question = self._questions[tag] = _Question(self._loop.create_future())
        # The caller may close its descriptor before a full socket takes the frame.
        ride = os.dup(fd) if fd >= 0 else -1
        self._send(Frame(command, payload, bridge, session, tag).pack(), ride)
        return question

    def _tag(self) -> int:
        self._next_tag += 1
        return self._next_tag

    def _send(self, data: bytes, fd: int) -> None:
        if self.closed.done():
            _close(fd)
        elif self._waiting or not self._try(data, fd):
            self._queue(data, fd)

    def _try(self, data: bytes, fd: int) -> bool:
        """True when the datagram left, or when the link died trying."""
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))
        ancillary = [rights] if fd >= 0 else []
        try:
            self._sock.sendmsg([data], ancillary)
        except BlockingIOError:
            return False
        except OSError as error:
            log.info("the forwarder's socket broke: %s", error.strerror)
            self.close()
        _close(fd)
        return True

    def _queue(self, data: bytes, fd: int) -> None:
        if not self._waiting:
            self._loop.add_writer(self._sock, self._writable)
        self._waiting.append((data, fd))
        self._waiting_bytes += len(data)
        if self._waiting_bytes > CONGESTED and not self._told_congested:
            self._told_congested = True
            self._on_congested(True)

    def _writable(self) -> None:
        while self._waiting:
            # Taken out first: a link that dies of it closes all that waits, and _try this one.
            data, fd = self._waiting.popleft()
            if not self._try(data, fd):
                self._waiting.appendleft((data, fd))
                return
            self._waiting_bytes -= len(data)
        if self.closed.done():
            return
        self._loop.remove_writer(self._sock)
        if self._told_congested:
            self._told_congested = False
            self._on_congested(False)

    # ---- events ------------------------------------------------------------

    def _readable(self) -> None:
        for _ in range(TURN):
            if self.closed.done() or not self._read_one():
                return

    def _read_one(self) -> bool:
        """Takes one datagram; False when none waits or the link ended."""
        try:
            size, ancillary, _, _ = self._sock.recvmsg_into(
                [self._room], socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return False
        except OSError:
            size, ancillary = 0, []
        if size == 0:
            self.close()
            return False
        self.heard += 1
        fds = [fd for _, _, data in ancillary for fd in array.array("i", data)]
        fd = fds[0] if fds else -1
        try:
            self._take(Frame.unpack(bytes(memoryview(self._room)[:size])), fd)
        except ValueError as error:
            log.error("a frame of the forwarder's can't be read, so it is left out: %s", error)
            _close(fd)
        return True

    def _take(self, frame: Frame, fd: int) -> None:
        question = self._questions.get(frame.tag) if frame.tag else None
        if frame.type == Event.DONE:
            self._done(frame, question)
        elif question is not None:
            question.answers.append(Answer(frame, fd))
        else:
            _close(fd)
            self._on_event(frame)

    def _done(self, frame: Frame, question: _Question | None) -> None:
        done = Done.unpack(frame.payload)
        if question is None:
            if done.error:
                log.warning("the forwarder refused a command: %s", done.text)
            return
        refused = None
        if done.error:
            before = [answer.frame for answer in question.answers]
            refused = ForwarderRefused(-done.error, done.text, before)
        self._end(frame.tag, question, refused)

    def _end(self, tag: int, question: _Question, refused: ForwarderRefused | None = None) -> None:
        del self._questions[tag]
        if refused or question.future.done():  # done: whoever asked was cancelled
            _close_all(question.answers)
        if question.future.done():
            return
        if refused:
            question.future.set_exception(refused)
        else:
            question.future.set_result(question.answers)

    def close(self) -> None:
        """Ends the link; every command under way fails with ForwarderGone."""
        if self.closed.done():
            return
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        self.closed.set_result(None)
        for _, fd in self._waiting:
            _close(fd)
        self._waiting.clear()
        questions, self._questions = self._questions, {}
        for question in questions.values():
            _close_all(question.answers)
            if not question.future.done():
                question.future.set_exception(ForwarderGone("the forwarder ended meanwhile"))


async def greet(link: ForwarderLink, journal: int = -1) -> tuple[ForwarderHello, int]:
    """Says hello and returns the forwarder's, with its journal (or -1), which is the caller's.

    'journal' is one that another forwarder left; it stays the caller's.  Refused if the forwarder
    speaks another version of the frames; ForwarderGone if it serves another daemon.
    """
    (answer,) = await link.ask(Command.HELLO, ForwarderHello().pack(), fd=journal)
    return ForwarderHello.unpack(answer.frame.payload), answer.fd


async def connect(path: Path) -> socket.socket:
    """A socket connected to the forwarder at 'path'; OSError if nobody listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        await asyncio.get_running_loop().sock_connect(sock, str(path))
    except BaseException:
        sock.close()
        raise
    return sock


def _tell_slow(command: Command) -> None:
    if command != Command.BEAT:  # what that means is for others to judge
        log.warning(
            "the forwarder has not answered %s for %g s: it is busy, hangs or is stopped; one that "
            "hangs is replaced, see `vswitch status`",
            command.name,
            SLOW_SECONDS,
        )


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)


def _close_all(answers: list[Answer]) -> None:
    for answer in answers:
        _close(answer.fd)
