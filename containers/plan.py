"""From what a container shall be to what is to be done: a flat list of steps.  Pure.

Each step is a dataclass; its `WIRE` is its name in `containers/init` and its fields,
in order, are the arguments of that step's handler.  The handlers decide nothing, so
all policy stands here: which namespaces, mounts, devices, masked paths and capabilities
a container gets.  Steps before `Wait` run while the runner attaches the port, those
after `Supervise` in the command's process, all others in process 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from containers.spec import Process, Spec
from vswitch.errors import SchemaError

# ---- the kernel's numbers ----

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x08000000, 0x10000000, 0x20000000
CLONE_NEWNET = 0x40000000
NAMESPACES = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC
    | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
)  # fmt: skip

RDONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8
"""MOUNT_ATTR_*"""
SKIP_MISSING, SKIP_REFUSED = 1, 2
"""`Mount.skip`: do without it where the place is missing, or where the kernel says EPERM."""

# ---- policy ----

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0)}  # fmt: skip
"""All of /dev but terminals (HARDENING S35)."""

MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
"""The OCI runtimes' defaults (HARDENING S30)."""

SCRATCH = ("/tmp", "/var/tmp", "/run")
"""Where a container with a read-only root can write."""

CAPABILITIES = {
    "chown": 0, "dac_override": 1, "fowner": 3, "fsetid": 4, "kill": 5, "setgid": 6, "setuid": 7,
    "setpcap": 8, "net_bind_service": 10, "net_raw": 13, "sys_chroot": 18, "audit_write": 29,
    "setfcap": 31,
}  # fmt: skip
"""What a container's root keeps, name -> bit: the usual set, without mknod."""

ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root")
TTY_GROUP = 5

# ---- steps ----


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Be born in new namespaces; without a user namespace where the kernel refuses one."""

    WIRE: ClassVar[str] = "namespaces"
    flags: int
    uid_map: str
    gid_map: str
    deny_setgroups: bool
    die_with_runner: bool


@dataclass(frozen=True, slots=True)
class Join:
    """Enter the namespaces of the process that a pidfd names."""

    WIRE: ClassVar[str] = "join"
    pidfd: int
    flags: int
    die_with_runner: bool


@dataclass(frozen=True, slots=True)
class Private:
    """Cut the mount table off from the machine's."""

    WIRE: ClassVar[str] = "private"


@dataclass(frozen=True, slots=True)
class Root:
    """Take the tree at `source` as the new root, attached over the folder `anchor`."""

    WIRE: ClassVar[str] = "root"
    source: str
    anchor: str
    attributes: int


@dataclass(frozen=True, slots=True)
class Mount:
    """A fresh file system on `path` of the new root."""

    WIRE: ClassVar[str] = "mount"
    type: str
    path: str
    options: str
    attributes: int
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder in the new root, unless it is there."""

    WIRE: ClassVar[str] = "directory"
    path: str
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link in the new root."""

    WIRE: ClassVar[str] = "symlink"
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Device:
    """The machine's character device of that path and number."""

    WIRE: ClassVar[str] = "device"
    path: str
    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class Mask:
    """Hide a file or folder of the new root, if it is there."""

    WIRE: ClassVar[str] = "mask"
    path: str


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Forbid writing below a path of the new root, if it is there."""

    WIRE: ClassVar[str] = "read-only"
    path: str


@dataclass(frozen=True, slots=True)
class Pivot:
    """The new root becomes "/", the machine's files go out of reach."""

    WIRE: ClassVar[str] = "pivot"


@dataclass(frozen=True, slots=True)
class Hostname:
    """Set the host name."""

    WIRE: ClassVar[str] = "hostname"
    name: str


@dataclass(frozen=True, slots=True)
class Loopback:
    """Bring lo up."""

    WIRE: ClassVar[str] = "loopback"


@dataclass(frozen=True, slots=True)
class Undumpable:
    """Keep tracers inside off process 1, its fds and its program (HARDENING S27, S28)."""

    WIRE: ClassVar[str] = "undumpable"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Keep only these capabilities, a bit mask; none is inheritable (HARDENING S33)."""

    WIRE: ClassVar[str] = "capabilities"
    keep: int


@dataclass(frozen=True, slots=True)
class NoNewPrivileges:
    """No exec gives more rights, setuid or not."""

    WIRE: ClassVar[str] = "no-new-privileges"


@dataclass(frozen=True, slots=True)
class Wait:
    """Stand still until the runner has put the port in place."""

    WIRE: ClassVar[str] = "wait"


@dataclass(frozen=True, slots=True)
class Supervise:
    """Fork: process 1 stays to reap and to forward signals, its child goes on.

    `exit_file` is an fd that the exit code is left in, 0 for none.
    """

    WIRE: ClassVar[str] = "supervise"
    exit_file: int
    attached: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A session without a terminal."""

    WIRE: ClassVar[str] = "session"


@dataclass(frozen=True, slots=True)
class Terminal:
    """A session with a new terminal, which belongs to user `owner`."""

    WIRE: ClassVar[str] = "terminal"
    owner: int


@dataclass(frozen=True, slots=True)
class User:
    """Become a user."""

    WIRE: ClassVar[str] = "user"
    uid: int
    gid: int
    clear_groups: bool


@dataclass(frozen=True, slots=True)
class DirectoryChange:
    """Enter the working folder."""

    WIRE: ClassVar[str] = "directory-change"
    path: str


@dataclass(frozen=True, slots=True)
class Execute:
    """Become the command."""

    WIRE: ClassVar[str] = "execute"
    command: tuple[str, ...]
    environment: tuple[str, ...]


Step = (
    Namespaces | Join | Private | Root | Mount | Directory | Symlink | Device | Mask | ReadOnly
    | Pivot | Hostname | Loopback | Undumpable | Capabilities | NoNewPrivileges | Wait | Supervise
    | Session | Terminal | User | DirectoryChange | Execute
)  # fmt: skip

Range = tuple[int, int]
"""First id and how many."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes the container, and what the kernel lets them hand on."""

    uid: int
    gid: int
    uids: tuple[Range, ...]
    """Ids that exist where the caller is."""
    gids: tuple[Range, ...]
    setgroups: bool
    """May groups be changed here?"""

    @property
    def privileged(self) -> bool:
        """Root of its user namespace: may map every id there is."""
        return self.uid == 0


@dataclass(frozen=True, slots=True)
class Place:
    """What the runner has prepared on the machine."""

    anchor: str
    """An empty folder to attach the root to."""
    hidden: str
    """The run folder: a container with the machine's files must not reach the daemon's socket."""
    exit_file: int = 0


def birth(spec: Spec, caller: Caller, place: Place) -> tuple[Step, ...]:
    """The steps that make the container and start its command; SchemaError if they can't exist."""
    return (
        _namespaces(spec, caller),
        Private(),
        *_root(spec, place),
        *_system_files(spec),
        *_dev(caller),
        *(Mask(path) for path in MASKED),
        *(ReadOnly(path) for path in READ_ONLY),
        Pivot(),
        Hostname(str(spec.hostname)),
        Loopback(),
        *((Undumpable(),) if caller.privileged else ()),
        *_restrictions(),
        Wait(),
        Supervise(place.exit_file, not spec.detach),
        *_command(spec, caller),
    )


def entry(process: Process, caller: Caller, pidfd: int, flags: int) -> tuple[Step, ...]:
    """The steps that run one more command in the container of the process behind `pidfd`.

    `flags` are the namespaces that it really has (CLONE_NEW*).
    """
    return (Join(pidfd, flags, True), *_restrictions(), *_command(process, caller))


def _namespaces(spec: Spec, caller: Caller) -> Namespaces:
    """Root's container has all ids that root has, each as itself; anybody else's has only one."""
    if caller.privileged:
        uid_map, gid_map = _identity(caller.uids), _identity(caller.gids)
        return Namespaces(NAMESPACES, uid_map, gid_map, False, not spec.detach)
    uid_map, gid_map = f"0 {caller.uid} 1\n", f"0 {caller.gid} 1\n"
    return Namespaces(NAMESPACES, uid_map, gid_map, True, not spec.detach)


def _identity(ranges: tuple[Range, ...]) -> str:
    return "".join(f"{first} {first} {count}\n" for first, count in ranges)


def _root(spec: Spec, place: Place) -> tuple[Step, ...]:
    attributes = NOSUID | NODEV
    if spec.rootfs is None:
        return (
            Root("/", place.anchor, attributes | RDONLY),
            *_scratch(),
            Mask(place.hidden),
        )
    if spec.read_only:
        return Root(spec.rootfs, place.anchor, attributes | RDONLY), *_scratch()
    return (
        Root(spec.rootfs, place.anchor, attributes),
        *(Directory(path) for path in ("/proc", "/sys", "/dev")),
    )


def _scratch() -> tuple[Step, ...]:
    return tuple(
        Mount("tmpfs", path, "mode=1777,size=25%", NOSUID | NODEV, SKIP_MISSING) for path in SCRATCH
    )


def _system_files(spec: Spec) -> tuple[Step, ...]:
    """The kernel's own file systems, made anew for these namespaces."""
    attributes = NOSUID | NODEV | NOEXEC
    return (
        Mount("proc", "/proc", "", attributes),
        Mount("sysfs", "/sys", "", attributes | RDONLY, SKIP_REFUSED),
    )


def _dev(caller: Caller) -> tuple[Step, ...]:
    """A /dev with nothing but harmless devices, and terminals of its own."""
    links = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
             "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}  # fmt: skip
    group = f",gid={TTY_GROUP}" if caller.privileged and _has(caller.gids, TTY_GROUP) else ""
    quiet = NOSUID | NOEXEC
    return (
        Mount("tmpfs", "/dev", "mode=755,size=64k", quiet | NODEV),
        *(Device(f"/dev/{name}", *number) for name, number in DEVICES.items()),
        *(Symlink(f"/dev/{name}", target) for name, target in links.items()),
        *(Directory(f"/dev/{name}") for name in ("pts", "shm", "mqueue")),
        Mount("devpts", "/dev/pts", f"newinstance,ptmxmode=0666,mode=0620{group}", quiet),
        Mount("tmpfs", "/dev/shm", "mode=1777,size=64m", quiet | NODEV),
        Mount("mqueue", "/dev/mqueue", "", quiet | NODEV),
    )


def _restrictions() -> tuple[Step, ...]:
    keep = sum(1 << bit for bit in CAPABILITIES.values())
    return NoNewPrivileges(), Capabilities(keep)


def _command(process: Process, caller: Caller) -> tuple[Step, ...]:
    uid, gid = process.ids
    mapped = (caller.uids, caller.gids) if caller.privileged else (((0, 1),), ((0, 1),))
    if not (_has(mapped[0], uid) and _has(mapped[1], gid)):
        raise SchemaError(
            f"container user {process.user}", "these ids don't exist here",
            "use 0:0, or run as root of the machine",
        )  # fmt: skip
    return (
        Terminal(uid) if process.tty else Session(),
        User(uid, gid, caller.privileged and caller.setgroups),
        DirectoryChange(process.workdir),
        Execute(process.command, _environment(process)),
    )


def _environment(process: Process) -> tuple[str, ...]:
    """The usual variables, then the given ones; the last of a name wins."""
    usual = (*ENVIRONMENT, *(("TERM=xterm",) if process.tty else ()))
    chosen = {variable.partition("=")[0]: variable for variable in (*usual, *process.env)}
    return tuple(chosen.values())


def _has(ranges: tuple[Range, ...], number: int) -> bool:
    return any(first <= number < first + count for first, count in ranges)
