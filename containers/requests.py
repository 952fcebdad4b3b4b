"""The commands of containers as requests: their words, options and pages.

They are read and explained by `vswitch.words` and `vswitch.pages` like all others; no daemon is
asked, so what the words spell is checked by the records of `containers.spec`.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from containers.spec import Logs, Process, Remove, Spec, Stop
from vswitch import values
from vswitch.requests import Parameter, Request
from vswitch.schema import Record, Setting

_SPELT: Mapping[str, tuple[str, ...]] = {
    "env": ("-e", "--env"),
    "workdir": ("-w", "--workdir"),
    "user": ("-u", "--user"),
    "tty": ("-t", "--tty", "--no-tty"),
    "interactive": ("-i", "--interactive"),
    "addresses": ("--address",),
    "detach": ("-d", "--detach"),
    "time": ("-t", "--time"),
    "force": ("-f", "--force"),
    "follow": ("-f", "--follow"),
}
"""Setting -> its options, where they aren't its name's."""

_NAME = Parameter("name", Setting("the container", values.text, "NAME"), True, True)
_NAMES = Parameter("names", Setting("containers", values.text, "NAME", many=True), True, True)


def _options(record: type[Record], *others: str) -> tuple[Parameter, ...]:
    """An option for each plain setting of a record, those of its base class last."""
    known = record.settings()
    first = [name for name in known if name not in others]
    return tuple(
        Parameter(
            name,
            known[name],
            spelt=_SPELT.get(name) or (f"--{name.replace('_', '-')}",),
            whole=True,
        )
        for name in (*first, *others)
        if not known[name].nested
    )


_COMMAND = Parameter("command", Process.settings()["command"], True, True, rest=True)
_OF_A_PROCESS = ("env", "workdir", "user", "tty", "interactive")

_ALL = (
    Request(
        "run", "start a command in a container on a switch port",
        (*_options(Spec, *_OF_A_PROCESS), _COMMAND), about="""\
Start a command in a container of its own, on a port of a bridge, and stay with it until it
ends: its exit code is the command's (128 + signal if it was killed, 127 if there is no such
command, 126 if it can't be executed). Without --rootfs it sees this machine's files, read-only.""",
    ),
    Request("ps", "containers", about="""\
Containers, and what has become of detached ones. An ended one stays with its log until it is
removed or its name is used again. One that is "detached" runs without its port, for the reason
that is given; it gets it back by itself unless that was taken off on purpose (port rm)."""),
    Request(
        "exec", "run a command in a container", (*_options(Process), _NAME, _COMMAND), about="""\
Run one more command in a container that runs, until it ends; its exit code is the command's.
Variables, folder and user are those of the container unless others are given.""",
    ),
    Request("logs", "what a detached container has written", (*_options(Logs), _NAME), about="""\
What a detached container has written, as far as its log holds it: --log-size bytes, up to
twice."""),
    Request("attach", "join a detached container", (_NAME,), about="""\
Join a detached container: see what it writes from now on, and type if it was started with -i or
-t. Stays until it ends, and ends with its exit code. Ctrl-p ctrl-q leaves a terminal, Ctrl-C one
without; the container goes on."""),
    Request("connect", "put a container's port back", (_NAMES,), about="""\
Put the ports of containers that run on their bridges again, as they were."""),
    Request("stop", "end a container", (*_options(Stop), _NAMES), about="""\
Ask containers to end (SIGTERM), and kill those that don't."""),
    Request("rm", "remove a container", (*_options(Remove), _NAMES), about="""\
Remove containers that have ended, with their logs."""),
)  # fmt: skip

REQUESTS: Mapping[str, Request] = {request.method: request for request in _ALL}
"""The word of a command -> what it takes."""

EXAMPLES: Mapping[str, str] = {
    "run": "run --bridge br0 --address 10.0.0.2/24 -- ping -c1 10.0.0.3",
    "ps": "-o json ps",
    "exec": "exec c1 -- ip addr",
    "logs": "logs -f c1",
    "attach": "attach c1",
    "connect": "connect c1",
    "stop": "stop c1 --time 2",
    "rm": "rm -f c1 c2",
}
"""The word of a command -> a whole line of it, behind `vswitch`."""
