"""A unix socket that listens under a name, and knows whether the name still leads to it.

A name is taken only where nobody is: what a killed process left behind (a socket that refuses
connections) is replaced, a socket at which somebody answers is not, and nothing else that has the
name is ever removed.  The socket is born with mode 0600 (the kernel takes it from the unbound
socket).  Names can be removed or given to others under a running process, which the kernel tells
nobody: `holds` asks.  At the end the name goes only if it is still this socket's.

Errors are OSError with a reason that reads behind "can't listen at PATH:".
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat

BACKLOG = 128
"""Connections that may wait until they are accepted."""


class NamedSocket:
    """A listening stream socket, non-blocking, at 'path'; `sock` may be given to an event loop."""

    def __init__(self, path: str) -> None:
        self.path = path
        make_room(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            os.fchmod(self.sock.fileno(), 0o600)
            self.sock.bind(path)
            self._file = os.lstat(path)
            self.sock.listen(BACKLOG)
            if not self.holds():  # between bind and listen it looks like a stale one
                raise OSError(errno.EADDRINUSE, "somebody else took the name at this moment")
        except BaseException:
            self.sock.close()
            raise

    def holds(self) -> bool:
        """Whether the name still leads to this socket."""
        try:
            return os.path.samestat(os.lstat(self.path), self._file)
        except OSError:
            return False

    def remove_name(self) -> None:
        """Takes the name away if it is still this socket's; connections that are there stay."""
        if self.holds():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)

    def close(self) -> None:
        """Ends the socket and its name; further calls do nothing."""
        if self.sock.fileno() >= 0:
            self.remove_name()
            self.sock.close()


def make_room(path: str, kind: int = socket.SOCK_STREAM) -> None:
    """Removes what a dead process left at 'path'; OSError if something else is there."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, "something that is no socket has this name")
    if answers(path, kind):
        raise OSError(errno.EADDRINUSE, "somebody listens there already")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def answers(path: str, kind: int = socket.SOCK_STREAM) -> bool:
    """Whether somebody listens at the socket 'path'; OSError if that can't be found out."""
    with socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError as error:
            # Its queue is full, or it is a socket of another kind: somebody has it.
            if error.errno in (errno.EAGAIN, errno.EPROTOTYPE):
                return True
            raise
    return True
