"""One OpenFlow connection as a state machine: bytes in, messages out, no socket and no clock.

Theory of operation.  A session opens with hellos (1.3.5, 6.3.1); before the peers have agreed on
a version nothing but a hello or an error is taken.  Then the bytes are cut into runs of hot
messages, which go to the forwarder unread, and rare ones, which the agent answers.

Barriers.  A barrier is hot: the forwarder answers it when everything before it is done.  A rare
message behind it must not overtake it, so while a barrier's reply is still to come the
session keeps rare messages (and what follows them) in its buffer and asks for no more bytes.

Questions.  A multipart request may have a whole table for an answer, so only a few of a session's
are on their way at a time, and its further ones wait in the buffer too (HARDENING S7).

Time comes in as seconds of a monotonic clock: whoever is silent for too long is asked for an echo,
and given up when that stays unanswered too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vswitch.agent.effects import Effect
from vswitch.agent.framing import QUESTIONS_MAX, Rare, Run, RunReader, count_answers
from vswitch.agent.hot import HOT
from vswitch.agent.parts import Parts
from vswitch.agent.roles import DEFAULT, NOTHING, Wants, wants
from vswitch.openflow.messages.session import AsyncMasks, Role
from vswitch.openflow.messages.switch import Fragments

HELLO_SECONDS = 10.0
"""How long a peer may take to say hello."""

MISS_SEND_LEN = 128
"""Bytes of a packet that a packet-in carries unless the peer asks otherwise (7.3.2)."""


@dataclass(slots=True)
class Session:
    """What is known of one peer.

    'service': a connection that somebody made to us (ovs-ofctl, a passive listener); it
    hears nothing unasked until it sets a miss_send_len.  'probe' seconds of silence
    lead to an echo request; 0: never.
    """

    id: int
    service: bool
    probe: float
    opened: float
    version: int = 0
    role: Role = Role.EQUAL
    masks: AsyncMasks = DEFAULT
    miss_send_len: int = MISS_SEND_LEN
    fragments: Fragments = Fragments.NORMAL
    barriers: int = 0
    """Barrier requests on their way; their replies are still to come."""
    questions: int = 0
    """Hot multipart requests on their way; the ends of their answers are still to come."""
    busy: bool = False
    """It asked for so much that the rest has to wait until this is written."""
    unfinished: Iterator[Effect | int] | None = None
    """Where its last turn broke off."""
    heard: float = 0.0
    asked: float | None = None
    """When it was asked for an echo, if nothing has come since."""
    reader: RunReader = field(default_factory=RunReader)
    parts: Parts = field(default_factory=Parts)

    def __post_init__(self) -> None:
        self.heard = self.opened
        if self.service:
            self.miss_send_len = 0

    @property
    def agreed(self) -> bool:
        """Both sides have said hello."""
        return self.version != 0

    @property
    def writable(self) -> bool:
        """The peer may change the switch."""
        return self.role != Role.SLAVE

    @property
    def wants(self) -> Wants:
        """What it is sent unasked."""
        if not self.agreed or (self.service and not self.miss_send_len):
            return NOTHING
        return wants(self.masks, self.role)

    def agree(self, version: int) -> None:
        """From now on this version is spoken, and messages of it may be hot."""
        self.version = version
        self.reader.agree(version)

    def receive(self, data: bytes, now: float) -> None:
        """Takes bytes of the peer's; Broken when too many wait."""
        self.heard, self.asked = now, None
        self.reader.feed(data)

    def pending(self) -> Iterator[Run | Rare]:
        """What can be handled now, in order.  Broken at the end of a stream that makes no sense.

        The caller handles each before it asks for the next.
        """
        while message := self.reader.next(
            self.writable, rare=self.barriers == 0, questions=QUESTIONS_MAX - self.questions
        ):
            if isinstance(message, Run):
                self.barriers += message.barriers
                self.questions += message.questions
            yield message

    @property
    def held(self) -> bool:
        """A message waits for what the forwarder has to answer first."""
        return (self.barriers > 0 or self.questions == QUESTIONS_MAX) and self.reader.waiting

    def relayed(self, data: bytes) -> bool:
        """Looks at what the forwarder sends to the peer; True if what was held can go on."""
        if not self.barriers and not self.questions:
            return False
        held = self.held
        barriers, questions = count_answers(data, HOT[self.version])
        self.barriers -= barriers
        self.questions -= questions
        assert self.barriers >= 0, "a barrier was answered twice"
        assert self.questions >= 0, "a question was answered twice"
        return held and not self.held

    def overdue(self, now: float) -> str:
        """Why the peer has to be given up, or ''."""
        if not self.agreed and now - self.opened > HELLO_SECONDS:
            return f"no hello within {HELLO_SECONDS:g} s"
        # Since it was asked, not since it was heard: this process may have been stopped meanwhile.
        if self.asked is not None and now - self.asked >= self.probe:
            return f"no answer to an echo request within {self.probe:g} s"
        return ""

    def needs_probe(self, now: float) -> bool:
        """True once after 'probe' seconds of silence."""
        silent = now - self.heard > self.probe
        if not self.probe or not self.agreed or self.asked is not None or not silent:
            return False
        self.asked = now
        return True
