"""The line to vswitch-init, with nobody at its other end but us."""

from __future__ import annotations

from containers.control import Broken, Closed
from containers.launch import Birth


def test_what_init_said_last_is_heard_though_it_never_read_our_go() -> None:
    """The kernel tells of the unread word first, as a broken connection."""
    with Birth("container c") as birth:
        birth._theirs.send(b"E\x02\0\0\0mount\0mounting proc on /proc")
        birth.go()
        birth._theirs.close()
        assert birth.receive() == Broken("mount", 2, "mounting proc on /proc")
        assert birth.receive() == Closed()
