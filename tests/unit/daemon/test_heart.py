"""Forwarders that hang: judged beat by beat, and real ones that are stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from datapath.frames import Beat, Command, Done, Event, Frame
from vswitch.daemon import heart as hearts
from vswitch.daemon import supervise
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.folders import Folders
from vswitch.daemon.heart import BUSY_BEATS, STILL_BEATS, Effort, Heart, Pulse
from vswitch.daemon.link import ForwarderLink
from vswitch.daemon.methods import flows, switch
from vswitch.daemon.process import Watch
from vswitch.schema import Bridge
from vswitch.store.memory import MemoryStore

STOPPED, IDLE = Effort("T", 5), Effort("S", 5)


def beats(pulse: Pulse, many: int, heard: Iterator[int], *rest: object) -> list[str]:
    """The verdicts of so many beats; 'rest': answer and effort, or functions of the beat."""
    said = []
    for at in range(many):
        values = [one(at) if callable(one) else one for one in rest]
        said.append(pulse.beat(next(heard), *values))
    return said


def same(number: int = 1) -> Iterator[int]:
    while True:
        yield number


def rising() -> Iterator[int]:
    yield from range(10, 10_000)


def test_one_that_is_stopped_is_given_some_beats() -> None:
    pulse = Pulse()
    assert pulse.beat(1, Beat(1, True), STOPPED) == ""
    said = beats(pulse, STILL_BEATS, same(), Beat(1, True), STOPPED)
    assert said[:-1] == [""] * (STILL_BEATS - 1)
    assert said[-1] == "it has answered nothing for 5 s, and is stopped"


def test_one_that_goes_on_in_time_is_judged_anew() -> None:
    pulse, heard = Pulse(), rising()
    for _ in range(10):
        assert not any(beats(pulse, STILL_BEATS - 1, same(9), None, STOPPED))
        assert pulse.beat(next(heard), None, IDLE) == ""


def test_one_that_works_is_given_longer_than_one_that_does_nothing() -> None:
    def used(at: int) -> Effort:
        return Effort("R", at)

    pulse = Pulse()
    pulse.beat(1, None, Effort("R", -1))
    said = beats(pulse, BUSY_BEATS, same(), None, used)
    assert not any(said[:-1])
    assert said[-1] == "it has answered nothing for 30 s, though it runs"


def test_whatever_comes_is_a_sign_of_life() -> None:
    """Answers to other questions, while the one to a beat stands behind many."""
    assert not any(beats(Pulse(), 1000, rising(), None, Effort("R", 1)))


@pytest.mark.parametrize(
    ("answer", "hangs"),
    [
        (lambda at: Beat(7, asleep=False), True),
        (lambda at: Beat(7, asleep=True), False),
        (lambda at: Beat(at, asleep=False), False),
    ],
    ids=["in circles", "asleep", "busy"],
)
def test_a_poll_thread_that_makes_no_turn_is_noticed(
    answer: Callable[[int], Beat], hangs: bool
) -> None:
    """The control thread answers all the while, and the process uses the processor."""
    said = beats(Pulse(), 100, rising(), answer, lambda at: Effort("R", at))
    found = [one for one in said if one]
    assert bool(found) == hangs
    assert not hangs or found[0] == "its poll thread has not moved on for 5 s"


def test_one_that_a_debugger_holds_is_left_alone() -> None:
    assert not any(beats(Pulse(), 1000, same(), None, Effort("t", 5)))


def test_one_that_has_no_number_here_is_told_and_watched_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hearts, "BEAT_SECONDS", 0.002)

    async def main() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link = ForwarderLink(ours, lambda frame: None)
        heart = Heart(link, Watch(0), lambda: pytest.fail("its name stays"))
        while not heart.trouble:
            await asyncio.sleep(0.001)
        assert not link.closed.done()
        asked = Frame.unpack(theirs.recv(1 << 16))
        assert asked.type == Command.BEAT
        theirs.send(Frame(Event.BEAT, Beat(1).pack(), tag=asked.tag).pack())
        theirs.send(Frame(Event.DONE, Done().pack(), tag=asked.tag).pack())
        while heart.trouble:
            await asyncio.sleep(0.001)
        link.close()
        theirs.close()

    asyncio.run(asyncio.wait_for(main(), 10))
    said = [record.getMessage() for record in caplog.records]
    assert "has no number here, kill it where it was started" in said[0]
    assert said[-1] == "the forwarder works again"


def test_the_name_of_one_that_is_killed_is_forgotten_before_the_next_can_have_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its socket closes, and the next one is started, a moment before its process is gone."""
    monkeypatch.setattr(hearts, "BEAT_SECONDS", 0.002)
    happened: list[str] = []

    async def main() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        class Going(Watch):
            def kill(self) -> bool:
                happened.append("killed")
                theirs.close()
                return True

        watch = Going(0)
        watch.ended = asyncio.get_running_loop().create_future()
        link = ForwarderLink(ours, lambda frame: None)
        link.closed.add_done_callback(lambda _: happened.append("closed"))
        heart = Heart(link, watch, lambda: happened.append("forgotten"))
        await asyncio.gather(*heart._tasks)
        await asyncio.sleep(0)
        assert heart.why

    asyncio.run(asyncio.wait_for(main(), 10))
    assert happened == ["killed", "forgotten", "closed"]
    assert not any("not gone" in record.getMessage() for record in caplog.records)


# ---- real ones ------------------------------------------------------------------

Test = Callable[[Daemon], Coroutine[None, None, None]]


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Test], None]:
    """Runs a test with a daemon whose forwarder is a process, with br0 and a rule."""
    monkeypatch.setattr(hearts, "BEAT_SECONDS", 0.3)

    def run(test: Test) -> None:
        async def main() -> None:
            daemon = Daemon(Folders(tmp_path, None), MemoryStore(), ephemeral=False)
            await supervise.start(daemon)
            try:
                await daemon.change(lambda config: config.with_bridge(Bridge("br0")))
                await flows.add(daemon, "br0", "priority=7,tcp,actions=drop")
                await asyncio.wait_for(test(daemon), 30)
            finally:
                await supervise.stop(daemon, forwarder=True)

        asyncio.run(main())

    return run


def pid_of(daemon: Daemon) -> int:
    assert daemon.forwarder
    return daemon.forwarder.hello.pid


def test_a_stopped_forwarder_is_replaced_by_one_that_has_all_it_had(
    real: Callable[[Test], None],
) -> None:
    async def test(daemon: Daemon) -> None:
        pid = pid_of(daemon)
        os.kill(pid, signal.SIGSTOP)
        while not daemon.forwarder or pid_of(daemon) == pid:
            await asyncio.sleep(0.01)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        async with daemon.changing:
            pass
        assert len(await flows.list_(daemon, "br0")) == 1
        told = await switch.status(daemon)
        assert told["replaced"]["why"].endswith("and is stopped")
        assert told["forwarder"]["trouble"] is None

    real(test)


def test_one_that_goes_on_within_the_limit_has_lost_nothing(real: Callable[[Test], None]) -> None:
    async def test(daemon: Daemon) -> None:
        pid = pid_of(daemon)
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(flows.add(daemon, "br0", "priority=8,udp,actions=drop"))
        await asyncio.sleep(0.7)
        assert not asked.done()
        os.kill(pid, signal.SIGCONT)
        await asked
        await asyncio.sleep(2)  # longer than the limit: the beats that it missed are forgotten
        assert pid_of(daemon) == pid
        assert len(await flows.list_(daemon, "br0")) == 2
        assert daemon.replaced is None

    real(test)


def test_a_daemon_that_waits_itself_holds_nothing_against_its_forwarder(
    real: Callable[[Test], None],
) -> None:
    """Stopped and continued, or without a processor: its clock went on, nobody beat."""

    async def test(daemon: Daemon) -> None:
        pid = pid_of(daemon)
        for _ in range(3):
            time.sleep(2)
            await asyncio.sleep(0.01)
        assert pid_of(daemon) == pid

    real(test)


def test_a_new_daemon_replaces_the_stopped_forwarder_that_it_finds(
    real: Callable[[Test], None],
) -> None:
    """Its rules were in its memory alone by then."""

    async def test(daemon: Daemon) -> None:
        pid = pid_of(daemon)
        await supervise.stop(daemon, forwarder=False)
        os.kill(pid, signal.SIGSTOP)
        again = Daemon(daemon.folders, MemoryStore(), ephemeral=False)
        await supervise.start(again)
        try:
            assert pid_of(again) != pid
            assert again.replaced
        finally:
            await supervise.stop(again, forwarder=True)

    real(test)
