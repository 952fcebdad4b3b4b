"""The end of a forwarder, whether it listens or not."""

from __future__ import annotations

import asyncio
import socket
import subprocess

import pytest

from datapath.frames import Hello
from vswitch.daemon import forwarder as forwarders
from vswitch.daemon.forwarder import Forwarder
from vswitch.daemon.link import Link
from vswitch.daemon.process import Watch


def test_one_that_answers_nothing_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, or at a loss: `vswitch shutdown` must not wait for it for ever."""
    monkeypatch.setattr(forwarders, "END_SECONDS", 0.01)
    process = subprocess.Popen(["sleep", "60"])

    async def main() -> None:
        ours, silent = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with silent:
            link = Link(ours, lambda frame: None)
            watch = Watch(process.pid)
            one = Forwarder(link, Hello(pid=process.pid), -1, watch, adopted=True)
            await asyncio.wait_for(one.end(), 5)
            assert link.closed.done()

    try:
        asyncio.run(main())
        assert process.wait(5) == -9
    finally:
        process.kill()
        process.wait()
