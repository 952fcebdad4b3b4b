"""Matches, actions and rules for property tests: whatever a correct rule may be.

A match starts with a protocol, then draws any fields that packets of it have, so
that prerequisites hold; actions draw fields that the match allows to be set.
"""

from __future__ import annotations

from hypothesis import strategies as st

from datapath import action as ac
from datapath import instruction as ins
from datapath.fields import BY_NAME, FIELDS, Field, Format, Needs
from datapath.oxm import VLAN_PRESENT, Match, Term, sorted_match, term
from datapath.ports import PORT_MAX, Reserved
from datapath.rule import Flags, Rule


def number(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1)


u8, u16, u32, u64 = number(8), number(16), number(32), number(64)

PROTOCOLS: tuple[dict[str, int], ...] = (
    {},
    {"eth_type": 0x88CC},
    {"eth_type": 0x0806},
    {"eth_type": 0x8035},
    {"eth_type": 0x8847},
    {"eth_type": 0x8848},
    {"eth_type": 0x88E7},
    *({"eth_type": 0x0800, "ip_proto": number} for number in (1, 2, 6, 17, 132)),
    *({"eth_type": 0x86DD, "ip_proto": number} for number in (6, 17, 58, 132, 200)),
    {"eth_type": 0x0800},
    {"eth_type": 0x86DD},
    {"eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 135},
    {"eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 136},
)
_TAGS = ((0, None), (VLAN_PRESENT, VLAN_PRESENT), (0x1005, 0x100F), (0x1FFF, None))
_BITS_OF_OVS = {"arp_op": 8, "icmpv6_code": 0}
_NOT_DRAWN = {"eth_type", "ip_proto", "vlan_vid", "vlan_pcp", "in_phy_port"}

small_ports = st.integers(1, 0xFEFF)
"""Port numbers that Open vSwitch takes as well."""
ports = st.one_of(st.integers(1, PORT_MAX), st.sampled_from([Reserved.LOCAL, Reserved.CONTROLLER]))


@st.composite
def terms(draw: st.DrawFn, field: Field) -> Term:
    """Any value of a field, exact or under a mask that is neither empty nor full.

    Open vSwitch keeps eight bits of arp_op, finds neighbour discovery only under ICMPv6's
    code 0, and takes an IPv6 mask that begins with a digit for a prefix length.
    """
    value = draw(number(_BITS_OF_OVS.get(field.name, field.bits)))
    if not field.maskable or draw(st.booleans()):
        return Term(field, value)
    mask = draw(st.integers(1, field.ones - 1))
    if field.format is Format.IPV6:
        mask = (mask | 0xF << 124) & ~1
    return Term(field, value & mask, mask)


@st.composite
def matches(draw: st.DrawFn, in_ports: st.SearchStrategy[int] = ports) -> Match:
    """A match that any switch of OpenFlow 1.3 would take."""
    found = {name: term(name, value) for name, value in draw(st.sampled_from(PROTOCOLS)).items()}
    if draw(st.booleans()):
        found["in_port"] = term("in_port", draw(in_ports))
    if draw(st.booleans()):
        found["vlan_vid"] = term("vlan_vid", *draw(st.sampled_from(_TAGS)))
    if sorted_match(found.values()).meets(Needs.VLAN) and draw(st.booleans()):
        found["vlan_pcp"] = term("vlan_pcp", draw(number(3)))
    known = sorted_match(found.values())
    for field in FIELDS:
        drawn = field.name not in found and field.name not in _NOT_DRAWN | {"in_port"}
        if drawn and known.meets(field.needs) and draw(st.integers(0, 2)) == 0:
            found[field.name] = draw(terms(field))
    return sorted_match(found.values())


@st.composite
def set_fields(draw: st.DrawFn, match: Match) -> ac.SetField:
    """A set_field that packets of 'match' can take; Open vSwitch sets no ip_proto or eth_type."""
    fields = [f for f in FIELDS if f.settable and match.meets(f.needs) and _has(match, f)]
    fields = [field for field in fields if field.name not in ("ip_proto", "eth_type")]
    field = draw(st.sampled_from(fields))
    value = draw(number(_BITS_OF_OVS.get(field.name, field.bits)))
    return ac.SetField(field, value | VLAN_PRESENT if field.name == "vlan_vid" else value)


def _has(match: Match, field: Field) -> bool:
    return field.name != "vlan_vid" or match.meets(Needs.VLAN)


_OUTPUT_PLACES = (
    Reserved.IN_PORT,
    Reserved.NORMAL,
    Reserved.FLOOD,
    Reserved.ALL,
    Reserved.LOCAL,
)
outputs = st.one_of(
    st.builds(ac.Output, small_ports),
    st.builds(ac.Output, st.sampled_from(_OUTPUT_PLACES)),
    st.builds(ac.Output, st.just(Reserved.CONTROLLER), u16),
)
common_actions = st.one_of(
    outputs,
    st.builds(ac.Group, st.integers(0, 0xFFFFFEFF)),
    st.builds(ac.SetQueue, st.integers(0, 0xFFFFFFFE)),
)
"""Actions that any packet takes.  (Open vSwitch refuses a third tag, so no push_vlan.)"""

experimenter_data = st.integers(0, 3).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n))
any_actions = st.one_of(
    common_actions,
    st.sampled_from([ac.CopyTtlOut(), ac.CopyTtlIn(), ac.DecMplsTtl(), ac.PopVlan(), ac.PopPbb()]),
    st.just(ac.DecNwTtl()),
    st.builds(ac.PushVlan, st.sampled_from([0x8100, 0x88A8])),
    st.builds(ac.SetMplsTtl, u8),
    st.builds(ac.SetNwTtl, u8),
    st.builds(ac.PushMpls, u16),
    st.builds(ac.PopMpls, u16),
    st.builds(ac.PushPbb, u16),
    st.builds(ac.ExperimenterAction, u32, experimenter_data),
    st.sampled_from(FIELDS).flatmap(lambda f: st.builds(ac.SetField, st.just(f), number(f.bits))),
)
"""Every action, whether or not some packet could take it."""


def actions(match: Match) -> st.SearchStrategy[ac.Action]:
    """An action that packets of 'match' can take."""
    choices: list[st.SearchStrategy[ac.Action]] = [common_actions, set_fields(match)]
    if match.meets(Needs.IP):
        choices += [st.just(ac.DecNwTtl()), st.builds(ac.SetNwTtl, u8)]
    return st.one_of(choices)


def instructions_of(
    items: st.SearchStrategy[ac.Action],
) -> st.SearchStrategy[tuple[ins.Instruction, ...]]:
    """Instructions in the order they are carried out, each at most once."""
    several = st.lists(items, min_size=1, max_size=4).map(tuple)
    one_each = st.lists(items, min_size=1, max_size=4, unique_by=type).map(tuple)  # it is a set
    kinds: tuple[st.SearchStrategy[ins.Instruction], ...] = (
        st.builds(ins.Meter, st.integers(1, 0xFFFF)),
        st.builds(ins.ApplyActions, several),
        st.just(ins.ClearActions()),
        st.builds(ins.WriteActions, one_each),
        st.builds(ins.WriteMetadata, u64, st.integers(1, ins.EVERY_BIT)),
        st.builds(ins.GotoTable, st.integers(1, 253)),
    )
    return st.tuples(*(st.one_of(st.none(), kind) for kind in kinds)).map(
        lambda found: tuple(item for item in found if item is not None)
    )


@st.composite
def rules(draw: st.DrawFn, in_ports: st.SearchStrategy[int] = ports) -> Rule:
    """A rule that makes sense in table 0."""
    match = draw(matches(in_ports))
    return Rule(
        match=match,
        instructions=draw(instructions_of(actions(match))),
        priority=draw(u16),
        cookie=draw(st.integers(0, (1 << 64) - 2)),
        idle_timeout=draw(u16),
        hard_timeout=draw(u16),
        flags=draw(st.sampled_from([Flags.NONE, Flags.SEND_FLOW_REM, Flags(0x1F), Flags(6)])),
    )


_PUT_BEFORE = {"ipv6_exthdr": 0x7C}
"""Extension headers that may stand before any protocol."""


@st.composite
def packets(draw: st.DrawFn) -> Match:
    """A match with one value for each field, of packets that arrive: what trace takes."""
    match = draw(matches(small_ports))
    elsewhere = ("metadata", "tunnel_id", "vlan_vid", "vlan_pcp")
    exact = [
        Term(found.field, found.value & _PUT_BEFORE.get(found.field.name, found.field.ones))
        for found in match
        if found.field.name not in elsewhere
    ]
    if draw(st.booleans()):
        exact += [
            Term(BY_NAME["vlan_vid"], VLAN_PRESENT | draw(number(12))),
            Term(BY_NAME["vlan_pcp"], draw(number(3))),
        ]
    if match.get("in_port") is None:
        exact.append(term("in_port", 1))
    return sorted_match(exact)
