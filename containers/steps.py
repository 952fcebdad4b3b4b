"""The steps that vswitch-init can carry out: a name and its arguments.  Pure.

A plan is a sequence of these.  Each function here makes the step of one handler in
`containers/init`, with the handler's arguments in order, and says what it means; where
it is refused, nothing after it happens.
"""

from __future__ import annotations

from typing import NamedTuple

Argument = int | str | bytes | tuple[str, ...]


class Step(NamedTuple):
    """One thing to do; `init/main.c` lists which names there are and what they take."""

    name: str
    arguments: tuple[Argument, ...] = ()


def fresh() -> Step:
    """Leave behind what a process inherits and a container must not; `init/fresh.c` lists it."""
    return Step("fresh")


def streams(harmless: tuple[str, ...]) -> Step:
    """Open devices on descriptors 0 to 2 anew: nobody changes their inodes through them (S35).

    `harmless` are the machine's devices that any other node of the same number can stand in for.
    """
    return Step("streams", (harmless,))


def namespaces(
    flags: int, uid_map: str, gid_map: str, deny_setgroups: bool, die_with_runner: bool
) -> Step:
    """Be born in new namespaces (CLONE_NEW*), without a user namespace if the kernel refuses one.

    The maps are what goes into /proc/PID/uid_map and gid_map.
    """
    return Step("namespaces", (flags, uid_map, gid_map, deny_setgroups, die_with_runner))


def again() -> Step:
    """Start vswitch-init once more, in the new user namespace: it alone may look into process 1."""
    return Step("again")


def join(pidfd: int, flags: int, die_with_runner: bool) -> Step:
    """Enter these namespaces of the process that a pidfd names."""
    return Step("join", (pidfd, flags, die_with_runner))


def private() -> Step:
    """Cut the mount table off from the machine's."""
    return Step("private")


def root(source: str, anchor: str, attributes: int) -> Step:
    """Take the tree at `source` as the new root, attached over the folder `anchor`."""
    return Step("root", (source, anchor, attributes))


def mount(type: str, path: str, options: str, attributes: int, otherwise: int = 0) -> Step:
    """A fresh file system on `path` of the new root; `otherwise`: SKIP_MISSING, EMPTY_IF_REFUSED.

    Later steps find what lies below `path` beneath this very mount, wherever it is moved.
    """
    return Step("mount", (type, path, options, attributes, otherwise))


def directory(path: str, mode: int = 0o755) -> Step:
    """A folder in the new root, unless it is there."""
    return Step("directory", (path, mode))


def symlink(path: str, target: str) -> Step:
    """A symbolic link in the new root."""
    return Step("symlink", (path, target))


def device(path: str, major: int, minor: int) -> Step:
    """The machine's character device of that path and number, at that path of the new root.

    The node itself can't be changed there, only written to (HARDENING S35).
    """
    return Step("device", (path, major, minor))


def hide(path: str, device: int, inode: int) -> Step:
    """Cover a file or folder of the machine's own tree, which must be this very one."""
    return Step("hide", (path, device, inode))


def mask(path: str) -> Step:
    """Hide a file or folder; what a file system that we have mounted lacks needs no mask."""
    return Step("mask", (path,))


def read_only(path: str) -> Step:
    """Forbid writing below a path; what a file system that we have mounted lacks is fine."""
    return Step("read-only", (path,))


def freeze(path: str) -> Step:
    """Forbid changing whatever lies right in a fresh /proc and is no process's (HARDENING S30)."""
    return Step("freeze", (path,))


def setting(path: str, text: str) -> Step:
    """What a file of /proc/sys says of the container's own namespaces, if this kernel has it."""
    return Step("setting", (path, text))


def pivot() -> Step:
    """The new root becomes "/"; the machine's files go out of reach."""
    return Step("pivot")


def verify() -> Step:
    """Refuse to go on unless all file systems are still where they were mounted (HARDENING S29)."""
    return Step("verify")


def limit(name: str, value: int, must: bool) -> Step:
    """A limit of the container's own user namespace: a file in /proc/sys/user, as mounted by us.

    Without such a namespace it is refused if it `must` be, else left alone.
    """
    return Step("limit", (name, value, must))


def hostname(name: str) -> Step:
    """Set the host name."""
    return Step("hostname", (name,))


def loopback() -> Step:
    """Bring lo up."""
    return Step("loopback")


def undumpable() -> Step:
    """Keep tracers inside off process 1, its fds and its program (HARDENING S27, S28)."""
    return Step("undumpable")


def capabilities(keep: int) -> Step:
    """Keep only these capabilities, a bit mask; none is inheritable (HARDENING S33)."""
    return Step("capabilities", (keep,))


def no_new_privileges() -> Step:
    """No exec gives more rights, setuid or not."""
    return Step("no-new-privileges")


def standing() -> Step:
    """Tell the runner that the walls stand: who joins from now on is inside them."""
    return Step("standing")


def wait() -> Step:
    """Stand still until the runner has put the port in place."""
    return Step("wait")


def supervise(exit_file: int, attached: bool) -> Step:
    """Fork: process 1 stays to reap and to forward signals, its child goes on.

    `exit_file` is an fd that the exit code is left in, 0 for none.
    """
    return Step("supervise", (exit_file, attached))


def console(
    listening: int, logs: tuple[int, int], limit: int, terminal: bool, interactive: bool, owner: int
) -> Step:
    """Make the streams of a detached command: `init/console.h` tells who gets them.

    `listening` is a socket, `logs` are two files of at most `limit` bytes.  Without a terminal the
    command's input is empty unless `interactive`; its pipes are then the user's `owner`.
    """
    words = (listening, *logs, limit, terminal, interactive, owner)
    return Step("console", words)


def session() -> Step:
    """A session without a terminal."""
    return Step("session")


def terminal(owner: int, rows: int, columns: int) -> Step:
    """A session with a new terminal of that size (0, 0: none), which belongs to user `owner`."""
    return Step("terminal", (owner, rows, columns))


def user(uid: int, gid: int, clear_groups: bool) -> Step:
    """Become a user."""
    return Step("user", (uid, gid, clear_groups))


def home(uid: int) -> Step:
    """HOME as the container's /etc/passwd has it for this user, else "/"."""
    return Step("home", (uid,))


def directory_change(path: str) -> Step:
    """Enter the working folder."""
    return Step("directory-change", (path,))


def filter(program: bytes) -> Step:
    """From now on every system call passes this filter (see `containers/seccomp.py`)."""
    return Step("filter", (program,))


def execute(command: tuple[str, ...], environment: tuple[str, ...]) -> Step:
    """Become the command, found along the environment's PATH."""
    return Step("execute", (command, environment))
