"""Which system calls a container is refused: a table, and its translation for the kernel.  Pure.

A container needs no system call that manages the machine, and much of what can be wrong in a
kernel lies behind those that it would be refused anyway, capabilities or not.  `REFUSED` are told
that they are not permitted, `UNKNOWN` that there is no such call (programs then use an older
one), `LOOKED_INTO` are refused for some arguments.  A call that is newer than `LAST`, which nobody
has looked at, is unknown as well; a call by another architecture's numbers ends the process, since
its number would mean something else.

The kernel runs a filter of its own small language (BPF) before each call: `program` writes it.  It
sees numbers and arguments, not what an argument points to.  That is why `clone3` and `openat2`,
whose flags are in memory, are unknown: their elder sisters can be looked into.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from vswitch.errors import SchemaError

# ---- the table ----


class Has(NamedTuple):
    """An argument has one of these bits.

    Of each argument that is looked at here the kernel itself uses no more than 32 bits.
    """

    argument: int
    bits: int


class Is(NamedTuple):
    """An argument is one of these."""

    argument: int
    values: tuple[int, ...]


SET_ID = 0o6000
"""Root inside has the machine's ids: a setuid file that it makes would be one of the machine's."""
NEW_FILE = 0o100 | 0o20000000
"""O_CREAT, O_TMPFILE: otherwise an open has no mode, and anything may stand in its place."""
NAMESPACES = 0x7E020000
"""CLONE_NEW*, all that fit into clone's flags."""
NEW_TIME = 0x80
TIOCSTI, TIOCLINUX, TIOCEXCL, TIOCSETD = 0x5412, 0x541C, 0x540C, 0x5423
"""Typing at a terminal for its user; keeping all others from opening it; taking its line discipline
away, so that nobody reads or writes there any more: all that would outlive the container.
"""
F_SETLEASE, F_SET_RW_HINT, F_SETDELEG = 1024, 1036, 1040
"""What an owner may do to a file that can only be read: let whoever opens it on the machine wait,
for 45 s each time; say how long its data will last.
"""
AF_ALG, AF_VSOCK = 38, 40
"""The kernel's ciphers; the machine's hypervisor, which no network namespace keeps away."""

Look = tuple[Has | Is, ...]

LOOKED_INTO: Mapping[str, Look] = {
    "clone": (Has(0, NAMESPACES),),
    "unshare": (Has(0, NAMESPACES | NEW_TIME),),
    "chmod": (Has(1, SET_ID),),
    "fchmod": (Has(1, SET_ID),),
    "fchmodat": (Has(2, SET_ID),),
    "fchmodat2": (Has(2, SET_ID),),
    "mknod": (Has(1, SET_ID),),
    "mknodat": (Has(2, SET_ID),),
    "creat": (Has(1, SET_ID),),
    "open": (Has(1, NEW_FILE), Has(2, SET_ID)),
    "openat": (Has(2, NEW_FILE), Has(3, SET_ID)),
    "fcntl": (Is(1, (F_SETLEASE, F_SET_RW_HINT, F_SETDELEG)),),
    "ioctl": (Is(1, (TIOCSTI, TIOCLINUX, TIOCEXCL, TIOCSETD)),),
    "socket": (Is(0, (AF_ALG, AF_VSOCK)),),
}
"""Refused if all of it holds.  (mkdir makes no setuid folder: the kernel leaves those bits out.)"""

KEYS = ("add_key", "keyctl", "request_key")
MOUNTS = (
    "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree",
    "open_tree_attr", "pivot_root", "umount2",
)  # fmt: skip
MACHINE = (
    "_sysctl", "acct", "clock_adjtime", "clock_settime", "create_module", "delete_module",
    "finit_module", "get_kernel_syms", "init_module", "ioperm", "iopl", "kexec_file_load",
    "kexec_load", "nfsservctl", "query_module", "quotactl", "quotactl_fd", "reboot",
    "settimeofday", "swapoff", "swapon", "sysfs", "syslog", "uselib", "ustat", "vhangup",
)  # fmt: skip
INSTRUMENTS = (
    "bpf", "fanotify_init", "lookup_dcookie", "name_to_handle_at", "open_by_handle_at",
    "perf_event_open", "userfaultfd",
)  # fmt: skip
RINGS = ("io_uring_enter", "io_uring_register", "io_uring_setup")
"""What is asked for in a ring passes no filter."""

REFUSED = ("setns", *KEYS, *MOUNTS, *MACHINE, *INSTRUMENTS)
UNKNOWN = ("clone3", "openat2", *RINGS)
NESTED = frozenset(("clone", "clone3", "unshare", "setns", *MOUNTS))
"""Not refused where user namespaces may be made: without capabilities they do nothing."""
ATTRIBUTES = ("fsetxattr", "lsetxattr", "setxattr", "setxattrat")
"""Told not to be supported to such a one: to map root it has the right to give files capabilities,
which on the files it was given would be as real as setuid bits.
"""

LAST = 469
"""file_setattr: the last call that was looked at; from 424 on numbers are the same everywhere."""


class Machine(NamedTuple):
    """How one architecture tells itself and its calls to a filter."""

    audit: int
    """AUDIT_ARCH_*"""
    numbers: Mapping[str, int]


_COMMON = {
    "clone3": 435, "fchmodat2": 452, "fsconfig": 431, "fsmount": 432, "fsopen": 430, "fspick": 433,
    "io_uring_enter": 426, "io_uring_register": 427, "io_uring_setup": 425, "mount_setattr": 442,
    "move_mount": 429, "open_tree": 428, "open_tree_attr": 467, "openat2": 437, "quotactl_fd": 443,
    "setxattrat": 463,
}  # fmt: skip
MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(0xC000003E, _COMMON | {
        "_sysctl": 156, "acct": 163, "add_key": 248, "bpf": 321, "chmod": 90, "clock_adjtime": 305,
        "clock_settime": 227, "clone": 56, "creat": 85, "create_module": 174, "delete_module": 176,
        "fanotify_init": 300, "fchmod": 91, "fchmodat": 268, "fcntl": 72, "finit_module": 313,
        "get_kernel_syms": 177, "init_module": 175, "ioctl": 16, "ioperm": 173, "iopl": 172,
        "kexec_file_load": 320, "kexec_load": 246, "keyctl": 250, "lookup_dcookie": 212,
        "mknod": 133, "mknodat": 259, "mount": 165, "name_to_handle_at": 303, "nfsservctl": 180,
        "open": 2, "open_by_handle_at": 304, "openat": 257, "perf_event_open": 298,
        "pivot_root": 155, "query_module": 178, "quotactl": 179, "reboot": 169,
        "fsetxattr": 190, "lsetxattr": 189, "setxattr": 188,
        "request_key": 249, "setns": 308, "settimeofday": 164, "socket": 41, "swapoff": 168,
        "swapon": 167, "sysfs": 139, "syslog": 103, "umount2": 166, "unshare": 272, "uselib": 134,
        "userfaultfd": 323, "ustat": 136, "vhangup": 153,
    }),
    "aarch64": Machine(0xC00000B7, _COMMON | {
        "acct": 89, "add_key": 217, "bpf": 280, "clock_adjtime": 266, "clock_settime": 112,
        "clone": 220, "delete_module": 106, "fanotify_init": 262, "fchmod": 52, "fchmodat": 53,
        "fcntl": 25, "finit_module": 273, "init_module": 105, "ioctl": 29, "kexec_file_load": 294,
        "kexec_load": 104, "keyctl": 219, "lookup_dcookie": 18, "mknodat": 33, "mount": 40,
        "name_to_handle_at": 264, "nfsservctl": 42, "open_by_handle_at": 265, "openat": 56,
        "perf_event_open": 241, "pivot_root": 41, "quotactl": 60, "reboot": 142,
        "fsetxattr": 7, "lsetxattr": 6, "setxattr": 5,
        "request_key": 218, "setns": 268, "settimeofday": 170, "socket": 198, "swapoff": 225,
        "swapon": 224, "syslog": 116, "umount2": 39, "unshare": 97, "userfaultfd": 282,
        "vhangup": 58,
    }),
}  # fmt: skip
"""As uname calls it -> its numbers; a call that it never had is missing."""

# ---- the kernel's language ----

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
EQUAL, GREATER, ANY_BIT = 0x15, 0x25, 0x45  # BPF_JMP | BPF_J... | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # where they are in struct seccomp_data
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_*


class Instruction(NamedTuple):
    """One instruction: how many to skip if the comparison holds, and if it does not."""

    code: int
    value: int
    skip: int = 0
    skip_else: int = 0

    def to_bytes(self) -> bytes:
        """A struct sock_filter; both architectures are little-endian."""
        head = self.code.to_bytes(2, "little") + bytes((self.skip, self.skip_else))
        return head + self.value.to_bytes(4, "little")


def program(machine: str, nested: bool = False) -> bytes:
    """The filter for containers on that machine (as uname calls it), as the kernel takes it.

    `nested` containers may make user namespaces and mounts in them.  SchemaError for a machine
    whose numbers nobody has written down.
    """
    return b"".join(instruction.to_bytes() for instruction in instructions(machine, nested))


def instructions(machine: str, nested: bool) -> Sequence[Instruction]:
    """The same, not yet as bytes."""
    known = MACHINES.get(machine)
    if known is None:
        raise SchemaError(
            f"containers on {machine}", "there is no filter of system calls for this machine",
            f"use one of {', '.join(MACHINES)}",
        )  # fmt: skip
    whole = [
        Instruction(LOAD, ARCHITECTURE),
        Instruction(EQUAL, known.audit, skip=1),
        Instruction(RETURN, KILL),
        Instruction(LOAD, NUMBER),
        Instruction(GREATER, LAST, skip_else=1),
        Instruction(RETURN, ERROR | errno.ENOSYS),
    ]
    for name, answer in _answers(nested):
        if name in known.numbers:
            whole += (Instruction(EQUAL, known.numbers[name], skip_else=len(answer)), *answer)
    return (*whole, Instruction(RETURN, ALLOW))


def _answers(nested: bool) -> Iterable[tuple[str, Sequence[Instruction]]]:
    """What to do about each call that is not simply allowed; every answer ends with a return."""
    errors = {errno.EPERM: REFUSED, errno.ENOSYS: UNKNOWN,
              errno.ENOTSUP: ATTRIBUTES if nested else ()}  # fmt: skip
    allowed = NESTED if nested else frozenset()
    for error, names in errors.items():
        for name in sorted(set(names) - allowed):
            yield name, (Instruction(RETURN, ERROR | error),)
    for name in sorted(LOOKED_INTO.keys() - allowed):
        yield name, _look(LOOKED_INTO[name])


def _look(look: Look) -> Sequence[Instruction]:
    """Refuses if all tests hold: each one that doesn't skips to the end, which allows."""
    code = [Instruction(RETURN, ERROR | errno.EPERM), Instruction(RETURN, ALLOW)]
    for test in reversed(look):
        code = [*_test(test, otherwise=len(code) - 1), *code]
    return code


def _test(test: Has | Is, otherwise: int) -> Sequence[Instruction]:
    """Goes on behind itself if the test holds, else skips `otherwise` more."""
    load = Instruction(LOAD, ARGUMENTS + 8 * test.argument)
    if isinstance(test, Has):
        return load, Instruction(ANY_BIT, test.bits, skip_else=otherwise)
    *first, last = test.values
    jumps = [
        Instruction(EQUAL, value, skip=len(first) - at) for at, value in enumerate(first)
    ]  # fmt: skip
    return load, *jumps, Instruction(EQUAL, last, skip_else=otherwise)
