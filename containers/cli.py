"""`vswitch run|ps|exec|logs|attach|connect|stop|rm`: words to settings, results to lines.

`COMMANDS` is what the command line needs of this package: name -> function of the words
after the name and of where results are printed, which returns the exit code.  The run
folder is VSWITCH_RUN's or the usual one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from containers import launch
from containers.plug import advice, is_plugged
from containers.registry import Entry, Registry
from containers.requests import EXAMPLES, REQUESTS
from containers.run import Host, attach, connect, enter, logs, remove, run, stop
from containers.spec import Process, Remove, Spec, Stop
from vswitch import pages, paths, words
from vswitch.errors import Exit, Failure
from vswitch.rpc.client import Client
from vswitch.values import moment

GRACE_SECONDS = 10.0


class Output(Protocol):
    """Where results and errors go, in the format that was asked for."""

    def records(
        self, records: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, Any]]
    ) -> None:
        """Prints them all."""

    def result(self, value: object, lines: Callable[[], Iterable[str]]) -> None:
        """Prints a value for programs, or the lines that say it."""

    def failed(self, failure: Failure) -> None:
        """Tells an error that doesn't end the command."""


@contextmanager
def _host() -> Iterator[Host]:
    folder = paths.run_folder()
    with Client(folder) as client:
        yield Host(Registry(folder), client, launch.find(os.environ))


def _run(arguments: Sequence[str], out: Output) -> int:
    given = _spelt("run", arguments)
    spec = Spec(**_seated(given, bool(given.get("detach"))))
    with _host() as host:
        name, code = run(host, spec)
        if spec.detach:
            out.result(_found(host.registry, name), lambda: [name])
    return code


def _found(registry: Registry, name: str) -> dict[str, Any] | None:
    """A container that was started; None if it has ended and was removed meanwhile."""
    try:
        return _shown(registry, registry.find(name))
    except Failure:
        return None


def _exec(arguments: Sequence[str], out: Output) -> int:
    given = _spelt("exec", arguments)
    name = given.pop("name")
    with _host() as host:
        known = host.registry.find(name).spec
        usual = {"env": known.env, "workdir": known.workdir, "user": known.user}
        return enter(host, name, Process(**_seated({**usual, **given})))


def _spelt(command: str, arguments: Sequence[str]) -> words.Given:
    return words.spelt(command, REQUESTS[command], arguments)


def _seated(given: words.Given, detached: bool = False) -> dict[str, Any]:
    """The settings, completed by where the user sits: their terminal and folder."""
    given = dict(given)
    sits = sys.stdin.isatty() and sys.stdout.isatty() and not detached
    given["tty"] = bool(given.get("tty", sits))
    if given["tty"] and (term := os.environ.get("TERM")):
        given["env"] = (f"TERM={term}", *given.get("env", ()))
    if given.get("rootfs"):
        given["rootfs"] = os.path.abspath(given["rootfs"])
    return given


def _ps(arguments: Sequence[str], out: Output) -> int:
    from containers.keeper import ensure, is_kept

    _spelt("ps", arguments)
    registry = Registry(paths.run_folder())
    entries = registry.sweep()
    shown = [_shown(registry, entry) for entry in entries]
    if any(is_kept(entry) and entry.keeper.is_alive() for entry in entries):
        ensure(registry)
    columns = ["name", "status", "pid", "bridge", "port", "addresses", "started", "command"]
    columns += ["reason"] if any(row["reason"] for row in shown) else []
    out.records(shown, [(column.upper(), column) for column in columns])
    return Exit.OK


def _shown(registry: Registry, entry: Entry) -> dict[str, Any]:
    """A container as `answers.CONTAINER` has it."""
    alive, here = registry.is_alive(entry), entry.keeper.is_here()
    spec = entry.spec
    reason = _why_detached(registry, entry) if alive else None
    return {
        "name": entry.name,
        "status": _status(registry, entry, alive, reason),
        "reason": reason,
        "pid": entry.keeper.pid if alive and here and entry.flags else None,
        "bridge": spec.bridge,
        "port": spec.port,
        "addresses": list(spec.addresses),
        "started": moment(entry.created),
        "command": " ".join(spec.command),
        "attached": not spec.detach,
        "log": registry.path(entry.name, "log") if spec.detach else None,
    }


def _why_detached(registry: Registry, entry: Entry) -> str | None:
    """Why a container that runs has no port though it should; None if it has."""
    if not (entry.spec.bridge and entry.flags):
        return None
    said = registry.why_detached(entry.name)
    if entry.keeper.is_here() and is_plugged(entry):
        return None
    return said or (f"its port is gone; {advice(entry)}" if entry.keeper.is_here() else None)


def _status(registry: Registry, entry: Entry, alive: bool, detached: str | None) -> str:
    if alive:
        return "detached" if detached else "running" if entry.flags else "starting"
    code = registry.exit_code(entry)
    return "killed" if code is None else f"exited {code}"


def _attach(arguments: Sequence[str], out: Output) -> int:
    with _host() as host:
        return attach(host, _spelt("attach", arguments)["name"])


def _logs(arguments: Sequence[str], out: Output) -> int:
    given = _spelt("logs", arguments)
    with _host() as host:
        for data in logs(host, given["name"], bool(given.get("follow"))):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    return Exit.OK


def _connect(arguments: Sequence[str], out: Output) -> int:
    return _each(_spelt("connect", arguments)["names"], connect, out)


def _stop(arguments: Sequence[str], out: Output) -> int:
    given = _spelt("stop", arguments)
    names = given.pop("names")
    how = Stop(**given)
    return _each(names, lambda host, name: stop(host, name, how.time), out)


def _rm(arguments: Sequence[str], out: Output) -> int:
    given = _spelt("rm", arguments)
    names = given.pop("names")
    how = Remove(**given)
    return _each(names, lambda host, name: remove(host, name, how.force), out)


def _each(names: Iterable[str], act: Callable[[Host, str], None], out: Output) -> int:
    """Does it to all of them, whatever happens to one; the worst exit code."""
    worst = 0
    with _host() as host:
        for name in names:
            try:
                act(host, name)
            except Failure as failure:
                out.failed(failure)
                worst = max(worst, int(failure.exit))
    if not worst:
        out.result(None, tuple)
    return worst


Command = Callable[[Sequence[str], Output], int]


def _with_help(name: str, command: Command) -> Command:
    """The command, which shows its page when that is the first thing asked for."""

    def answer(arguments: Sequence[str], out: Output) -> int:
        if arguments[:1] and arguments[0] in ("-h", "--help"):
            print(pages.page(name, REQUESTS[name], EXAMPLES[name]), end="")
            return Exit.OK
        return command(arguments, out)

    return answer


COMMANDS: Mapping[str, Command] = {
    name: _with_help(name, command)
    for name, command in {
        "run": _run, "ps": _ps, "exec": _exec, "logs": _logs, "attach": _attach,
        "connect": _connect, "stop": _stop, "rm": _rm,
    }.items()
}  # fmt: skip
"""Name -> (words after the name, output) -> exit code; raises Failure with the reason."""
