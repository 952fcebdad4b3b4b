"""Network namespaces: opening them by path, making them, doing something inside one.

A thread can be in another network namespace than its process (setns(2) is per
thread for this kind).  So whatever has to happen inside a namespace happens on a
short-lived thread that goes there and ends: nothing has to be undone, nothing is
forked from a threaded program, and it costs about 0.1 ms.  A socket belongs to the
namespace it was made in for ever, so it can be carried out.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import stat
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from datapath.kernel.problem import KernelError, kernel_error

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_NS_GET_NSTYPE = 0xB703  # linux/nsfs.h
_libc = ctypes.CDLL(None, use_errno=True)


def open_namespace(path: str | os.PathLike[str]) -> int:
    """A file descriptor of the network namespace at `path` (/proc/PID/ns/net, /run/netns/NAME).

    The caller closes it.  KernelError if there is none; nothing but a network namespace is
    accepted (HARDENING S39).
    """
    what = f"network namespace {os.fspath(path)!r}"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        code = error.errno if isinstance(error, OSError) and error.errno else 22
        raise kernel_error(what, code, "give a path such as /proc/PID/ns/net") from error
    if not _is_network_namespace(fd):
        os.close(fd)
        raise KernelError(
            what, "is no network namespace", "give a path such as /proc/PID/ns/net", 22
        )
    return fd


def _is_network_namespace(fd: int) -> bool:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return False
    try:
        return fcntl.ioctl(fd, _NS_GET_NSTYPE) == _CLONE_NEWNET
    except OSError:
        return False


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
