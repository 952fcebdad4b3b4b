"""The places where peers may come to one bridge, each open, or with the reason why it isn't.

A bridge stands whatever happens to its sockets: packets don't wait for listeners.  So a place that
can't be opened is told, and tried again every AGAIN_SECONDS; and since nobody is told when a
socket's name is removed, `tend` looks, and puts it back.  A name that somebody else has is theirs.

    RUN/<bridge>.mgmt     sessions, for tools of this machine
    RUN/<bridge>.snoop    copies of what the bridge and its controllers say
    what the operator wants (`listen`): ptcp:PORT[:ADDRESS], punix:PATH
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from vswitch.agent.exchange import Exchange
from vswitch.agent.peers import Listener, listen, listen_for_snoopers
from vswitch.errors import Failure

log = logging.getLogger("vswitch.openflow")

AGAIN_SECONDS = 5.0
"""How long a place that is taken is let alone: looking whether somebody answers disturbs them."""

Forbid = Callable[[str], str | None]
"""Why a target can't be listened at, whoever has it, or None."""


@dataclass(slots=True)
class _Place:
    target: str
    open: Callable[[Exchange, str], Awaitable[Listener]]
    own: bool
    listener: Listener | None = None
    failure: Failure | None = None
    again: float = 0.0

    def close(self) -> None:
        if self.listener:
            self.listener.close()
            self.listener = None


class Listeners:
    """The listeners of a bridge: at 'management' and 'snoop', which are its own, and where `want`
    says.  'forbid' tells which of these can't be."""

    def __init__(self, exchange: Exchange, management: str, snoop: str, forbid: Forbid) -> None:
        self._exchange = exchange
        self._forbid = forbid
        self._places = {
            management: _Place(management, listen, own=True),
            snoop: _Place(snoop, listen_for_snoopers, own=True),
        }
        self._tending = asyncio.Lock()
        self._closed = False

    async def want(self, targets: Iterable[str]) -> None:
        """From now on it listens at its own places and at these."""
        wanted = set(targets)
        async with self._tending:
            for target, place in list(self._places.items()):
                if not place.own and target not in wanted:
                    self._places.pop(target).close()
            for target in wanted - self._places.keys():
                self._places[target] = _Place(target, listen, own=False)
            await self._tend()

    async def tend(self) -> None:
        """Opens what is not open, and puts back what was removed."""
        async with self._tending:
            await self._tend()

    def is_at(self, target: str) -> bool:
        """Whether it listens there."""
        place = self._places.get(target)
        return place is not None and place.listener is not None

    def failures(self) -> list[Failure]:
        """Where it can't listen, and why."""
        return [place.failure for place in self._places.values() if place.failure]

    def close(self) -> None:
        """Listens nowhere any more; connections that were made stay."""
        self._closed = True
        for place in self._places.values():
            place.close()

    async def _tend(self) -> None:
        for place in list(self._places.values()):
            if self._closed:
                return
            if place.listener and not place.listener.holds():
                log.warning("bridge %s: %s was removed", self._name, place.target)
                place.close()
                place.again = 0.0
            if not place.listener and place.again <= asyncio.get_running_loop().time():
                await self._open(place)

    async def _open(self, place: _Place) -> None:
        try:
            why = None if place.own else self._forbid(place.target)
            if why:
                raise OSError(errno.EADDRINUSE, why)
            listener = await place.open(self._exchange, place.target)
        except OSError as error:
            self._fail(place, error.strerror or str(error))
            return
        if self._closed:
            listener.close()
            return
        if place.failure:
            log.info("bridge %s listens at %s", self._name, place.target)
        place.listener, place.failure = listener, None

    def _fail(self, place: _Place, why: str) -> None:
        place.again = asyncio.get_running_loop().time() + AGAIN_SECONDS
        do = "end what has it; it is tried again"
        if not place.own:
            do = f"end what has it, or choose another with `vswitch bridge set {self._name}`"
        failure = Failure(f"bridge {self._name} can't listen at {place.target}", why, do)
        if str(failure) != str(place.failure):
            log.error("%s", failure)
        place.failure = failure

    @property
    def _name(self) -> str:
        return self._exchange.agent.view.name
