"""The operator API's methods and their parameters, once for daemon and command line.

A parameter that sets something of a bridge, port, queue or controller is the schema's
own setting; the few that only a request has (a flow, a packet) are declared
here.  The server checks what comes in against this table, the command line
makes its arguments from it.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from vswitch import values
from vswitch.errors import SchemaError, shown
from vswitch.setting import Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from vswitch.schema import Config, Record


class Parameter:
    """One parameter of a method.

    'positional': on the command line it stands without an option's name.  'spelt': its options
    where they aren't just its name's, -e and --env; at least one is a long one.  'whole', of a
    list: an option gives one item, and a comma is part of that.  'rest': it takes all words from
    its first on, options or not: another command's words.  Never changed once it is made.
    """

    __slots__ = ("name", "positional", "required", "rest", "setting", "spelt", "whole")

    def __init__(
        self,
        name: str,
        setting: Setting,
        required: bool = False,
        positional: bool = False,
        spelt: tuple[str, ...] = (),
        whole: bool = False,
        rest: bool = False,
    ) -> None:
        self.name, self.setting = name, setting
        self.required, self.positional = required, positional
        self.spelt, self.whole, self.rest = spelt, whole, rest

    def but(self, **changes: Any) -> Parameter:
        """The same with something else."""
        return Parameter(**{key: getattr(self, key) for key in self.__slots__} | changes)

    def optional(self) -> Parameter:
        """The same, which may be left out."""
        return self.but(required=False)


Parameters = tuple[Parameter, ...]


class Request:
    """A method: its parameters in order of declaration, or a function that makes them when they
    are first asked for.

    'lent': parameters that are open files, lent beside the request: no value of JSON, no word;
    'needs': those of them that it can't do without.
    'about': more than 'help' says in its one line, for its page.  Never changed once it is made.
    """

    __slots__ = ("_parameters", "about", "help", "lent", "method", "needs")

    def __init__(
        self,
        method: str,
        help: str,
        parameters: Parameters | Callable[[], Parameters] = (),
        lent: tuple[str, ...] = (),
        about: str = "",
        needs: tuple[str, ...] = (),
    ) -> None:
        self.method, self.help, self.about = method, help, about
        self.lent, self.needs = lent, needs
        self._parameters = parameters

    @property
    def parameters(self) -> Parameters:
        """In order of declaration."""
        if not isinstance(self._parameters, tuple):
            self._parameters = self._parameters()
        return self._parameters

    def with_parameters(self, parameters: Parameters) -> Request:
        """The same method, asked with others."""
        return Request(self.method, self.help, parameters, self.lent, self.about, self.needs)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name."""
        return next((p for p in self.parameters if p.name == name), None)

    def check(self, params: Mapping[str, object], lent: Sequence[str] = ()) -> dict[str, Any]:
        """The given parameters as canonical values (a dpid is an int, lists are tuples).

        SchemaError for unknown, missing and malformed ones, and for names in 'lent' that are not
        different parameters to lend.  What was not given stays away.
        """
        self._check_lent(lent)
        for name in params:
            if self.parameter(name) is None:
                known = ", ".join(p.name for p in self.parameters) or "none"
                raise SchemaError(
                    f"{self.method} parameter {shown(name)}", "it is unknown", f"use {known}"
                )
        for parameter in self.parameters:
            if parameter.required and parameter.name not in params:
                raise SchemaError(self.method, f"it needs {parameter.name}", "add it")
        return {name: self._checked(name, value) for name, value in params.items()}

    def _check_lent(self, lent: Sequence[str]) -> None:
        if not set(lent) <= set(self.lent) or len(set(lent)) < len(lent):
            raise SchemaError(
                f"{self.method} descriptors {shown(list(lent))}",
                f"it takes {', '.join(self.lent) or 'none'}", "lend what it takes, each once",
            )  # fmt: skip
        for name in self.needs:
            if name not in lent:
                raise SchemaError(self.method, f"it needs {name}", "lend it beside the request")

    def _checked(self, name: str, value: object) -> Any:
        parameter = self.parameter(name)
        assert parameter
        noun, _, _ = self.method.partition(".")
        what = name if name == noun else f"{noun} {name.replace('_', ' ')}"
        return parameter.setting.checked(what, value)


class Declared(Mapping[str, "Any"]):
    """Things by name: those that are declared, and those that are usual.

    The usual ones are made only once somebody asks for all, or for a name that is not declared and
    'may_be' one of theirs: who knows what they want needn't wait for what they take.
    """

    def __init__(
        self,
        declared: dict[str, Any],
        usual: Callable[[], dict[str, Any]],
        may_be: Callable[[str], bool],
    ) -> None:
        self._declared, self._usual, self._may_be = declared, usual, may_be
        self._all: dict[str, Any] = {}

    def _every(self) -> dict[str, Any]:
        self._all = self._all or {**self._declared, **self._usual(), **self._declared}
        return self._all

    def __getitem__(self, name: str) -> Any:
        found = self._declared.get(name)
        if found is None and self._may_be(name):
            found = self._every().get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._every())

    def __len__(self) -> int:
        return len(self._every())


def _record(kind: str | type[Record]) -> Parameters:
    """A parameter for each plain setting of a record."""
    from vswitch import schema

    cls: type[Record] = getattr(schema, kind) if isinstance(kind, str) else kind
    required, settings = cls.required(), cls.settings().items()
    return tuple(Parameter(n, s, n in required, n in required) for n, s in settings if not s.nested)


def _key(kind: str | type[Record]) -> Parameters:
    """Those that tell it from others of its kind."""
    return tuple(parameter for parameter in _record(kind) if parameter.required)


def _live(kind: str | type[Record]) -> Parameters:
    """A parameter for each setting that may change while the thing is in use."""
    return tuple(parameter for parameter in _record(kind) if parameter.setting.live)


def _text(name: str, help: str, metavar: str, *, required: bool = False) -> Parameter:
    return Parameter(name, Setting(help, values.text, metavar), required, positional=True)


def _flag(name: str, help: str) -> Parameter:
    return Parameter(name, Setting(help, values.flag, ""))


def _configuration(document: object) -> Config:
    from vswitch.schema import Config

    return document if isinstance(document, Config) else Config.from_json(document)


NAME = Parameter("name", Setting("the bridge's name", values.name, "NAME"), True, True)
BRIDGE = NAME.but(name="bridge")
PORT = Parameter(
    "name", Setting("the port's name, an interface on this host", values.name, "NAME"), True, True
)
OF_PORT = Parameter(
    "port", Setting("the port by which its packets leave", values.name, "PORT"), True, True
)
OWNER = Parameter(
    "owner", Setting("whose it is: port rm with an owner takes off no other's", values.text, "TEXT")
)
AGAIN = Parameter(
    "again", Setting("as it was, unless the operator took it off", values.flag, "", nested=True)
)
ANYWAY = Parameter(
    "anyway", Setting("again, though the operator took it off", values.flag, "", nested=True)
)
MATCH = _text("match", "only flows within this match, as in tcp,nw_dst=10.0.0.2", "MATCH")
GROUP = _text("group", "one group, as in group_id=1; all if left out", "GROUP")
METER = _text("meter", "one meter, as in meter=1; all if left out", "METER")
NAMES = _flag("names", "ports by their names (--no-names: numbers); so it is on a terminal")
_A_GROUP = "group_id=1,type=select,bucket=output:1,bucket=output:2"
_A_METER = "meter=1,kbps,band=type=drop,rate=1000"
IN_PORT = Parameter(
    "in_port", Setting("the port it comes in by, if PACKET doesn't say", values.port, "PORT")
)
DESIRED = Parameter(
    "desired", Setting("the whole configuration", _configuration, "FILE", nested=True), True
)

_ALL = (
    Request("status", "the daemon and its forwarder"),
    Request("shutdown", "end daemon and forwarder, remove what they made"),
    Request("bridge.add", "make a bridge", lambda: _record("Bridge")),
    Request("bridge.set", "change settings of a bridge", lambda: _record("Bridge")),
    Request("bridge.list", "all bridges"),
    Request("bridge.show", "one bridge with its ports and controllers", (NAME,)),
    Request("bridge.rm", "remove a bridge and its ports", (NAME,)),
    Request(
        "port.add", "put an interface on a bridge",
        lambda: (
            BRIDGE, *_record("Port"), _flag("ephemeral", "not stored; gone with its interface"),
            OWNER, AGAIN, ANYWAY,
        ),
        lent=("namespace", "process"),  # the one that netns names to the caller; its owner
    ),
    Request("port.list", "ports with counters", (BRIDGE.optional(),)),
    Request("port.set", "change a port's VLANs while it carries packets",
            lambda: (BRIDGE, PORT, *_live("Port"))),
    Request("port.rm", "take a port off its bridge", (BRIDGE, PORT, OWNER)),
    Request("mac.list", "stations that NORMAL has learned on a bridge", (BRIDGE,)),
    Request("mac.flush", "forget the stations that NORMAL has learned", (BRIDGE,)),
    Request("queue.add", "give a port a queue", lambda: (BRIDGE, *_record("Queue"))),
    Request(
        "queue.set", "change a queue, while packets wait in it",
        lambda: (BRIDGE, *_record("Queue")),
    ),
    Request("queue.list", "queues with counters", (BRIDGE.optional(), OF_PORT.optional())),
    Request("queue.rm", "take a queue off its port", lambda: (BRIDGE, *_key("Queue"))),
    Request(
        "controller.add", "connect a bridge to a controller",
        lambda: (BRIDGE, *_record("Controller")),
    ),
    Request("controller.list", "controllers and their connections", (BRIDGE.optional(),)),
    Request(
        "controller.rm", "part a bridge from a controller",
        lambda: (BRIDGE, *_key("Controller")),
    ),
    Request(
        "flow.add", "add a flow, in ovs-ofctl's words",
        (BRIDGE, _text("flow", "as in priority=5,tcp,actions=output:2", "FLOW", required=True)),
    ),
    Request(
        "flow.load", "carry out flow-mods of OpenFlow 1.3 in a file: all at once, or none",
        (BRIDGE,), lent=("flow_mods",), needs=("flow_mods",),
    ),
    Request(
        "flow.mod", "give flows other actions, in ovs-ofctl's words",
        (BRIDGE, _text("flow", "as in tcp,actions=output:2", "FLOW", required=True),
         _flag("strict", "only the flow with exactly this match and priority")),
    ),
    Request("flow.list", "flows with counters", (BRIDGE, MATCH, NAMES)),
    Request(
        "flow.rm", "remove flows",
        (BRIDGE, MATCH, _flag("strict", "only the flow with exactly this match and priority")),
    ),
    Request(
        "group.add", "add a group, in ovs-ofctl's words",
        (BRIDGE, _text("group", f"as in {_A_GROUP}", "GROUP", required=True)),
    ),
    Request(
        "group.mod", "give a group another type and other buckets",
        (BRIDGE, _text("group", f"as in {_A_GROUP}", "GROUP", required=True)),
    ),
    Request("group.list", "groups with counters", (BRIDGE, GROUP, NAMES)),
    Request("group.rm", "remove a group, or all, with the flows that use it", (BRIDGE, GROUP)),
    Request(
        "meter.add", "add a meter, in ovs-ofctl's words",
        (BRIDGE, _text("meter", f"as in {_A_METER}", "METER", required=True)),
    ),
    Request(
        "meter.mod", "give a meter other flags and bands",
        (BRIDGE, _text("meter", f"as in {_A_METER}", "METER", required=True)),
    ),
    Request("meter.list", "meters with counters", (BRIDGE, METER)),
    Request("meter.rm", "remove a meter, or all, with the flows that use it", (BRIDGE, METER)),
    Request(
        "trace", "what the switch would do with a packet, and why",
        (
            BRIDGE,
            _text("packet", "as in in_port=1,tcp,nw_dst=10.0.0.2, or hex", "PACKET", required=True),
            IN_PORT,
        ),
    ),
    Request(
        "export", "the stored configuration, or one bridge of it, for plan and apply",
        (BRIDGE.optional(),),
    ),
    Request("plan", "what applying a configuration would change", (DESIRED,)),
    Request("apply", "make the host's configuration what a file says", (DESIRED,)),
)  # fmt: skip

USUAL = ("add", "set", "list", "rm")
"""Methods that every kind of record of a bridge has; set if it has live settings."""


def _usual() -> dict[str, Request]:
    """What is asked of each kind of record that a bridge has, as far as nothing more is declared
    above: a kind that is new in the schema needs nothing here."""
    from vswitch.schema import Bridge

    made = {}
    for kind in Bridge.parts():
        key, live, noun = _key(kind), _live(kind), kind.NOUN
        helps = {
            "add": (f"add a {noun}", (BRIDGE, *_record(kind))),
            "set": (f"change a {noun} while it is in use", (BRIDGE, *key, *live)),
            "list": (f"{noun}s of a bridge, or of all", (BRIDGE.optional(),)),
            "rm": (f"remove a {noun}", (BRIDGE, *key)),
        }
        for verb in USUAL if live else ("add", "list", "rm"):
            made[f"{noun}.{verb}"] = Request(f"{noun}.{verb}", *helps[verb])
    return made


REQUESTS: Mapping[str, Request] = Declared(
    {request.method: request for request in _ALL}, _usual,
    lambda method: method.partition(".")[2] in USUAL,
)  # fmt: skip
"""Method name -> its request."""
