"""From a step that failed to a sentence: what, why, what to do, and the exit code.  Pure.

A command that can't be started ends as it would in a shell: 127 if it is not there, 126
if it can't be executed.  Everything else is exit code 1.
"""

from __future__ import annotations

import errno
import os

from containers.control import Broken
from vswitch.errors import Exit, Failure

_NAMESPACES = "run as root or inside `unshare -Urnm`, where the kernel lets you make namespaces"

_ADVICE: dict[tuple[str, int], str] = {
    ("namespaces", errno.EPERM): _NAMESPACES,
    ("namespaces", errno.EACCES): _NAMESPACES,
    ("namespaces", errno.ENOSPC): "raise the limits under /proc/sys/user, or stop containers",
    ("namespaces", errno.EUSERS): "nest fewer user namespaces",
    ("join", errno.EPERM): "ask as the user who started the container",
    ("join", errno.ESRCH): "see `vswitch ps`: it has just ended",
    ("root", errno.ENOENT): "name a folder with --rootfs",
    ("root", errno.ELOOP): "keep others from renaming what leads there while containers start",
    ("root", errno.EACCES): "make the folder, and those above it, readable for you",
    ("root", errno.EINVAL): "use a folder that is not inside another container's files",
    ("fresh", errno.EDQUOT): "raise /proc/sys/kernel/keys/maxkeys, or stop containers",
    ("limit", errno.EPERM): "leave out --nested: no user namespace can be made here",
    ("filter", errno.EINVAL): "use a kernel with CONFIG_SECCOMP_FILTER",
    ("filter", errno.ENOSYS): "use a kernel with CONFIG_SECCOMP_FILTER",
    ("pivot", errno.EINVAL): "start from a root that is a real mount, not the first ram disk",
    ("mount", errno.EPERM): "this machine hides part of its own /proc from you: run outside it",
    ("mount", errno.ELOOP): "make it a folder in the root, not a symbolic link",
    ("mount", errno.ENOENT): "make that folder in the root",
    ("mount", errno.ENOTDIR): "make it a folder in the root",
    ("verify", errno.ESTALE): "keep others from renaming in the root while containers start",
    ("directory", errno.EROFS): "make that folder in the root, or leave out --read-only",
    ("directory", errno.EACCES): "make that folder in the root, or make the root yours",
    ("directory", errno.ELOOP): "make it a folder in the root, not a symbolic link",
    ("device", errno.ENOENT): "this machine's /dev lacks it: run where it is there",
    ("device", errno.ENODEV): "this machine's /dev holds something else there: repair it",
    ("streams", errno.ENOENT): "hand it over by a pipe: this /dev doesn't show it",
    ("streams", errno.ENODEV): "hand it over by a pipe: this /dev doesn't show it",
    ("streams", errno.ENXIO): "hand it over by a pipe: it can't be opened again",
    ("streams", errno.EISDIR): "hand over a file: a folder would lead out of the container",
    ("streams", errno.EIO): "hand it over by a pipe: its other side is gone",
    ("terminal", errno.ENOENT): "leave out --tty",
    ("directory-change", errno.ENOENT): "name a folder of the container with --workdir",
    ("directory-change", errno.ENOTDIR): "name a folder of the container with --workdir",
    ("directory-change", errno.EACCES): "choose a folder that this user may enter",
    ("execute", errno.ENOENT): "name a program that is in the container's files",
    ("execute", errno.EACCES): "name an executable file that this user may run",
    ("execute", errno.ENOEXEC): "name a program for this machine; a script starts with #!",
    ("execute", errno.E2BIG): "pass fewer or shorter words and variables",
}


def failure(subject: str, broken: Broken) -> Failure:
    """The sentence for what went wrong in `subject`, as in "container c1"."""
    advice = _ADVICE.get((broken.step, broken.errno), "see containers/README.md for what it needs")
    why = f"{broken.doing}: {os.strerror(broken.errno)}"
    return Failure(subject, why, advice, _exit(broken))


def _exit(broken: Broken) -> Exit:
    if broken.step != "execute":
        return Exit.FAILED
    return Exit.NOT_THERE if broken.errno == errno.ENOENT else Exit.NOT_EXECUTABLE
