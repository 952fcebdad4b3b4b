"""What init says, and the sentences that are made of its complaints."""

from __future__ import annotations

import errno
import struct

import pytest

from containers.control import Born, Broken, Closed, Message, Ready, Standing, Terminal, decode
from containers.problem import failure
from vswitch.errors import Exit


@pytest.mark.parametrize(
    ("datagram", "fds", "means"),
    [
        (b"", [], Closed()),
        (b"B\x01\x02\0\0", [], Born(0x201)),
        (b"N" + struct.pack("<Q", 0x7E020000), [], Ready(0x7E020000)),
        (b"W", [], Standing()),
        (b"T", [5], Terminal(5)),
        (b"E\x02\0\0\0execute\0starting x", [], Broken("execute", 2, "starting x")),
    ],
)
def test_messages(datagram: bytes, fds: list[int], means: Message) -> None:
    assert decode(datagram, fds) == means
    assert type(decode(datagram, fds)) is type(means)


@pytest.mark.parametrize("datagram", [b"B\x01", b"N\0", b"T", b"W1", b"X", b"E\0"])
def test_what_init_never_says_is_an_error(datagram: bytes) -> None:
    with pytest.raises(ValueError, match="vswitch-init"):
        decode(datagram, [])


def test_a_command_that_is_not_there_ends_as_in_a_shell() -> None:
    problem = failure("container c1", Broken("execute", errno.ENOENT, "starting pong"))
    assert str(problem) == (
        "container c1: starting pong: No such file or directory; "
        "name a program that is in the container's files"
    )
    assert problem.exit == Exit.NOT_THERE == 127
    assert failure("c", Broken("execute", errno.EACCES, "x")).exit == Exit.NOT_EXECUTABLE == 126


def test_any_other_step_fails_with_1_and_a_way_out() -> None:
    problem = failure("container c1", Broken("namespaces", errno.EPERM, "making namespaces"))
    assert problem.exit == Exit.FAILED
    assert "run as root" in problem.do
    assert failure("c", Broken("loopback", errno.EIO, "bringing lo up")).do
