"""The one place that decides whether a test may be skipped.

Something that a test needs and this machine hasn't is a *lack*: the test is skipped with a sentence
that says what to install or to allow.  What looks like a lack and may be a defect of ours isn't
one: a lack is found by asking for the bare thing (a program, a namespace by `unshare`), never by
running ours and reading its complaint.

Where everything is installed that we ask for, `.ci/run`, VSWITCH_NO_SKIPS is set: there every skip
is a failure but for the lacks in MAY_LACK, which no package can bring.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

SWITCH = "VSWITCH_NO_SKIPS"

MAY_LACK: Mapping[str, str] = {
    "a disk, and the right to make a node for it": "a virtual machine may have none of its own",
    "a kernel that runs programs of 32 bits": "it is chosen when a kernel is built",
    "a kernel with keys": "it is chosen when a kernel is built",
    "a machine with two ways to call": "ARM machines have one",
    "the right to be exempt": "root of a virtual machine may lack it (CAP_SYS_RESOURCE)",
}
"""What no package brings, with the reason: the only skips where VSWITCH_NO_SKIPS is set."""


def lack(what: str, detail: str = "") -> NoReturn:
    """Skips the test that needs `what`; `detail` is what the machine said."""
    pytest.skip(f"needs {what}" + (f": {detail.strip()}" if detail.strip() else ""))


def may_be_skipped(reason: str) -> bool:
    """Whether a skip for that reason is one where VSWITCH_NO_SKIPS is set."""
    if not os.environ.get(SWITCH):
        return True
    lacks = (f"needs {what}" for what in MAY_LACK)
    return any(reason == one or reason.startswith(f"{one}: ") for one in lacks)


def command(name: str, package: str) -> pytest.MarkDecorator:
    """For tests that need a program of the system's."""
    reason = f"needs {name}: apt install {package}"
    return pytest.mark.skipif(shutil.which(name) is None, reason=reason)


def program(name: str, package: str) -> None:
    """Skips where a program of the system's is missing."""
    if shutil.which(name) is None:
        lack(f"{name}: apt install {package}")


def module(name: str, do: str) -> pytest.MarkDecorator:
    """For tests that need a Python package that some Pythons can't have."""
    what = f"needs the Python package {name}: {do}"
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=what)


def file(path: Path) -> None:
    """Skips where a file of the system's is not there."""
    if not path.exists():
        lack(str(path))


def namespaces() -> None:
    """Skips where network namespaces are not ours to make: by root, or in `unshare -Urnm`."""
    _works("network namespaces", "unshare", "-n", "true")


def mounts() -> None:
    """Skips where file systems are not ours to mount."""
    _works("mounts", "unshare", "-m", "mount", "-t", "tmpfs", "t", "/dev/shm")


def user_namespaces(user: int | None = None) -> None:
    """Skips where a user (by default our own) can't be root of namespaces of theirs."""
    _works("user namespaces", "unshare", "-Urpnm", "--fork", "true", user=user)


def another_user(user: int, reads: Path) -> None:
    """Skips where we can't become that user, or they can't run our Python and read that file."""
    what = "a root that can become another user, who can read this checkout"
    _works(what, sys.executable, "-Ic", f"open({str(reads)!r})", user=user)


def many_users() -> None:
    """Skips where we are no root that other users' files can be given to."""
    if not has_many_users():
        lack("a root with more users than itself")


def has_many_users() -> bool:
    """Whether we are a root that other users' files can be given to."""
    rows = (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines())
    return os.geteuid() == 0 and sum(int(size) for *_, size in rows) > 60000


def _works(what: str, *probe: str, user: int | None = None) -> None:
    reason = _complaint(probe, user)
    if reason:
        lack(what, reason)


@functools.cache
def _complaint(probe: tuple[str, ...], user: int | None) -> str:
    """What the system says against it; "" if nothing."""
    become: dict[str, Any] = {"user": user, "group": user, "extra_groups": []}
    try:
        done = subprocess.run(
            probe, capture_output=True, text=True, timeout=20, check=False, cwd="/",
            **(become if user is not None else {}),
        )
    except OSError as error:
        return str(error)
    return (done.stderr or f"exit code {done.returncode}") if done.returncode else ""
