"""A file that one process at a time holds: who has it may write the state beside it.

The lock is the kernel's (flock), so it ends with its holder however that dies.
The file says the holder's pid for the sentence that the next one gets.  It is
removed by its holder; whoever waited at a removed file sees that its inode is no
longer the one with the name, and starts over.
"""

from __future__ import annotations

import fcntl
import os

from vswitch.errors import Failure


class Lock:
    """Holds the file at 'path' from construction to `release`.

    Failure tells that another process holds it ("`subject`: in use by ..."),
    or why the file can't be made.
    """

    def __init__(self, path: str, subject: str, do: str) -> None:
        self._path = path
        try:
            self._fd = self._take(subject, do)
        except OSError as error:
            raise Failure(
                subject, f"{path}: {error.strerror}", "check the folder's owner and free space"
            ) from None

    def _take(self, subject: str, do: str) -> int:
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(self._path, flags, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._still_named(fd):
                    os.ftruncate(fd, 0)
                    os.write(fd, f"{os.getpid()}\n".encode())
                    return fd
            except BlockingIOError:
                raise Failure(subject, f"it is in use by {self._holder(fd)}", do) from None
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _still_named(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), os.lstat(self._path))
        except FileNotFoundError:
            return False

    def _holder(self, fd: int) -> str:
        pid = os.pread(fd, 32, 0).strip()
        os.close(fd)
        return f"process {int(pid)}" if pid.isdigit() else "another process"

    def release(self) -> None:
        """Lets the file go and removes it; further calls do nothing."""
        if self._fd >= 0:
            os.unlink(self._path)
            os.close(self._fd)
            self._fd = -1
