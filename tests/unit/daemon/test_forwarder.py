"""How a forwarder is reached, and its end, whether it listens or not."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from datapath.frames import Done, Event, ForwarderHello, Frame
from tests.kit import lab
from vswitch.daemon import forwarder as forwarders
from vswitch.daemon import process
from vswitch.daemon.folders import Folders
from vswitch.daemon.forwarder import Forwarder
from vswitch.daemon.link import ForwarderLink
from vswitch.daemon.process import Watch
from vswitch.errors import Failure


def test_one_that_answers_nothing_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, or at a loss: `vswitch shutdown` must not wait for it for ever."""
    monkeypatch.setattr(forwarders, "END_SECONDS", 0.01)
    sleeper = subprocess.Popen(["sleep", "60"])

    async def main() -> None:
        ours, silent = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with silent:
            link = ForwarderLink(ours, lambda frame: None)
            watch = Watch(sleeper.pid)
            one = Forwarder(link, ForwarderHello(pid=sleeper.pid), -1, watch, adopted=True)
            await asyncio.wait_for(one.end(), 5)
            assert link.closed.done()

    try:
        asyncio.run(main())
        assert sleeper.wait(5) == -9
    finally:
        sleeper.kill()
        sleeper.wait()


def folders(run: Path) -> Folders:
    return Folders(run, None)


async def reached(run: Path, adopt: bool) -> Forwarder:
    found = await forwarders.reach(
        folders(run), False, lambda frame: None, lambda congested: None, -1, adopt
    )
    os.close(found.journal)
    return found


def test_one_that_a_service_starts_is_waited_for_and_none_started(tmp_path: Path) -> None:
    """`--adopt`: whose service restarts it, that one alone may start it."""
    program = lab.forwarder()
    assert program
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        path = str(folders(tmp_path).forwarder)
        started.append(subprocess.Popen([program, "--listen", path]))

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.1, start)
        one = await reached(tmp_path, adopt=True)
        assert (one.adopted, one.child, one.hello.pid) == (True, None, started[0].pid)
        one.link.close()
        one.reap()

    try:
        asyncio.run(main())
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_without_that_service_a_sentence_says_what_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "START_SECONDS", 0.05)
    program = lab.forwarder()
    assert program
    monkeypatch.setenv("VSWITCH_FORWARDER", str(program))
    with pytest.raises(Failure, match="systemctl start vswitch-forwarder"):
        asyncio.run(reached(tmp_path, adopt=True))
    assert not folders(tmp_path).forwarder.exists()
    monkeypatch.setattr(process, "START_SECONDS", 5.0)

    async def main() -> None:  # without --adopt one is started
        one = await reached(tmp_path, adopt=False)
        assert one.child
        await one.end()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("adopt", "do"), [(True, "systemctl restart vswitch-forwarder"), (False, "kill ")]
)
def test_a_forwarder_of_another_release_is_told_with_what_to_do(
    tmp_path: Path, adopt: bool, do: str
) -> None:
    why = "the daemon speaks version 9 of the forwarder's wire, this forwarder 8"

    def refuse(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            hello = Frame.unpack(peer.recv(1 << 16))
            done = Done(-errno.EPROTO, why).pack()
            peer.send(Frame(Event.DONE, done, tag=hello.tag).pack())
            peer.recv(1 << 16)

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(folders(tmp_path).forwarder))
        listener.listen()
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        with pytest.raises(Failure) as told:
            asyncio.run(reached(tmp_path, adopt))
        thread.join()
    assert told.value.why == why
    assert do in told.value.do
