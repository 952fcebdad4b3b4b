"""Names of unix sockets: taken where nobody is, left alone where somebody is."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from vswitch.namedsocket import NamedSocket, make_room


def stale(path: Path) -> None:
    """What a process that was killed leaves."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    stale(path)
    named = NamedSocket(str(path))
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
    named.close()
    assert not path.exists()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_a_socket_at_which_somebody_answers_is_theirs(
    tmp_path: Path, kind: socket.SocketKind
) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, kind) as theirs:
        theirs.bind(path)
        theirs.listen()
        with pytest.raises(OSError, match="somebody listens there already"):
            NamedSocket(path)
        with socket.socket(socket.AF_UNIX, kind) as peer:
            peer.connect(path)


def test_one_whose_queue_is_full_answers_too(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    peers = []
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(path)
        theirs.listen(0)
        full = False
        while not full:
            peers.append(socket.socket(socket.AF_UNIX))
            peers[-1].setblocking(False)
            full = peers[-1].connect_ex(path) == errno.EAGAIN
        with pytest.raises(OSError, match="somebody listens there already"):
            make_room(path)
        for peer in peers:
            peer.close()


def test_what_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    for name, make in (("file", Path.touch), ("folder", Path.mkdir)):
        path = tmp_path / name
        make(path)
        with pytest.raises(OSError, match="no socket has this name"):
            NamedSocket(str(path))
        assert path.exists()
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    with pytest.raises(OSError, match="no socket has this name"):
        NamedSocket(str(link))


def test_s23_it_is_its_owners_alone_from_birth(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        named = NamedSocket(str(tmp_path / "s"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
    named.close()


def test_it_knows_when_its_name_was_removed_or_taken(tmp_path: Path) -> None:
    path = tmp_path / "s"
    named = NamedSocket(str(path))
    assert named.holds()
    path.unlink()
    assert not named.holds()
    other = NamedSocket(str(path))
    assert not named.holds()
    named.close()
    named.close()
    assert other.holds()  # a name that is another's by now stays
    other.close()
