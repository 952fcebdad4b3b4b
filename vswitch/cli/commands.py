"""The table of commands: words -> the request they make and the view of its result.

A command that is just one call is one line here.  The few that do more (read a
file, filter, refresh a screen) name a function of their own, with the same
shape: (connection, command, words, output) -> exit code.
"""

from __future__ import annotations

import os

from vswitch import words
from vswitch.cli import views
from vswitch.errors import Exit, Failure, Refused, RpcError, shown
from vswitch.requests import BRIDGE, PORT, REQUESTS, USUAL, Declared, Parameter, Request
from vswitch.setting import Setting
from vswitch.values import choice, integer, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from vswitch.cli.output import Output
    from vswitch.rpc.client import Client

    View = Callable[[Output, Any, Mapping[str, Any]], None]
    Run = Callable[[Client, "Command", Sequence[str], Output], int]


class Command:
    """A command: its words, what it asks the daemon, how its result is shown.

    'usage': the arguments of a command that reads its own.
    """

    __slots__ = ("example", "request", "run", "usage", "view", "words")

    def __init__(
        self,
        words: str,
        request: Request,
        view: View,
        example: str = "",
        run: Run | None = None,
        usage: str = "",
    ) -> None:
        self.words, self.request, self.view = words, request, view
        self.example, self.run, self.usage = example, run, usage

    def __call__(self, client: Client, arguments: Sequence[str], out: Output) -> int:
        """Carries it out; the exit code.  Failure with the reason otherwise."""
        out.noun = self.request.method.partition(".")[0]
        return (self.run or call)(client, self, arguments, out)


def call(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """One request, one result."""
    params = words.read(command.words, command.request, arguments)
    command.view(out, client.call(command.request.method, **params), params)
    return Exit.OK


def add_port(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """One request; a network namespace is opened here, where the user's path means something."""
    params = words.read(command.words, command.request, arguments)
    lent: dict[str, int] = {}
    try:
        if path := params.get("netns"):
            lent["namespace"] = _opened(path)
        command.view(out, client.call("port.add", lent, **params), params)
    finally:
        for fd in lent.values():
            os.close(fd)
    return Exit.OK


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        do = "name a network namespace, as in /run/netns/NAME"
        raise Failure(f"netns {shown(path)}", str(error.strerror), do) from None


def show_bridge(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """One bridge; people see its ports and controllers beside it."""
    params = words.read(command.words, command.request, arguments)
    result, parts = client.call("bridge.show", **params), {}
    if out.format in ("table", "wide"):
        name = params["name"]
        parts = {f"{noun}s": client.call(f"{noun}.list", bridge=name) for noun in _PARTS}
    command.view(out, result, parts)
    return Exit.OK


_PARTS = ("port", "controller")


def show_port(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """One port of the list."""
    params = words.read(command.words, command.request, arguments)
    found = client.call("port.list", bridge=params["bridge"])
    match = [port for port in found if port["name"] == params["name"]]
    if not match:
        raise RpcError(
            what=f"port {params['name']}", why=f"bridge {params['bridge']} has no such port",
            do=f"see vswitch port ls {params['bridge']}", exit=Exit.NOT_FOUND,
        )  # fmt: skip
    command.view(out, match[0], params)
    return Exit.OK


def change_flows(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """One flow in words, or a file of them, all or none."""
    params = words.read(command.words, command.request, arguments)
    name = params.pop("file", None)
    if (name is None) == ("flow" not in params):
        why = "it needs a FLOW or -f FILE, one of the two"
        raise Failure(command.words, why, f"see vswitch {command.words} --help", Exit.USAGE)
    if name is None:
        result = client.call(command.request.method, **params)
    else:
        from vswitch.cli import flow_file

        how = "MODIFY_STRICT" if params.get("strict") else _OF_LINES[command.request.method]
        result = flow_file.load(client, params["bridge"], name, how)
    command.view(out, result, params)
    return Exit.OK


_OF_LINES = {"flow.add": "ADD", "flow.mod": "MODIFY"}


def listed(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """A list in which ports go by their names on a terminal, by their numbers elsewhere."""
    params = words.read(command.words, command.request, arguments)
    if "names" not in params and out.format in ("table", "wide") and out.stream.isatty():
        params["names"] = True
    command.view(out, client.call(command.request.method, **params), params)
    return Exit.OK


def plan(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """What would change; exit code 4 if anything would."""
    result = client.call("plan", desired=_configuration(command, arguments))
    command.view(out, result, {})
    return Exit.DIFFERS if result["operations"] else Exit.OK


def apply(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """Makes the host what the file says."""
    command.view(out, client.call("apply", desired=_configuration(command, arguments)), {})
    return Exit.OK


def refresh(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """The screen of `top`."""
    from vswitch.cli import top

    return top.run(client, words.read(command.words, command.request, arguments), out)


def _configuration(command: Command, arguments: Sequence[str]) -> dict[str, Any]:
    """The configuration in the file that '-f FILE' names, checked."""
    from vswitch import configuration

    return configuration.read(words.read(command.words, command.request, arguments)["file"])


_FILE = Parameter(
    "file", Setting("where they stand, one a line; -: standard input", text, "FILE"),
    spelt=("-f", "--file"),
)  # fmt: skip
_CONFIGURATION = _FILE.but(
    setting=Setting("it says all, in TOML or JSON; -: standard input", text, "FILE"),
    required=True,
)  # fmt: skip


def _of_flows(method: str) -> Request:
    """A change of flows, which are words or in a file."""
    declared = REQUESTS[method]
    changed = [p.optional() if p.name == "flow" else p for p in declared.parameters]
    return declared.with_parameters((*changed, _FILE))


def _of_file(method: str) -> Request:
    """A request about a whole configuration, which is in a file."""
    return REQUESTS[method].with_parameters((_CONFIGURATION,))


def completion(client: Client, command: Command, arguments: Sequence[str], out: Output) -> int:
    """A shell's script, or what that script asks for."""
    params = words.read(command.words, command.request, arguments)
    if params["shell"] == "candidates":
        from vswitch.cli.completion import candidates

        for word, why in candidates(requests(), params.get("line", [])):
            print(f"{word}\t{why}", file=out.stream)
    else:
        from vswitch.cli.shells import SCRIPTS

        print(SCRIPTS[params["shell"]], end="", file=out.stream)
    return Exit.OK


def _words(value: object) -> object:
    return value  # any, as a person has typed them by then


_SHELLS = ("bash", "zsh", "fish")
_COMPLETION = Request(
    "completion", "what teaches a shell to complete commands and names",
    (
        Parameter(
            "shell", Setting("which shell", choice(*_SHELLS, "candidates"), "|".join(_SHELLS)),
            True, True,
        ),
        Parameter(
            "line", Setting("of candidates: what stands behind vswitch, up to the cursor",
                            _words, "WORD", many=True),
            positional=True, rest=True,
        ),
    ),
    about="""\
Prints a script for the shell: `source <(vswitch completion bash)` in ~/.bashrc or ~/.zshrc,
`vswitch completion fish | source` in fish. An installed package has brought them already.""",
)  # fmt: skip


SORTED_BY = ("number", "name", "rx", "tx", "packets", "drops")
"""What `top` can sort ports by (top.SORTS)."""


def _interval(value: object) -> float:
    """Seconds between two screens."""
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not 0.01 <= seconds <= 86400:
        raise Refused("it is no number of seconds from 0.01 to 86400", "give one, as 0.5")
    return seconds


_SHOW_PORT = Request("port.show", "one port with all its counters", (BRIDGE, PORT))
_TOP = Request(
    "top", "ports and their rates, refreshed every second",
    (
        Parameter("times", Setting("screens until it ends; for ever on a terminal, once elsewhere",
                                   integer(1, 1_000_000), "TIMES"), spelt=("-n", "--times")),
        Parameter("seconds", Setting("between two screens, 1 if left out",
                                     _interval, "SECONDS"), spelt=("-d", "--seconds")),
        Parameter("sort", Setting("what the first ports have most of, or come first by",
                                  choice(*SORTED_BY), "|".join(SORTED_BY))),
    ),
    about="Ports and their rates, refreshed every second. Keys: arrows, PgUp, PgDn, Home and End "
    "move, s sorts by something else, r the other way round, q ends.",
)  # fmt: skip

_ALL = (
    Command("status", REQUESTS["status"], views.status),
    Command("bridge ls", REQUESTS["bridge.list"], views.bridges),
    Command("bridge add", REQUESTS["bridge.add"], views.silent, "br0 --dpid 1"),
    Command("bridge show", REQUESTS["bridge.show"], views.bridge, "br0", show_bridge),
    Command("bridge set", REQUESTS["bridge.set"], views.silent, "br0 --mac-age 60"),
    Command("bridge rm", REQUESTS["bridge.rm"], views.removed, "br0"),
    Command("port ls", REQUESTS["port.list"], views.ports, "br0"),
    Command("port add", REQUESTS["port.add"], views.port_added, "br0 eth1 --number 3", add_port),
    Command("port set", REQUESTS["port.set"], views.silent, "br0 eth1 --tag 10"),
    Command("port show", _SHOW_PORT, views.port, "br0 eth1", show_port),
    Command("port rm", REQUESTS["port.rm"], views.silent, "br0 eth1"),
    Command("mac ls", REQUESTS["mac.list"], views.macs, "br0"),
    Command("mac flush", REQUESTS["mac.flush"], views.silent, "br0"),
    Command("queue ls", REQUESTS["queue.list"], views.queues, "br0"),
    Command("queue add", REQUESTS["queue.add"], views.silent, "br0 eth1 0 --max-rate 10Mbps"),
    Command("queue set", REQUESTS["queue.set"], views.silent, "br0 eth1 0 --max-rate 20Mbps"),
    Command("queue rm", REQUESTS["queue.rm"], views.silent, "br0 eth1 0"),
    Command("controller ls", REQUESTS["controller.list"], views.controllers, "br0"),
    Command("controller add", REQUESTS["controller.add"], views.silent, "br0 tcp:127.0.0.1:6653"),
    Command("controller rm", REQUESTS["controller.rm"], views.silent, "br0 tcp:127.0.0.1:6653"),
    Command("flow ls", REQUESTS["flow.list"], views.flows, "br0 tcp,nw_dst=10.0.0.2", listed),
    Command(
        "flow add", _of_flows("flow.add"), views.silent,
        "br0 priority=5,tcp,nw_dst=10.0.0.2,actions=output:2", change_flows,
    ),
    Command(
        "flow mod", _of_flows("flow.mod"), views.silent,
        "br0 tcp,nw_dst=10.0.0.2,actions=output:3", change_flows,
    ),
    Command("flow rm", REQUESTS["flow.rm"], views.silent, "br0 tcp,nw_dst=10.0.0.2"),
    Command("group ls", REQUESTS["group.list"], views.groups, "br0", listed),
    Command(
        "group add", REQUESTS["group.add"], views.silent,
        "br0 group_id=1,type=select,bucket=output:2,bucket=output:3",
    ),
    Command(
        "group mod", REQUESTS["group.mod"], views.silent,
        "br0 group_id=1,type=all,bucket=output:2,bucket=output:3",
    ),
    Command("group rm", REQUESTS["group.rm"], views.silent, "br0 group_id=1"),
    Command("meter ls", REQUESTS["meter.list"], views.meters, "br0"),
    Command(
        "meter add", REQUESTS["meter.add"], views.silent,
        "br0 meter=1,kbps,band=type=drop,rate=1000",
    ),
    Command(
        "meter mod", REQUESTS["meter.mod"], views.silent,
        "br0 meter=1,pktps,band=type=drop,rate=100",
    ),
    Command("meter rm", REQUESTS["meter.rm"], views.silent, "br0 meter=1"),
    Command("trace", REQUESTS["trace"], views.trace, "br0 in_port=1,tcp,nw_dst=10.0.0.2"),
    Command("top", _TOP, views.silent, "-n 1", refresh),
    Command("plan", _of_file("plan"), views.operations, "-f net.toml", plan),
    Command("apply", _of_file("apply"), views.operations, "-f net.toml", apply),
    Command("export", REQUESTS["export"], views.configuration, "br0"),
    Command("completion", _COMPLETION, views.silent, "bash", completion),
    Command("shutdown", REQUESTS["shutdown"], views.ended),
)  # fmt: skip


def _usual() -> dict[str, Command]:
    """Commands of the records that the schema has and nothing above is about: one call each, and
    the view that is called like the bridge's setting, if there is one."""
    from vswitch.schema import Bridge

    made = {}
    for kind, where in Bridge.parts().items():
        for verb in USUAL:
            if request := REQUESTS.get(f"{kind.NOUN}.{verb}"):
                view = getattr(views, where, views.records) if verb == "list" else views.silent
                name = f"{kind.NOUN} {_VERBS.get(verb, verb)}"
                made[name] = Command(name, request, view)
    return made


_VERBS = {"list": "ls"}
"""Methods that are called another way on a command line."""

COMMANDS: Mapping[str, Command] = Declared(
    {command.words: command for command in _ALL}, _usual,
    lambda name: name.partition(" ")[2] in ("ls", *USUAL),
)  # fmt: skip
"""The words of a command -> the command."""


def requests() -> dict[str, Request]:
    """The words of every command -> its request; those of containers too, if they are installed."""
    known = {name: command.request for name, command in COMMANDS.items()}
    try:
        from containers.requests import REQUESTS as of_containers
    except ModuleNotFoundError:
        return known
    return {**known, **of_containers}
