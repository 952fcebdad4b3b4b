"""The life of a container: run, enter, stop.

Decided elsewhere (`spec`, `plan`), done here: take the name, let init make the namespaces,
have the port attached while init mounts, say go.  Every stage is undone by leaving its
context, so a failure at any of them leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from typing import NamedTuple

from containers import launch, plan, plug, port
from containers.attach import signals_forwarded, stay
from containers.hiding import views
from containers.launch import Birth
from containers.plug import RunningProcess, plugged
from containers.registry import Entry, Registry, Reserved, keeping
from containers.rootfs import Foreign, resolve
from containers.spec import Process, Spec
from vswitch import paths
from vswitch.errors import Exit, Failure, shown
from vswitch.rpc.client import Client

DEAD_SECONDS = 10.0
"""How long a killed container may take to be gone."""


class Host(NamedTuple):
    """Where containers are kept, the daemon that has their ports, the path of vswitch-init."""

    registry: Registry
    client: Client
    program: str


def run(host: Host, spec: Spec) -> tuple[str, int]:
    """Starts a container; attached, stays until it has ended.  Its name and its exit code.

    Failure if it can't be started; then nothing is left of it.
    """
    spec = _with_root(host, spec)
    with _reserved(host, spec) as reserved, Birth(f"container {reserved.entry.name}") as child:
        _start(host, reserved, child)
        entry = host.registry.record(reserved.entry, child.pid)
        with _attached(host, entry, child):
            child.await_walls()
            host.registry.complete(entry, child.flags)
            if entry.spec.detach:
                return entry.name, _let_go(host, entry, child)
            return entry.name, _accompany(host, entry, child)


def _let_go(host: Host, entry: Entry, child: Birth) -> int:
    """Starts the command and leaves the container to itself, and its port to the keeper."""
    from containers.keeper import ensure, is_kept

    child.go()
    child.await_command()
    if is_kept(entry):
        ensure(host.registry)
    child.release()
    return Exit.OK


def _accompany(host: Host, entry: Entry, child: Birth) -> int:
    """Starts the command and stays until it ends; its exit code."""
    with signals_forwarded(child):
        child.go()
        with plugged(host.registry, entry):
            return stay(child)


def connect(host: Host, name: str) -> None:
    """Puts a container's port on its bridge again, also if it was taken off on purpose."""
    entry = host.registry.find(name)
    _check_here(host, entry)
    if not entry.spec.bridge:
        why = "it has no port: it was started without a bridge"
        raise Failure(f"container {name}", why, "start it again with --bridge")
    try:
        with RunningProcess(entry) as process:
            if not process.has(entry.spec.interface):
                plug.connect(host.client, entry, process, anyway=True)
    except ProcessLookupError:
        raise _not_running(entry) from None
    host.registry.say_detached(entry, None)


def attach(host: Host, name: str) -> int:
    """Joins a detached container until it ends or we leave; its exit code."""
    from containers.console import join

    entry = host.registry.find(name)
    _check_here(host, entry)
    if not entry.spec.detach:
        why = "whoever started it sits at it"
        raise Failure(f"container {name}", why, "start it with -d, and -it if you want to type")
    try:
        if entry.flags:
            return join(host.registry, entry)
    except ProcessLookupError:
        pass
    raise _not_running(entry)


def logs(host: Host, name: str, follow: bool) -> Iterator[bytes]:
    """What a detached container has written, and with `follow` what it writes until it ends."""
    from containers.logs import LOGS, read

    entry = host.registry.find(name)
    if not entry.spec.detach:
        why = "its output is where it was started: only detached ones have a log"
        raise Failure(f"container {name}", why, "start it with -d")
    first, second = (host.registry.path(name, file) for file in LOGS)
    return read((first, second), lambda: follow and host.registry.is_alive(entry))


def _with_root(host: Host, spec: Spec) -> Spec:
    """The same with its root's path free of links: vswitch-init follows none."""
    if spec.rootfs is None:
        return spec
    what, do = f"root {shown(spec.rootfs)}", "name a folder with --rootfs"
    try:
        path = resolve(spec.rootfs, launch.trusted())
    except Foreign as link:
        why = f"{shown(str(link))} is a link that another user has made"
        raise Failure(what, why, "name the folder itself") from None
    except OSError:
        raise Failure(what, "there is no such folder", do, Exit.NOT_FOUND) from None
    if f"{path}/".startswith(f"{host.registry.run}/"):
        raise Failure(what, "it lies in the run folder, which no container may see", do)
    return spec.changed(rootfs=path)


@contextlib.contextmanager
def _reserved(host: Host, spec: Spec) -> Iterator[Reserved]:
    """A name for the container; given back unless the container lives on detached."""
    reserved = host.registry.reserve(spec, time.time())
    try:
        yield reserved
    except BaseException:
        host.registry.remove(reserved.entry)
        raise
    finally:
        os.close(reserved.exit_file)
    if not spec.detach:
        host.registry.remove(reserved.entry)


def _start(host: Host, reserved: Reserved, child: Birth) -> None:
    entry = reserved.entry
    exit_file = reserved.exit_file if entry.spec.detach else 0
    with contextlib.ExitStack() as files:
        console = _console(files, host.registry, entry) if entry.spec.detach else None
        place = plan.Place(host.registry.run, _hidden(host), exit_file, console)
        steps = plan.birth(entry.spec, launch.caller(), place)
        if console is None:
            _give_streams(entry.spec)
            child.start(host.program, steps)
        else:
            inherit = (exit_file, console.listening, *console.logs)
            child.start(host.program, steps, console.logs[0], inherit)


def _give_streams(process: Process) -> None:
    """What the command may read and write already, its user may open again as /dev/stdout.

    Only what has no other name: pipes.  The machine's devices and files keep their owners, as does
    what isn't ours to give.
    """
    uid, _ = process.ids
    if uid == 0 or process.tty:
        return
    for fd in (0, 1, 2):
        if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:["):
            with contextlib.suppress(OSError):
                os.fchown(fd, uid, -1)


def _hidden(host: Host) -> tuple[plan.View, ...]:
    """Where the daemon's folders show on this machine."""
    run = host.registry.run
    return views(folder for folder in (run, paths.state_of(run)) if folder)


def _console(files: contextlib.ExitStack, registry: Registry, entry: Entry) -> plan.Console:
    """What a detached container's process 1 needs to keep its output and let others join."""
    from containers.console import listen
    from containers.logs import LOGS

    with keeping(entry.name):
        first, second = (_log(files, registry.path(entry.name, name)) for name in LOGS)
        listening = files.enter_context(listen(registry.path(entry.name)))
    return plan.Console(listening.fileno(), (first, second))


def _log(files: contextlib.ExitStack, path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_APPEND
    fd = os.open(path, flags, 0o600)
    files.callback(os.close, fd)
    return fd


@contextlib.contextmanager
def _attached(host: Host, entry: Entry, child: Birth) -> Iterator[None]:
    """The container's port, within; it stays if the container is detached and well."""
    owner = str(entry.keeper)
    try:
        port.attach(host.client, entry.spec, child.pid, owner)
    except Failure:
        child.check()  # an early end of the child is the better reason
        raise
    try:
        yield
    except BaseException:
        port.detach(host.client, entry.spec, owner)
        raise
    if not entry.spec.detach:
        port.detach(host.client, entry.spec, owner)


def enter(host: Host, name: str, process: Process) -> int:
    """Runs one more command in a running container until it ends; its exit code."""
    entry = host.registry.find(name)
    _check_here(host, entry)
    with contextlib.ExitStack() as stack:
        pidfd = _open(entry)
        stack.callback(os.close, pidfd)
        child = stack.enter_context(Birth(f"container {name}"))
        steps = plan.entry(process, launch.caller(), pidfd, entry.flags, entry.spec.nested)
        _give_streams(process)
        child.start(host.program, steps, inherit=(pidfd,))
        stack.enter_context(signals_forwarded(child))
        return stay(child)


def _open(entry: Entry) -> int:
    """A pidfd of the container's process 1."""
    with contextlib.suppress(ProcessLookupError):
        if entry.flags:
            return entry.keeper.open()
    raise _not_running(entry)


def _not_running(entry: Entry) -> Failure:
    return Failure(f"container {entry.name}", "it doesn't run", "see vswitch ps", Exit.NOT_FOUND)


def _check_here(host: Host, entry: Entry) -> None:
    """Failure if it lives where we have no number for its processes."""
    if host.registry.is_alive(entry) and not entry.keeper.is_here():
        raise Failure(
            f"container {entry.name}", "it runs in another pid namespace",
            "ask there, where vswitch run was called",
        )  # fmt: skip


def stop(host: Host, name: str, grace_seconds: float) -> None:
    """Asks a container to end, and kills it after `grace_seconds`.  One that has ended is fine:
    its port went with it, and what has the port's name now is another's."""
    entry = host.registry.find(name)
    _check_here(host, entry)
    with contextlib.suppress(ProcessLookupError):
        pidfd = entry.keeper.open()
        try:
            _end(pidfd, name, grace_seconds)
        finally:
            os.close(pidfd)
        port.detach(host.client, entry.spec, str(entry.keeper))


def _end(pidfd: int, name: str, grace_seconds: float) -> None:
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, DEAD_SECONDS)):
        signal.pidfd_send_signal(pidfd, number)
        if select.select([pidfd], [], [], seconds)[0]:
            return
    raise Failure(
        f"container {name}", f"the kernel has not ended it within {DEAD_SECONDS:g} s",
        "see what its processes wait for in /proc/PID/stack, then try again",
    )  # fmt: skip


def remove(host: Host, name: str, force: bool) -> None:
    """Removes a container that has ended, or with `force` ends it first."""
    entry = host.registry.find(name)
    if host.registry.is_alive(entry):
        if not force:
            raise Failure(
                f"container {name}", "it still runs", f"vswitch stop {name}, or vswitch rm -f"
            )
        stop(host, name, 0)
    host.registry.remove(entry)
