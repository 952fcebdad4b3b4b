"""Actions and instructions in ovs-ofctl's words: "mod_vlan_vid:5,output:2,goto_table:1".

Actions that stand alone are applied at once, `write_actions(...)` puts them into
the action set.  The old `mod_...` words become set_field of the field that they
mean for the packets of the rule: the match, and what earlier actions did to the
packet, give the context.  An action that needs a field which those packets may
lack is refused, as a switch would refuse it (OpenFlow 1.3.5, 7.2.5).  A group's
bucket has no match: any packet may come to it, and one without the field passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from datapath.action import (
    NO_BUFFER,
    Action,
    CopyTtlIn,
    CopyTtlOut,
    DecMplsTtl,
    DecNwTtl,
    ExperimenterAction,
    Group,
    Output,
    PopMpls,
    PopPbb,
    PopVlan,
    PushMpls,
    PushPbb,
    PushVlan,
    SetField,
    SetMplsTtl,
    SetNwTtl,
    SetQueue,
)
from datapath.fields import BY_NAME, Field, Needs
from datapath.match_text import NEEDS_IN_WORDS, resolve
from datapath.oxm import VLAN_PRESENT, Match, Term, sorted_match, term
from datapath.ports import NAMELESS, PortNames, Reserved
from datapath.problems import SyntaxProblem
from datapath.syntax import format_value, parse_number, parse_value, split_words

_WORD = re.compile(r'(\w[\w.+-]*|"[^"]*")(?:[:=](.*)|\((.*)\))?', re.DOTALL)

_MOD_FIELDS = {
    "mod_dl_src": "eth_src",
    "mod_dl_dst": "eth_dst",
    "mod_nw_src": "nw_src",
    "mod_nw_dst": "nw_dst",
    "mod_nw_ecn": "ip_ecn",
    "mod_tp_src": "tp_src",
    "mod_tp_dst": "tp_dst",
    "set_tunnel": "tunnel_id",
    "set_tunnel64": "tunnel_id",
    "set_mpls_label": "mpls_label",
    "set_mpls_tc": "mpls_tc",
}
"""Old word -> the field that set_field then writes."""

_TO_SET, _TO_GO = "write set_field:VALUE->FIELD", "write goto_table:N"
_NOT_HERE = "leave it out"
_OPEN_VSWITCHS = {
    **dict.fromkeys(("load", "reg_load", "move", "reg_move", "push", "pop"), _TO_SET),
    **dict.fromkeys(("delete_field", "set_mpls_bos", "encap", "decap"), _TO_SET),
    **dict.fromkeys(("resubmit", "resubmit_table", "clone", "ct"), _TO_GO),
    **dict.fromkeys(("exit", "note", "learn", "bundle_load", "sample", "conjunction"), _NOT_HERE),
    **dict.fromkeys(("ct_clear", "nat", "fin_timeout", "check_pkt_larger"), _NOT_HERE),
    **dict.fromkeys(("set_nsh_ttl", "dec_nsh_ttl"), _NOT_HERE),
    **dict.fromkeys(("bundle", "multipath"), "write group:N, of a select group"),
    "output_reg": "write the port's number",
    "pop_queue": "write outputs without a queue before those with one",
}
"""Its actions that are none of OpenFlow 1.3's -> what to write instead."""

_OF_ANY_PACKET = {f"{old}_{end}": f"ipv4_{end}" for old in ("nw", "ip") for end in ("src", "dst")}
"""What a word means where no match gives the context, as ovs-ofctl reads it."""

_OUTPUTS = {"in_port", "table", "normal", "flood", "all", "local"}
_PLAIN: dict[str, Callable[[], Action]] = {
    "pop_vlan": PopVlan,
    "strip_vlan": PopVlan,
    "dec_ttl": DecNwTtl,
    "dec_nw_ttl": DecNwTtl,
    "dec_mpls_ttl": DecMplsTtl,
    "pop_pbb": PopPbb,
    "copy_ttl_in": CopyTtlIn,
    "copy_ttl_out": CopyTtlOut,
}
"""Words without an argument."""

_NUMBERED: dict[str, tuple[Callable[[int], Action], int]] = {
    "group": (Group, 32),
    "set_queue": (SetQueue, 32),
    "set_nw_ttl": (SetNwTtl, 8),
    "mod_nw_ttl": (SetNwTtl, 8),
    "set_mpls_ttl": (SetMplsTtl, 8),
    "push_mpls": (PushMpls, 16),
    "pop_mpls": (PopMpls, 16),
    "push_pbb": (PushPbb, 16),
}
"""Words with one number: the action, and the number's bits."""


class ActionList:
    """Actions being read, and what is known of the packets by then."""

    def __init__(self, match: Match | None, ports: PortNames = NAMELESS) -> None:
        """'match' is what all the packets meet, None where any packet may come; 'ports' has the
        names that a port may be told by."""
        self.actions: list[Action] = []
        self.known = match or Match()
        self.ports = ports
        self._any_packet = match is None
        self._queue: int | None = None
        self._enqueued = ""

    def add_word(self, word: str) -> None:
        """Reads one action; SyntaxProblem when it is none."""
        name, argument = split_action(word)
        if name in _PLAIN and not argument:
            self._append(_PLAIN[name]())
        elif name in _NUMBERED:
            make, bits = _NUMBERED[name]
            self._append(make(parse_number(argument, bits, word)))
        elif name in _MOD_FIELDS:
            self._set_field(_MOD_FIELDS[name], argument, word)
        elif name in _OUTPUTS and not argument:
            self._output(word, word)
        else:
            _SPECIAL.get(name, ActionList._bare_port)(self, argument, word)

    def _append(self, action: Action) -> None:
        if isinstance(action, Output | Group):
            self.leave_queue()
        if isinstance(action, SetQueue):
            self._queue, self._enqueued = action.queue, ""
        self.actions.append(action)
        effect = _EFFECTS.get(type(action))
        if effect:
            self.known = effect(self.known, action)

    def _enqueue(self, argument: str, word: str) -> None:
        """One output by a queue; those behind it go as they would have gone."""
        port, separator, queue = argument.replace(":", ",").partition(",")
        if not separator:
            raise SyntaxProblem(word, "the queue is missing", "write enqueue:PORT:QUEUE")
        before = self._queue
        self._append(SetQueue(parse_number(queue, 32, word)))
        self._output(port, word)
        self._queue, self._enqueued = before, word

    def leave_queue(self) -> None:
        """What follows goes by the queue that was set before an enqueue."""
        word, self._enqueued = self._enqueued, ""
        if word and self._queue is None:
            raise SyntaxProblem(
                word,
                "what is sent behind it would go by its queue too: OpenFlow 1.3 has no way back",
                "write it last, or set_queue:N before it",
            )
        if word:
            self.actions.append(SetQueue(self._queue or 0))

    def _bare_port(self, argument: str, word: str) -> None:
        """A number alone is a port, and so is a port's name."""
        name = split_action(word)[0]
        if name in _OPEN_VSWITCHS:
            why = "no action has this name in OpenFlow 1.3, only in Open vSwitch"
            raise SyntaxProblem(word, why, _OPEN_VSWITCHS[name])
        if not word[:1].isdigit() and not self.ports.knows(word):
            raise SyntaxProblem(
                word, "no action has this name", "write one as in output:1, set_field:V->F, drop"
            )
        self._output(word, word)

    def _output(self, argument: str, word: str) -> None:
        if not argument:
            raise SyntaxProblem(word, "the port is missing", "write output:1 or output:LOCAL")
        if "=" in argument:
            raise SyntaxProblem(
                word,
                "OpenFlow 1.3 cuts only what goes to a controller",
                "write output:1 or controller(max_len=N)",
            )
        port = self.ports.read(argument, word)
        if port == Reserved.ANY:
            raise SyntaxProblem(word, "a packet can't go out of any port", "write one port, or ALL")
        self._append(Output(port, NO_BUFFER if port == Reserved.CONTROLLER else 0))

    def _controller(self, argument: str, word: str) -> None:
        key, equals, value = argument.rpartition("=")
        if equals and key != "max_len":
            raise SyntaxProblem(
                word, f"OpenFlow 1.3 has no {key} here", "write controller(max_len=N)"
            )
        max_len = parse_number(value, 16, word) if value else NO_BUFFER
        self._append(Output(Reserved.CONTROLLER, max_len))

    def _told_apart(self, argument: str, word: str) -> None:
        raise SyntaxProblem(word, "OpenFlow 1.3 tells every controller alike", "write dec_ttl")

    def _push_vlan(self, argument: str, word: str) -> None:
        ethertype = parse_number(argument, 16, word)
        if ethertype not in (0x8100, 0x88A8):
            raise SyntaxProblem(
                word, "no VLAN tag has this type", "write push_vlan:0x8100 or push_vlan:0x88a8"
            )
        self._append(PushVlan(ethertype))

    def _mod_vlan(self, argument: str, word: str) -> None:
        """ovs-ofctl's word for "give it this VLAN": pushes a tag where none is certain."""
        field = BY_NAME["vlan_pcp" if "pcp" in word else "vlan_vid"]
        value = parse_number(argument, 3 if "pcp" in word else 12, word)
        if not self.known.meets(Needs.VLAN):
            self._append(PushVlan(0x8100))
        self._append(SetField(field, value if "pcp" in word else value | VLAN_PRESENT))

    def _mod_tos(self, argument: str, word: str) -> None:
        tos = parse_number(argument, 8, word)
        if tos & 3:
            raise SyntaxProblem(word, "the two low bits are ECN's", "use mod_nw_ecn for them")
        self._set_field("ip_dscp", str(tos >> 2), word)

    def _set_field_word(self, argument: str, word: str) -> None:
        value, arrow, name = argument.rpartition("->")
        if not arrow:
            raise SyntaxProblem(word, "the field is missing", "write set_field:VALUE->FIELD")
        self._set_field(name, value, word)

    def _set_field(self, name: str, value: str, word: str) -> None:
        field = self._settable(name, word)
        if "/" in value:
            raise SyntaxProblem(word, "OpenFlow 1.3 sets whole fields", "leave out the mask")
        number = parse_value(field, value, word, self.ports)
        if field.name == "vlan_vid" and not number & VLAN_PRESENT:
            instead = f"write mod_vlan_vid:{number} or set_field:{number | VLAN_PRESENT}->vlan_vid"
            raise SyntaxProblem(word, "a tag's bit 0x1000 must stay set", instead)
        self._append(SetField(field, number))

    def _settable(self, name: str, word: str) -> Field:
        """The field that 'name' means here; the packets must have it if a match tells them."""
        field = resolve(name, self.known)
        if field is None and self._any_packet:
            field = BY_NAME.get(_OF_ANY_PACKET.get(name, ""))
        if field is None:
            raise SyntaxProblem(
                word, f"{name!r} is no field of these packets", "name their protocol in the match"
            )
        if not field.settable:
            other = "write write_metadata:V" if field.name == "metadata" else "choose another field"
            raise SyntaxProblem(word, f"{field.name} can't be written", other)
        needs = Needs.VLAN if field.name == "vlan_vid" else field.needs
        if not self.known.meets(needs) and not self._any_packet:
            raise SyntaxProblem(
                word,
                f"packets of this rule may lack {field.name}",
                f"add {NEEDS_IN_WORDS[needs]} to the match",
            )
        return field

    def _experimenter(self, argument: str, word: str) -> None:
        self._append(ExperimenterAction(*parse_experimenter(argument, word)))


_SPECIAL: dict[str, Callable[[ActionList, str, str], None]] = {
    "output": ActionList._output,
    "enqueue": ActionList._enqueue,
    "dec_ttl": ActionList._told_apart,
    "controller": ActionList._controller,
    "push_vlan": ActionList._push_vlan,
    "mod_vlan_vid": ActionList._mod_vlan,
    "set_vlan_vid": ActionList._mod_vlan,
    "mod_vlan_pcp": ActionList._mod_vlan,
    "set_vlan_pcp": ActionList._mod_vlan,
    "mod_nw_tos": ActionList._mod_tos,
    "set_field": ActionList._set_field_word,
    "experimenter": ActionList._experimenter,
}


def _changed(match: Match, *terms: Term, without: tuple[str, ...] = ()) -> Match:
    """What is known after some fields got other values."""
    new = {found.field.name: found for found in terms}
    kept = [t for t in match if t.field.name not in new and t.field.name not in without]
    return sorted_match([*kept, *new.values()])


def _with_ethertype(match: Match, action: Any) -> Match:
    return _changed(match, term("eth_type", action.ethertype), without=("ip_proto",))


_EFFECTS: dict[type[Action], Callable[[Match, Any], Match]] = {
    PushVlan: lambda match, _: _changed(match, term("vlan_vid", VLAN_PRESENT, VLAN_PRESENT)),
    PopVlan: lambda match, _: _changed(match, without=("vlan_vid", "vlan_pcp")),
    PushMpls: _with_ethertype,
    PopMpls: _with_ethertype,
    PushPbb: _with_ethertype,
}
"""What an action tells about the packets behind it."""


def split_action(word: str) -> tuple[str, str]:
    """A word's name in small letters, and its argument: "output:1" -> ("output", "1")."""
    found = _WORD.fullmatch(word)
    if not found:
        raise SyntaxProblem(word, "it is no action", "write name, name:argument or name(arguments)")
    return found[1].lower(), found[2] or found[3] or ""


def parse_experimenter(argument: str, word: str) -> tuple[int, bytes]:
    """The number and the bytes of "0x2320,00ff"."""
    number, _, data = argument.partition(",")
    try:
        return parse_number(number, 32, word), bytes.fromhex(data)
    except ValueError:
        raise SyntaxProblem(
            word, "it needs a number and bytes", "write experimenter(0x2320,00112233)"
        ) from None


def parse_action_list(
    text: str,
    match: Match | None = Match(),  # noqa: B008
    ports: PortNames = NAMELESS,
) -> tuple[Action, ...]:
    """Actions alone, for a packet-out, or with 'match' None a bucket; "drop" and "" are none."""
    actions = ActionList(match, ports)
    for word in split_words(text):
        if word != "drop":
            actions.add_word(word)
    return tuple(actions.actions)


_FIELD_WORDS = {
    "ipv4_src": "ip_src",
    "ipv4_dst": "ip_dst",
    "ip_ecn": "nw_ecn",
    "icmpv4_type": "icmp_type",
    "icmpv4_code": "icmp_code",
    "tunnel_id": "tun_id",
}
_PORT_WORDS = {Reserved[name.upper()] for name in _OUTPUTS}


def _format_output(action: Output, ports: PortNames) -> str:
    if action.port == Reserved.CONTROLLER:
        return f"CONTROLLER:{action.max_len}"
    name = ports.write(action.port)
    return name if action.port in _PORT_WORDS else f"output:{name}"


def _format_set_field(action: SetField) -> str:
    field = action.field
    name = _FIELD_WORDS.get(field.name, field.name)
    return f"set_field:{format_value(field, action.value)}->{name}"


_FORMATS: dict[type[Action], Callable[[Any], str]] = {
    SetField: _format_set_field,
    PushVlan: lambda action: f"push_vlan:0x{action.ethertype:04x}",
    PopVlan: lambda action: "pop_vlan",
    PushMpls: lambda action: f"push_mpls:0x{action.ethertype:04x}",
    PopMpls: lambda action: f"pop_mpls:0x{action.ethertype:04x}",
    PushPbb: lambda action: f"push_pbb:0x{action.ethertype:04x}",
    PopPbb: lambda action: "pop_pbb",
    SetQueue: lambda action: f"set_queue:{action.queue}",
    Group: lambda action: f"group:{action.group}",
    SetNwTtl: lambda action: f"mod_nw_ttl:{action.ttl}",
    DecNwTtl: lambda action: "dec_ttl",
    SetMplsTtl: lambda action: f"set_mpls_ttl({action.ttl})",
    DecMplsTtl: lambda action: "dec_mpls_ttl",
    CopyTtlIn: lambda action: "copy_ttl_in",
    CopyTtlOut: lambda action: "copy_ttl_out",
    ExperimenterAction: lambda action: (
        f"experimenter({action.experimenter:#x},{action.data.hex()})"
    ),
}


def format_action(action: Action, ports: PortNames = NAMELESS) -> str:
    """The action as `ovs-ofctl dump-flows` prints it."""
    if isinstance(action, Output):
        return _format_output(action, ports)
    return _FORMATS[type(action)](action)


def format_action_list(actions: tuple[Action, ...], ports: PortNames = NAMELESS) -> str:
    """Actions as ovs-ofctl prints them; none at all is "drop"."""
    return ",".join(format_action(action, ports) for action in actions) or "drop"
