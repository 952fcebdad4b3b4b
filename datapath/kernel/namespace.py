"""Network namespaces: opening them by path, making them, doing something inside one.

A path through /proc is good for the moment: the number in it is another process's once this one
has ended, and always is in another pid namespace.  What is to be opened again later, or was named
by somebody else, goes by `open_lasting_namespace`, which follows no such path.

A thread can be in another network namespace than its process (setns(2) is per
thread for this kind).  So whatever has to happen inside a namespace happens on a
short-lived thread that goes there and ends: nothing has to be undone, nothing is
forked from a threaded program, and it costs about 0.1 ms.  A socket belongs to the
namespace it was made in for ever, so it can be carried out.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from datapath.kernel.problem import KernelError, kernel_error

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_NS_GET_NSTYPE = 0xB703  # linux/nsfs.h
_SYS_OPENAT2, _AT_FDCWD, _RESOLVE_NO_MAGICLINKS = 437, -100, 0x02  # linux/openat2.h
_OPEN_HOW = struct.Struct("3Q")
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_libc = ctypes.CDLL(None, use_errno=True)

Namespace = int | str | os.PathLike[str]
"""A descriptor, which stays the caller's, or a path."""


def open_namespace(path: str | os.PathLike[str]) -> int:
    """A file descriptor of the network namespace at `path` (/proc/PID/ns/net, /run/netns/NAME).

    The caller closes it.  KernelError if there is none; nothing but a network namespace is
    accepted (HARDENING S39).
    """
    return _open(path, lambda: os.open(path, _READ), "give a path such as /proc/PID/ns/net")


def open_lasting_namespace(path: str | os.PathLike[str]) -> int:
    """The same for a path that means one namespace for whoever reads it, whenever: /run/netns/NAME.

    KernelError also for a path that leads through the links of /proc.
    """
    return _open(path, lambda: _open_without_magic(path), "give a path such as /run/netns/NAME")


def _open(path: str | os.PathLike[str], open_it: Callable[[], int], advice: str) -> int:
    what = f"network namespace {os.fspath(path)!r}"
    try:
        fd = open_it()
    except (OSError, ValueError) as error:
        code = error.errno if isinstance(error, OSError) and error.errno else errno.EINVAL
        raise kernel_error(what, code, advice) from error
    try:
        check_namespace(fd, what, advice)
    except KernelError:
        os.close(fd)
        raise
    return fd


def _open_without_magic(path: str | os.PathLike[str]) -> int:
    how = _OPEN_HOW.pack(_READ, 0, _RESOLVE_NO_MAGICLINKS)
    fd: int = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2), ctypes.c_long(_AT_FDCWD), ctypes.c_char_p(os.fsencode(path)),
        ctypes.c_char_p(how), ctypes.c_size_t(len(how)),
    )  # fmt: skip
    code = ctypes.get_errno()
    if fd < 0 and code == errno.ELOOP:
        raise KernelError(
            f"network namespace {os.fspath(path)!r}",
            "a path through /proc names another process sooner or later",
            "give the namespace a name (ip netns attach NAME PID) and /run/netns/NAME, or make "
            "the port ephemeral",
            code,
        )
    if fd < 0:
        raise OSError(code, os.strerror(code))
    return fd


def check_namespace(fd: int, what: str, advice: str) -> None:
    """KernelError, as `what` with `advice`, unless `fd` is a network namespace.

    The kernel keeps all namespaces in one file system (nsfs), so the device number says whether
    it is one before a file of another kind is asked what only a namespace understands.
    """
    if os.fstat(fd).st_dev == os.stat("/proc/self/ns/net").st_dev:
        try:
            if fcntl.ioctl(fd, _NS_GET_NSTYPE) == _CLONE_NEWNET:
                return
        except OSError:
            pass
    raise KernelError(what, "is no network namespace", advice, errno.EINVAL)


@contextmanager
def opened(namespace: Namespace) -> Iterator[int]:
    """Within, a descriptor of that network namespace; KernelError if it is none."""
    if isinstance(namespace, int):
        check_namespace(namespace, "the descriptor given", "give one of a network namespace")
        yield namespace
        return
    fd = open_namespace(namespace)
    try:
        yield fd
    finally:
        os.close(fd)


def new_namespace() -> int:
    """A file descriptor of a new, empty network namespace, which lives as long as it is open,
    a process is in it or an interface's other end keeps it.  The caller closes it."""

    def make() -> int:
        _call("unshare", _libc.unshare(_CLONE_NEWNET), "make a network namespace")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    return on_thread(make)


def inside(namespace: int | None, task: Callable[[], T]) -> T:
    """What `task()` returns or raises when run in the namespace `namespace` (a descriptor;
    None: where the caller is), on a thread of its own; blocks until it is done."""

    def enter() -> T:
        if namespace is not None:
            _call("setns", _libc.setns(namespace, _CLONE_NEWNET), "enter a network namespace")
        return task()

    return on_thread(enter)


class _Outcome(Generic[T]):
    value: T
    error: BaseException | None = None


def on_thread(task: Callable[[], T]) -> T:
    """What `task()` returns or raises, run on a short-lived thread."""
    outcome: _Outcome[T] = _Outcome()

    def run() -> None:
        try:
            outcome.value = task()
        except BaseException as error:  # handed to the caller, whatever it is
            outcome.error = error

    thread = threading.Thread(target=run, name="kernel")
    thread.start()
    thread.join()
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def _call(name: str, result: int, what: str) -> None:
    if result:
        raise kernel_error(f"{what} ({name})", ctypes.get_errno())
