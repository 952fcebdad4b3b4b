"""From what a container shall be to what is to be done: a flat list of steps.  Pure.

vswitch-init decides nothing, so all policy stands here: which namespaces, mounts, devices,
masked paths and capabilities a container gets.  Steps before `wait` run while the runner
attaches the port, those after `supervise` in the command's process, all others in process 1.
"""

from __future__ import annotations

from typing import NamedTuple

from containers import seccomp, steps
from containers.spec import Process, Spec
from containers.steps import Step
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
SKIP_MISSING, EMPTY_IF_REFUSED = 1, 2
"""A mount's `otherwise`: none where the place is missing; an empty folder where it is refused."""

# ---- policy ----

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0)}  # fmt: skip
"""All of /dev but terminals (HARDENING S35)."""
_HARMLESS = tuple(f"/dev/{name}" for name in DEVICES if name != "tty")
LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
         "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}  # fmt: skip

MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/kmsg",
    "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats",
    "/proc/pagetypeinfo", "/proc/sched_debug", "/proc/scsi", "/proc/slabinfo", "/proc/timer_list",
    "/proc/timer_stats", "/proc/vmallocinfo", "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
"""The OCI runtimes' defaults, and what only the machine's root may read: ids inside are the same
(HARDENING S30).
"""

SCRATCH = ("/tmp", "/var/tmp", "/run")
"""Where a container with a read-only root can write."""

CAPABILITIES = {
    "chown": 0, "dac_override": 1, "fowner": 3, "kill": 5, "setgid": 6, "setuid": 7, "setpcap": 8,
    "net_bind_service": 10, "net_raw": 13, "sys_chroot": 18, "audit_write": 29,
}  # fmt: skip
"""What a container's root keeps, name -> bit: the usual set, without mknod, setfcap and fsetid.

The last two, since ids are not shifted: a file with capabilities, or with a setuid bit that writing
does not clear, would have them on the machine too.
"""
SETFCAP = 31
"""The kernel asks it of whoever maps root in a user namespace; the filter keeps it from files."""

ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
ROOT_HOME = "/root"
PING_GROUPS = "/proc/sys/net/ipv4/ping_group_range"
GROUP_MAX = (1 << 31) - 1
"""The highest group that the kernel takes there."""
TTY_GROUP = 5

Range = tuple[int, int]
"""First id and how many."""


class Caller(NamedTuple):
    """Who makes the container, and what the kernel lets them hand on."""

    uid: int
    gid: int
    uids: tuple[Range, ...]
    """Ids that exist where the caller is."""
    gids: tuple[Range, ...]
    setgroups: bool
    """May groups be changed here?"""
    machine: str
    """Its architecture, as uname calls it."""
    window: tuple[int, int] = (0, 0)
    """Rows and columns of the terminal they sit at; 0, 0 if at none."""

    @property
    def privileged(self) -> bool:
        """Root of its user namespace: may map every id there is."""
        return self.uid == 0


class View(NamedTuple):
    """A place on the machine where something shows that must not be seen, and what it is."""

    path: str
    device: int
    inode: int


class Console(NamedTuple):
    """What a detached container's streams need: fds."""

    listening: int
    logs: tuple[int, int]


class Place(NamedTuple):
    """What the runner has prepared on the machine."""

    anchor: str
    """A folder to attach the root over."""
    hidden: tuple[View, ...] = ()
    """Where the run folder shows, with the daemon's socket, and the store: no root may."""
    exit_file: int = 0
    """An fd for the exit code, or 0."""
    console: Console | None = None
    """None: the command has the runner's streams, or a terminal that the runner relays."""


def birth(spec: Spec, caller: Caller, place: Place) -> tuple[Step, ...]:
    """The steps that make the container of a named spec and start its command.

    SchemaError if its user does not exist for this caller.
    """
    return (
        steps.fresh(),
        _namespaces(spec, caller),
        *(() if caller.privileged else (steps.again(),)),
        steps.undumpable(),
        steps.private(),
        *_streams(spec),
        *(steps.hide(*view) for view in place.hidden),  # before the root takes its copy of the tree
        *_root(spec, place),
        *_kernel_files(),
        *_limits(spec),
        _ping(caller),
        *_dev(caller),
        *(steps.mask(path) for path in MASKED),
        *(steps.read_only(path) for path in READ_ONLY),
        *((steps.freeze("/proc"),) if caller.privileged else ()),  # its files belong to root
        steps.pivot(),
        steps.verify(),
        steps.hostname(str(spec.hostname)),
        steps.loopback(),
        *_restrictions(spec.nested),
        steps.standing(),
        steps.wait(),
        *_console(spec, place.console),
        steps.supervise(place.exit_file, attached=not spec.detach),
        *_command(spec, caller, spec.nested),
    )


def entry(
    process: Process, caller: Caller, pidfd: int, flags: int, nested: bool
) -> tuple[Step, ...]:
    """The steps that run one more command in the container of the process behind `pidfd`.

    `flags` are the namespaces that it really has (CLONE_NEW*); `nested` is its own setting.
    """
    return (
        steps.fresh(),
        *(_streams(process) if caller.privileged else ()),  # others own no device of the machine
        steps.join(pidfd, flags, die_with_runner=True),
        *_restrictions(nested),
        *_command(process, caller, nested),
    )


def _namespaces(spec: Spec, caller: Caller) -> Step:
    """Root's container has all ids that root has, each as itself; anybody else's has only one."""
    attached = not spec.detach
    if caller.privileged:
        uid_map, gid_map = _identity(caller.uids), _identity(caller.gids)
        return steps.namespaces(NAMESPACES, uid_map, gid_map, False, attached)
    uid_map, gid_map = f"0 {caller.uid} 1\n", f"0 {caller.gid} 1\n"
    return steps.namespaces(NAMESPACES, uid_map, gid_map, True, attached)


def _identity(ranges: tuple[Range, ...]) -> str:
    return "".join(f"{first} {first} {count}\n" for first, count in ranges)


def _root(spec: Spec, place: Place) -> tuple[Step, ...]:
    attributes = NOSUID | NODEV
    if spec.rootfs is None:
        whole = steps.root("/", place.anchor, attributes | RDONLY)
        return whole, *_scratch()
    if spec.read_only:
        return steps.root(spec.rootfs, place.anchor, attributes | RDONLY), *_scratch()
    return (
        steps.root(spec.rootfs, place.anchor, attributes),
        *(steps.directory(path) for path in ("/proc", "/sys", "/dev")),
    )


def _scratch() -> tuple[Step, ...]:
    return tuple(
        steps.mount("tmpfs", path, "mode=1777,size=25%", NOSUID | NODEV, SKIP_MISSING)
        for path in SCRATCH
    )


def _kernel_files() -> tuple[Step, ...]:
    """The kernel's own file systems, made anew for these namespaces."""
    attributes = NOSUID | NODEV | NOEXEC
    return (
        steps.mount("proc", "/proc", "", attributes),
        steps.mount("sysfs", "/sys", "", attributes | RDONLY, EMPTY_IF_REFUSED),
    )


def _limits(spec: Spec) -> tuple[Step, ...]:
    """No user namespaces inside unless asked for, and never a control group's, whose owner could
    mount the hierarchies of cgroup v1 (HARDENING S34).
    """
    groups = steps.limit("max_cgroup_namespaces", 0, must=spec.nested)
    return groups, *(() if spec.nested else (steps.limit("max_user_namespaces", 0, must=False),))


def _ping(caller: Caller) -> Step:
    """Whoever is inside may send echo requests without rights: the range of groups that exist."""
    first, count = caller.gids[0] if caller.privileged else (0, 1)
    return steps.setting(PING_GROUPS, f"{first} {min(first + count - 1, GROUP_MAX)}\n")


def _dev(caller: Caller) -> tuple[Step, ...]:
    """A /dev with nothing but harmless devices, and terminals of its own."""
    group = f",gid={TTY_GROUP}" if caller.privileged and _has(caller.gids, TTY_GROUP) else ""
    quiet = NOSUID | NOEXEC
    return (
        steps.mount("tmpfs", "/dev", "mode=755,size=64k", quiet | NODEV),
        *(steps.device(f"/dev/{name}", *number) for name, number in DEVICES.items()),
        *(steps.symlink(f"/dev/{name}", target) for name, target in LINKS.items()),
        *(steps.directory(f"/dev/{name}") for name in ("pts", "shm", "mqueue")),
        steps.mount("devpts", "/dev/pts", f"newinstance,ptmxmode=0666,mode=0620{group}", quiet),
        steps.mount("tmpfs", "/dev/shm", "mode=1777,size=64m", quiet | NODEV),
        steps.mount("mqueue", "/dev/mqueue", "", quiet | NODEV),
    )


def _streams(process: Process) -> tuple[Step, ...]:
    """Without a terminal of its own the command gets the runner's standard input and output."""
    return () if process.tty else (steps.streams(_HARMLESS),)


def _console(spec: Spec, console: Console | None) -> tuple[Step, ...]:
    if console is None:
        return ()
    uid, _ = spec.ids
    interactive = spec.interactive or bool(spec.tty)
    return (
        steps.console(
            console.listening, console.logs, spec.log_size, bool(spec.tty), interactive, uid
        ),
    )


def _restrictions(nested: bool) -> tuple[Step, ...]:
    keep = sum(1 << bit for bit in (*CAPABILITIES.values(), *((SETFCAP,) if nested else ())))
    return steps.no_new_privileges(), steps.capabilities(keep)


def _command(process: Process, caller: Caller, nested: bool) -> tuple[Step, ...]:
    """The filter comes last: what it refuses (openat2) is still needed before."""
    uid, gid = _existing_ids(process, caller)
    return (
        steps.terminal(uid, *caller.window) if process.tty else steps.session(),
        steps.user(uid, gid, clear_groups=caller.privileged and caller.setgroups),
        *(() if uid == 0 else (steps.home(uid),)),
        steps.directory_change(process.workdir),
        steps.filter(seccomp.program(caller.machine, nested)),
        steps.execute(process.command, _environment(process, uid)),
    )


def _existing_ids(process: Process, caller: Caller) -> tuple[int, int]:
    uid, gid = process.ids
    only_root = ((0, 1),)
    uids, gids = (caller.uids, caller.gids) if caller.privileged else (only_root, only_root)
    if not (_has(uids, uid) and _has(gids, gid)):
        raise SchemaError(
            f"container user {process.user}", "these ids don't exist here",
            "use 0:0, or run as root of the machine",
        )  # fmt: skip
    return uid, gid


def _environment(process: Process, uid: int) -> tuple[str, ...]:
    """The usual variables, then the given ones; the last of a name wins."""
    at_home = (f"HOME={ROOT_HOME}",) if uid == 0 else ()
    usual = (*ENVIRONMENT, *at_home, *(("TERM=xterm",) if process.tty else ()))
    chosen = {variable.partition("=")[0]: variable for variable in (*usual, *process.env)}
    return tuple(chosen.values())


def _has(ranges: tuple[Range, ...], number: int) -> bool:
    return any(first <= number < first + count for first, count in ranges)
