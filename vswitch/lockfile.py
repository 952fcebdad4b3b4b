"""A file, or a whole folder, that one process at a time holds: who has it may write what is there.

The locks are the kernel's (flock), so they end with their holder however that dies.
A lock file says the holder's pid for the sentence that the next one gets.  It is
removed by its holder; whoever waited at a removed file sees that its inode is no
longer the one with the name, and starts over.

A file can be removed under its holder, and then the next process would find none and make its
own.  So a folder is held by a lock on the folder itself, which goes with no file in it, and
`keep` puts back what was removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from vswitch.errors import Failure


class InUse(Failure):
    """Another process holds it."""


class Lock:
    """Holds the file at 'path' from construction to `release`.

    Failure tells that another process holds it ("`subject`: in use by ..."),
    or why the file can't be made.
    """

    def __init__(self, path: str, subject: str, do: str) -> None:
        self._path, self._subject, self._do = path, subject, do
        self._fd = self._taken()

    def keep(self) -> bool:
        """Puts the file back if it was removed; True if it was.  Failure as at the beginning,
        for example if another process made its own meanwhile: then that one has it."""
        if self._still_named(self._fd):
            return False
        old, self._fd = self._fd, self._taken()
        os.close(old)
        return True

    def _taken(self) -> int:
        try:
            return self._take()
        except OSError as error:
            do = "check the folder's owner and free space"
            raise Failure(self._subject, f"{self._path}: {error.strerror}", do) from None

    def _take(self) -> int:
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
                holder = f"it is in use by {_holder(fd)}"
                os.close(fd)
                raise InUse(self._subject, holder, self._do) from None
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _still_named(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), os.lstat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Lets the file go and removes it, if it is there; further calls do nothing."""
        if self._fd >= 0:
            if self._still_named(self._fd):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._path)
            os.close(self._fd)
            self._fd = -1


class FolderLock:
    """Holds 'folder', which is there, with a lock file 'name' in it that says who holds it.

    Failure as `Lock`.
    """

    def __init__(self, folder: str, name: str, subject: str, do: str) -> None:
        self._folder, self._subject, self._do = folder, subject, do
        self._path = os.path.join(folder, name)
        self._file: Lock | None = None
        self._fd = self._take()
        try:
            # Behind the folder's lock: whoever is refused that touches nothing in the folder.
            self._file = Lock(self._path, subject, do)
        except BaseException:
            self.release()
            raise

    def keep(self) -> bool:
        """Holds what has the folder's name now, and puts the lock file back; True if either was
        removed.  Failure if another process has it, or if it can't be."""
        assert self._file
        renewed = not self._still_named()
        if renewed:
            old, self._fd = self._fd, self._take()
            os.close(old)
        return self._file.keep() or renewed

    def holds(self) -> bool:
        """Whether what has the folder's name now is what is held."""
        return self._fd >= 0 and self._still_named()

    def _take(self) -> int:
        fd = -1
        try:
            fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            if isinstance(error, BlockingIOError):
                raise InUse(self._subject, self._holder(), self._do) from None
            why, do = f"{self._folder}: {error.strerror}", "check the folder's owner and mode"
            raise Failure(self._subject, why, do) from None

    def _holder(self) -> str:
        """Who says in the lock file that it has it."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return "it is in use by another process"
        try:
            return f"it is in use by {_holder(fd)}"
        finally:
            os.close(fd)

    def _still_named(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._fd), os.stat(self._folder))
        except OSError:
            return False

    def release(self) -> None:
        """Lets the folder go; further calls do nothing."""
        if self._file:
            self._file.release()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _holder(fd: int) -> str:
    pid = os.pread(fd, 32, 0).strip()
    return f"process {int(pid)}" if pid.isdigit() else "another process"
