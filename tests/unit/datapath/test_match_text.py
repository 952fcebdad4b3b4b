"""Matches in ovs-ofctl's words: what is understood, printed and refused."""

import pytest
from hypothesis import given

from datapath.match_text import format_match, parse_match
from datapath.oxm import Match, Term, term
from datapath.problems import SyntaxProblem
from tests.kit.ovs import needs_ovs_ofctl, read_rules
from tests.kit.rules import matches

PRINTED = {
    "": "",
    "in_port=1": "in_port=1",
    "in_port=local": "in_port=LOCAL",
    "eth_src=00:01:02:03:04:05/ff:00:00:00:00:00": ("dl_src=00:00:00:00:00:00/ff:00:00:00:00:00"),
    "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00": "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
    "dl_vlan=5": "dl_vlan=5",
    "dl_vlan=5,dl_vlan_pcp=3": "dl_vlan=5,dl_vlan_pcp=3",
    "dl_vlan_pcp=3": "dl_vlan_pcp=3",
    "dl_vlan=0xffff": "vlan_tci=0x0000/0x1fff",
    "vlan_vid=0x1005": "dl_vlan=5",
    "vlan_vid=0": "vlan_tci=0x0000/0x1fff",
    "vlan_vid=0x1000/0x1000": "vlan_tci=0x1000/0x1000",
    "vlan_vid=0x1001/0x100f": "vlan_tci=0x1001/0x100f",
    "vlan_tci=0": "vlan_tci=0x0000/0x1fff",
    "vlan_tci=0x1000/0x1000": "vlan_tci=0x1000/0x1000",
    "vlan_tci=0x1005": "dl_vlan=5,dl_vlan_pcp=0",
    "vlan_tci=0xf000/0xf000": "dl_vlan_pcp=7",
    "arp": "arp",
    "dl_type=0x806": "arp",
    "dl_type=0x88cc": "dl_type=0x88cc",
    "arp,nw_src=1.2.3.4,nw_proto=1": "arp,arp_spa=1.2.3.4,arp_op=1",
    "ip,nw_proto=6,tp_dst=5": "tcp,tp_dst=5",
    "ip,nw_proto=2": "ip,nw_proto=2",
    "eth_type=0x800,ipv4_src=1.2.3.4": "ip,nw_src=1.2.3.4",
    "ip,nw_src=10.1.2.3/8": "ip,nw_src=10.0.0.0/8",
    "ip,nw_src=10.0.0.0/255.0.255.0": "ip,nw_src=10.0.0.0/255.0.255.0",
    "ip,nw_src=0.0.0.0/0": "ip",
    "ip,nw_dst=*": "ip",
    "tcp,tp_dst=80/0xfff0": "tcp,tp_dst=0x50/0xfff0",
    "tcp,tp_dst=80/0xffff": "tcp,tp_dst=80",
    "tp_dst=80,tcp": "tcp,tp_dst=80",
    "udp,udp_src=4,udp_dst=0x10": "udp,tp_src=4,tp_dst=16",
    "sctp6,tp_src=1": "sctp6,tp_src=1",
    "icmp,tp_src=8,tp_dst=0": "icmp,icmp_type=8,icmp_code=0",
    "icmp6,icmp_type=135,nd_target=fe80::1/64": "icmp6,icmp_type=135,nd_target=fe80::/64",
    "icmp6,icmpv6_type=136,nd_tll=0:1:2:3:4:5": "icmp6,icmp_type=136,nd_tll=00:01:02:03:04:05",
    "ipv6,ipv6_src=fe80::/10,ipv6_label=0x12": "ipv6,ipv6_src=fe80::/10,ipv6_label=0x00012",
    "ip,nw_tos=32,nw_ecn=3": "ip,nw_tos=32,nw_ecn=3",
    "ip,ip_dscp=8": "ip,nw_tos=32",
    "metadata=0x12/0xff": "metadata=0x12/0xff",
    "mpls,mpls_label=16,mpls_tc=5,mpls_bos=1": "mpls,mpls_label=16,mpls_tc=5,mpls_bos=1",
    "dl_type=0x8848,mpls_bos=0": "mplsm,mpls_bos=0",
    "dl_type=0x88e7,pbb_isid=18/0xff": "dl_type=0x88e7,pbb_isid=0x12/0xff",
    "tun_id=0x12/0xff,metadata=1": "tun_id=0x12/0xff,metadata=0x1",
    "tunnel_id=5,ip": "ip,tun_id=0x5",
    "ipv6,ipv6_exthdr=0x48/0x48": "ipv6,ipv6_exthdr=0x48/0x48",
    "tcp metadata=5\tin_port=3": "tcp,metadata=0x5,in_port=3",
    "ip,tcp": "tcp",
    "ip4": "ip",
    "ip6": "ipv6",
    "eth,ip6,nw_proto=6": "tcp6",
    "packet_type=(0,0),udp": "udp",
    "in_port=none": "in_port=ANY",
    "dl_vlan=*,dl_vlan_pcp=*,vlan_tci=*,ip,nw_tos=*": "ip",
}

REFUSED = {
    "vlan_vid=5": "write dl_vlan=5 or vlan_vid=0x1005",
    "vlan_tci=5/0x1fff": "write dl_vlan=5",
    "dl_vlan=4096": "write 0 to 4095",
    "vlan_tci=0x2000/0x2000": "mask all of 0xe000",
    "ip,nw_tos=33": "nw_tos=32,nw_ecn=1",
    "nw_src=1.2.3.4": "add one of: arp, ip",
    "tp_src=3": "add one of: tcp or tcp6",
    "tcp_dst=80": "add tcp or tcp6",
    "tcp,nw_src=1.2.3": "no IPv4 address",
    "ipv6,ipv6_src=1.2.3.4": "no IPv6 address",
    "dl_src=1:2:3": "no Ethernet address",
    "ip,nw_src=1.2.3.4/33": "/33 is too long",
    "ip,nw_proto=256": "out of range",
    "in_port=0": "no port can have this number",
    "in_port=1/1": "takes no mask",
    "ip,ip_dscp=1/1": "takes no mask",
    "in_port=eth0": "no port has this name",
    "in_port=": "no port has this name",
    "in_port=1,in_port=2": "contradicts in_port=1",
    "ip,arp": "contradicts ip",
    "tcp,nw_proto=17": "contradicts tcp",
    "foo=1": "no field is called 'foo'",
    "foo=*": "no field is called 'foo'",
    "ip,nw_ttl=5": "'nw_ttl' in OpenFlow 1.3, only in Open vSwitch",
    "xxreg0=5": "'xxreg0' in OpenFlow 1.3, only in Open vSwitch",
    "packet_type=(1,0x894f)": "'packet_type' in OpenFlow 1.3, only in Open vSwitch",
    "tpc": "no protocol has this name",
    "mpls_label=5": "add mpls",
    "ip,mpls_bos=1": "add mpls",
    "mpls,mpls_label=0x100000": "out of range",
    "mpls,mpls_label=1/1": "takes no mask",
    "mpls,pbb_isid=1": "add dl_type=0x88e7",
    "ip,ipv6_exthdr=1": "add ipv6",
    "ipv6,ipv6_exthdr=0x200": "out of range",
    "ip,nw_src=(1": "not closed",
    "a)": "closes nothing",
}


@pytest.mark.parametrize(("text", "printed"), PRINTED.items())
def test_a_match_is_printed_as_ovs_ofctl_prints_it(text: str, printed: str) -> None:
    assert format_match(parse_match(text)) == printed
    assert parse_match(printed) == parse_match(text)


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_nonsense_is_refused_with_a_way_out(text: str, reason: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_match(text)
    assert reason in str(caught.value)
    assert caught.value.word in text or "port" in str(caught.value)


def test_context_may_come_from_words_behind() -> None:
    assert parse_match("tp_src=1,nw_proto=17,ip") == parse_match("udp,udp_src=1")


@given(matches())
def test_what_is_printed_is_read_back(match: Match) -> None:
    assert parse_match(format_match(match)) == match


def test_a_match_that_no_text_means_is_still_printed() -> None:
    odd = Match((term("tcp_dst", 80), term("vlan_pcp", 3), term("ip_ecn", 1)))
    assert format_match(odd) == "dl_vlan_pcp=3,ip_ecn=1,tcp_dst=80"


def test_a_mask_that_is_no_prefix_is_printed_whole() -> None:
    found = Match((term("eth_type", 0x86DD), Term(term("ipv6_src", 0).field, 1, 1)))
    assert format_match(found) == "ipv6,ipv6_src=::1/::1"


@needs_ovs_ofctl
def test_ovs_ofctl_prints_the_same() -> None:
    foreign = ("ipv4_src", "dl_vlan=*", "icmpv6_code", "nw_dst=*", "pbb_isid", "ipv6_exthdr")
    texts = [text for text in PRINTED if text and not any(word in text for word in foreign)]
    assert read_rules([f"{text},actions=drop" for text in texts]) == [
        f"{PRINTED[text]} actions=drop" for text in texts
    ]
