"""Every match field of fields.def: packets that meet it, exactly and under a mask, and one more."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest

from datapath.ffi import core_fields
from datapath.fields import BY_NAME, FIELDS
from datapath.oxm import Match, Term, sorted_match, term
from datapath.rule import Rule, parse_rule
from datapath.switch import Switch

# field -> the packet's words with {} for the value; a value, one that differs, both as in the words
PACKETS: dict[str, tuple[str, str, str]] = {
    "eth_dst": ("dl_dst={}", "02:00:00:00:00:05", "02:00:00:00:00:07"),
    "eth_src": ("dl_src={}", "02:00:00:00:00:05", "12:00:00:00:00:05"),
    "eth_type": ("dl_type={}", "0x88cc", "0x88cd"),
    "vlan_vid": ("dl_vlan={}", "5", "2053"),
    "vlan_pcp": ("dl_vlan=1,dl_vlan_pcp={}", "6", "2"),
    "ip_dscp": ("ip,ip_dscp={}", "12", "13"),
    "ip_ecn": ("ipv6,nw_ecn={}", "2", "3"),
    "ip_proto": ("ip,nw_proto={}", "89", "88"),
    "ipv4_src": ("ip,nw_src={}", "10.1.2.3", "10.1.2.2"),
    "ipv4_dst": ("udp,nw_dst={}", "10.1.2.3", "138.1.2.3"),
    "tcp_src": ("tcp,tp_src={}", "1000", "1001"),
    "tcp_dst": ("tcp6,tp_dst={}", "80", "32848"),
    "udp_src": ("udp,tp_src={}", "53", "54"),
    "udp_dst": ("udp6,tp_dst={}", "53", "1053"),
    "sctp_src": ("sctp,tp_src={}", "9", "8"),
    "sctp_dst": ("sctp6,tp_dst={}", "9", "32777"),
    "icmpv4_type": ("icmp,icmp_type={}", "8", "0"),
    "icmpv4_code": ("icmp,icmp_type=3,icmp_code={}", "4", "5"),
    "arp_op": ("arp,arp_op={}", "1", "2"),
    "arp_spa": ("arp,arp_spa={}", "10.0.0.1", "10.0.0.3"),
    "arp_tpa": ("arp,arp_tpa={}", "10.0.0.1", "74.0.0.1"),
    "arp_sha": ("arp,arp_sha={}", "02:00:00:00:00:05", "02:00:00:00:00:04"),
    "arp_tha": ("arp,arp_tha={}", "02:00:00:00:00:05", "82:00:00:00:00:05"),
    "ipv6_src": ("ipv6,ipv6_src={}", "fe80::1", "fe80::3"),
    "ipv6_dst": ("icmp6,ipv6_dst={}", "fe80::1", "7e80::1"),
    "ipv6_label": ("ipv6,ipv6_label={}", "0x12345", "0x92345"),
    "icmpv6_type": ("icmp6,icmp_type={}", "128", "129"),
    "icmpv6_code": ("icmp6,icmp_type=1,icmp_code={}", "4", "5"),
    "nd_target": ("icmp6,icmp_type=135,nd_target={}", "fe80::1", "fe80::2"),
    "nd_sll": ("icmp6,icmp_type=135,nd_sll={}", "02:00:00:00:00:05", "02:00:00:00:00:06"),
    "nd_tll": ("icmp6,icmp_type=136,nd_tll={}", "02:00:00:00:00:05", "02:00:00:00:00:06"),
    "mpls_label": ("mpls,mpls_label={}", "1000", "525288"),
    "mpls_tc": ("mplsm,mpls_tc={}", "5", "4"),
    "mpls_bos": ("mpls,mpls_bos={}", "0", "1"),
    "pbb_isid": ("dl_type=0x88e7,pbb_isid={}", "0x123456", "0x923456"),
    "ipv6_exthdr": ("udp6,ipv6_exthdr={}", "0x48", "0x40"),
}


def words(name: str, which: int) -> str:
    pattern, *values = PACKETS[name]
    return pattern.format(values[which])


def rule_for(name: str, mask: int | None = None) -> Rule:
    """The rule that the first packet's words say, with the field under a mask."""
    rule = parse_rule(f"{words(name, 0)},actions=output:2")
    terms = [t if t.field.name != name else masked(t, mask) for t in rule.match]
    return Rule(sorted_match(terms), rule.instructions, priority=7)


def masked(term: Term, mask: int | None) -> Term:
    return term if mask is None else Term(term.field, term.value & mask, mask)


def difference(name: str) -> int:
    """The bits in which the two packets' values differ."""
    values = (parse_rule(f"{words(name, i)},actions=drop").match.get(name) for i in (0, 1))
    first, second = (term.value for term in values if term is not None)
    return first ^ second


def test_the_core_and_the_codec_have_the_same_fields() -> None:
    assert [(f.name, f.oxm_field, f.bytes, f.bits, f.maskable, f.settable) for f in FIELDS] == [
        (f.name, f.oxm_field, f.bytes, f.bits, f.maskable, f.settable) for f in core_fields()
    ]
    assert set(PACKETS) | {"in_port", "in_phy_port", "metadata", "tunnel_id"} == set(BY_NAME)


@pytest.mark.parametrize("name", PACKETS)
def test_an_exact_match_takes_its_value_and_no_other(switch: Switch, name: str) -> None:
    switch.add_flow(rule_for(name))
    assert list(switch.send(1, words(name, 0))) == [2]
    assert switch.send(1, words(name, 1)) == {}
    assert switch.drops(1) == {"table-miss": 1}


@pytest.mark.parametrize("name", [name for name in PACKETS if BY_NAME[name].maskable])
def test_a_masked_match_looks_only_at_the_bits_of_its_mask(switch: Switch, name: str) -> None:
    present = 0x1000 if name == "vlan_vid" else 0
    blind = BY_NAME[name].ones & ~difference(name) | present
    switch.add_flow(rule_for(name, blind))
    assert list(switch.send(1, words(name, 0))) == [2]
    assert list(switch.send(1, words(name, 1))) == [2]
    switch.delete_flows()
    switch.add_flow(rule_for(name, difference(name) | present))
    assert list(switch.send(1, words(name, 0))) == [2]
    assert switch.send(1, words(name, 1)) == {}


@pytest.mark.parametrize("name", ["in_port", "in_phy_port"])
def test_a_port_matches_packets_from_it(switch: Switch, name: str) -> None:
    needed = [term("in_port", 3)] if name == "in_phy_port" else []
    match = sorted_match([*needed, term(name, 3)])
    switch.add_flow(Rule(match, parse_rule("actions=output:2").instructions))
    assert list(switch.send(3, "ip")) == [2]
    assert switch.send(1, "ip") == {}


def test_metadata_matches_what_an_earlier_table_wrote(switch: Switch) -> None:
    switch.add_flow("in_port=1,actions=write_metadata:0xab00/0xff00,goto_table:1")
    switch.add_flow("in_port=3,actions=goto_table:1")
    switch.add_flow("table=1,metadata=0xa000/0xf000,actions=output:2")
    assert list(switch.send(1, "ip")) == [2]
    assert switch.send(3, "ip") == {}


def test_a_tunnel_id_matches_what_an_earlier_table_set(switch: Switch) -> None:
    switch.add_flow("in_port=1,actions=set_field:0xab->tun_id,goto_table:1")
    switch.add_flow("in_port=3,actions=goto_table:1")
    switch.add_flow("table=1,tun_id=0xa0/0xf0,actions=output:2")
    assert list(switch.send(1, "ip")) == [2]
    assert switch.send(3, "ip") == {}


# headers between IPv6 and UDP, and the bits of ipv6_exthdr that they are (OpenFlow 1.3.5, 7.2.3.8)
CHAINS = {
    "": 0,
    "0": 0x40,
    "0 60 43 44 51 60": 0x7C,
    "43 0": 0x160,
    "0 0": 0xC0,
    "51 50": 0x06,
    "59": 0x01,
}


@pytest.mark.parametrize("chain", CHAINS)
def test_extension_headers_are_told_with_their_order(switch: Switch, chain: str) -> None:
    numbers = [*map(int, chain.split()), 17]
    headers = b""
    for number, following in pairwise(numbers):  # an authentication header counts in words
        headers += bytes([following, 2, *bytes(14)] if number == 51 else [following, *bytes(7)])
    body = headers + bytes(8)
    fixed = struct.pack("!IHBB32x", 0x60000000, len(body), numbers[0], 64)
    switch.add_flow(f"ipv6,ipv6_exthdr={CHAINS[chain]:#x},actions=output:2")
    assert list(switch.send(1, bytes(12) + b"\x86\xdd" + fixed + body)) == [2]


@pytest.mark.parametrize("words", ["mpls", "mplsm", "dl_type=0x88e7"])
def test_s10_a_header_cut_short_has_no_fields(switch: Switch, words: str) -> None:
    switch.add_flow(f"{words},actions=output:2")
    field = "pbb_isid=0x7" if "88e7" in words else "mpls_label=7"
    switch.add_flow(f"priority=40000,{words},{field},actions=output:3")
    whole = bytes(12) + parse_rule(f"{words},actions=drop").match.terms[0].value.to_bytes(2)
    whole += bytes.fromhex("00000007") + bytes(14) if "88e7" in words else bytes.fromhex("00007140")
    for size in range(14, len(whole)):
        assert list(switch.send(1, whole[:size])) == [2]
    assert list(switch.send(1, whole)) == [3]


@pytest.mark.parametrize(
    ("match", "tags", "hits"),
    [
        ("vlan_tci=0x0000/0x1fff", "", True),
        ("vlan_tci=0x0000/0x1fff", ",dl_vlan=5", False),
        ("vlan_vid=0x1000/0x1000", "", False),
        ("vlan_vid=0x1000/0x1000", ",dl_vlan=0", True),
        ("dl_vlan=5", ",dl_vlan=5,dl_vlan_pcp=7", True),
        ("dl_vlan=0xffff", "", True),
        ("dl_vlan=0xffff", ",dl_vlan=1", False),
    ],
)
def test_a_tag_is_there_or_not(switch: Switch, match: str, tags: str, hits: bool) -> None:
    switch.add_flow(f"{match},actions=output:2")
    assert list(switch.send(1, f"ip{tags}")) == ([2] if hits else [])


def test_no_field_matches_everything(switch: Switch) -> None:
    switch.add_flow(Rule(Match(), parse_rule("actions=output:2").instructions))
    assert list(switch.send(1, "arp")) == [2]
    assert list(switch.send(1, bytes(14))) == [2]
