"""The line to vswitch-init, with nobody at its other end but us."""

from __future__ import annotations

import pytest

from containers.control import Broken, Closed
from containers.launch import Birth
from vswitch import patience
from vswitch.errors import Exit, Failure


def test_what_init_said_last_is_heard_though_it_never_read_our_go() -> None:
    """The kernel tells of the unread word first, as a broken connection."""
    with Birth("container c") as birth:
        birth._theirs.send(b"E\x02\0\0\0mount\0mounting proc on /proc")
        birth.go()
        birth._theirs.close()
        assert birth.receive() == Broken("mount", 2, "mounting proc on /proc")
        assert birth.receive() == Closed()


def test_one_that_never_stands_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it mounts may hang for ever."""
    monkeypatch.setenv(patience.VARIABLE, "0.05")
    with Birth("container c") as birth:
        with pytest.raises(Failure, match=r"vswitch-init has not made it within 0\.05 s") as caught:
            birth.await_walls()
        assert caught.value.exit == Exit.TIMED_OUT
        birth._theirs.send(b"W")
        birth.await_walls()
