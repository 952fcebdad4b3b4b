"""Matches in ovs-ofctl's words: "tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80".

Most words name a field, by OpenFlow's name or by ovs-ofctl's older one.  Some
mean different fields by context: `tp_dst` is TCP's, UDP's or SCTP's port, and
`nw_src` the sender of ARP or of IPv4.  They are settled after the words that
give the context, wherever they stand in the text.  A match is returned in the
order of fields.def, where prerequisites come first, and a field without its
prerequisite is refused: ovs-ofctl would ignore it, and the rule would match more
than its author meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from datapath.fields import BY_NAME, Field, Needs
from datapath.oxm import VLAN_PRESENT, Match, Term, sorted_match, term
from datapath.ports import NAMELESS, PortNames
from datapath.problems import SyntaxProblem
from datapath.syntax import (
    format_masked,
    parse_masked,
    parse_number,
    split_words,
)

_ETHERNET = {"arp": 0x0806, "rarp": 0x8035, "ip": 0x0800, "ipv6": 0x86DD}
_ETHERNET |= {"mpls": 0x8847, "mplsm": 0x8848}
_OTHER_WORDS = {"ipv4": "ip", "ip4": "ip", "ip6": "ipv6"}
_TRANSPORT = {"icmp": (0x0800, 1), "tcp": (0x0800, 6), "udp": (0x0800, 17), "sctp": (0x0800, 132)}
_TRANSPORT |= {"icmp6": (0x86DD, 58), "tcp6": (0x86DD, 6)}
_TRANSPORT |= {"udp6": (0x86DD, 17), "sctp6": (0x86DD, 132)}

_SAME_FIELD = {
    "dl_src": "eth_src",
    "dl_dst": "eth_dst",
    "dl_type": "eth_type",
    "nw_ecn": "ip_ecn",
    "ipv6_flabel": "ipv6_label",
    "icmp6_type": "icmpv6_type",
    "icmp6_code": "icmpv6_code",
    "tun_id": "tunnel_id",
}
"""ovs-ofctl's name -> OpenFlow's."""

_BY_CONTEXT: dict[str, tuple[tuple[Needs, str], ...]] = {
    "nw_proto": ((Needs.ARP, "arp_op"), (Needs.IP, "ip_proto")),
    "nw_src": ((Needs.ARP, "arp_spa"), (Needs.IPV4, "ipv4_src")),
    "nw_dst": ((Needs.ARP, "arp_tpa"), (Needs.IPV4, "ipv4_dst")),
    "ip_src": ((Needs.IPV4, "ipv4_src"),),
    "ip_dst": ((Needs.IPV4, "ipv4_dst"),),
    "icmp_type": ((Needs.ICMPV4, "icmpv4_type"), (Needs.ICMPV6, "icmpv6_type")),
    "icmp_code": ((Needs.ICMPV4, "icmpv4_code"), (Needs.ICMPV6, "icmpv6_code")),
    "tp_src": (
        (Needs.TCP, "tcp_src"),
        (Needs.UDP, "udp_src"),
        (Needs.SCTP, "sctp_src"),
        (Needs.ICMPV4, "icmpv4_type"),
        (Needs.ICMPV6, "icmpv6_type"),
    ),
    "tp_dst": (
        (Needs.TCP, "tcp_dst"),
        (Needs.UDP, "udp_dst"),
        (Needs.SCTP, "sctp_dst"),
        (Needs.ICMPV4, "icmpv4_code"),
        (Needs.ICMPV6, "icmpv6_code"),
    ),
}
"""Word -> the field it means under each prerequisite, in the order words are settled."""

_CONTEXT_ORDER = {word: position for position, word in enumerate(_BY_CONTEXT, 1)}

_ETHERNET_PACKET = "packet_type=(0,0)"
"""What OpenFlow 1.3 takes for granted."""

_OPEN_VSWITCHS = re.compile(
    r"nw_ttl|(nw|ip)_frag|tcp_flags|mpls_ttl|pkt_mark|conj_id|packet_type|recirc_id|dp_hash|"
    r"actset_output|(ct|nsh|tun|tunnel)_\w+|x{0,2}reg\d+|vlan_tci1|skb_priority"
)
"""Its fields that are none of OpenFlow 1.3's."""

NEEDS_IN_WORDS = {
    Needs.IN_PORT: "in_port",
    Needs.VLAN: "dl_vlan or vlan_tci=0x1000/0x1000",
    Needs.IP: "ip or ipv6",
    Needs.IPV4: "ip",
    Needs.IPV6: "ipv6",
    Needs.ARP: "arp",
    Needs.TCP: "tcp or tcp6",
    Needs.UDP: "udp or udp6",
    Needs.SCTP: "sctp or sctp6",
    Needs.ICMPV4: "icmp",
    Needs.ICMPV6: "icmp6",
    Needs.ND: "icmp6,icmp_type=135 or 136",
    Needs.NS: "icmp6,icmp_type=135",
    Needs.NA: "icmp6,icmp_type=136",
    Needs.MPLS: "mpls",
    Needs.PBB: "dl_type=0x88e7",
}
"""Prerequisite -> the words that give it."""


def parse_match(text: str, ports: PortNames = NAMELESS) -> Match:
    """The match that 'text' means; "" matches everything.  SyntaxProblem otherwise.

    'ports' has the names that a port may be told by.
    """
    return match_of_words(split_words(text), ports)


def match_of_words(words: Iterable[str], ports: PortNames = NAMELESS) -> Match:
    """As parse_match, from words that split_words made."""
    collected = _Collected(ports)
    for word in sorted(words, key=lambda word: _CONTEXT_ORDER.get(word.partition("=")[0], 0)):
        key, equals, value = word.partition("=")
        if not equals:
            collected.add_protocol(word)
        elif not (value == "*" and key in _READERS) and word != _ETHERNET_PACKET:
            _READERS.get(key, _Collected.add_field)(collected, key, value, word)
    return collected.match()


def resolve(word: str, match: Match) -> Field | None:
    """The field that 'word' names where 'match' gives the context, or None."""
    for needs, name in _BY_CONTEXT.get(word, ()):
        if match.meets(needs):
            return BY_NAME[name]
    return _of_any_packet(word)


def _of_any_packet(word: str) -> Field | None:
    """The field that 'word' names by itself, if it does."""
    return BY_NAME.get(_SAME_FIELD.get(word, word))


class _Collected:
    """The terms found so far, and the word that each came from."""

    def __init__(self, ports: PortNames) -> None:
        self._ports = ports
        self._terms: dict[str, Term] = {}
        self._words: dict[str, str] = {}

    def add(self, new: Term, word: str) -> None:
        """Keeps a term; the same field may only be said again with the same value."""
        name = new.field.name
        if new.mask == 0:
            return
        old = self._terms.setdefault(name, new)
        if old is not new and old != new:
            earlier = self._words[name]
            raise SyntaxProblem(word, f"it contradicts {earlier}", "write one of the two")
        self._words[name] = word

    def add_protocol(self, word: str) -> None:
        """A word alone: "tcp"."""
        if word in _TRANSPORT:
            ethernet, transport = _TRANSPORT[word]
            self.add(term("eth_type", ethernet), word)
            self.add(term("ip_proto", transport), word)
        elif (ethernet_word := _OTHER_WORDS.get(word, word)) in _ETHERNET:
            self.add(term("eth_type", _ETHERNET[ethernet_word]), word)
        elif word != "eth":  # every packet is
            known = ", ".join([*_ETHERNET, *_TRANSPORT])
            raise SyntaxProblem(word, "no protocol has this name", f"write {known}, or field=value")

    def add_field(self, key: str, value: str, word: str) -> None:
        """A word that names a field, by itself or by context."""
        if key in _BY_CONTEXT:
            field = resolve(key, Match(tuple(self._terms.values())))
        else:
            field = _of_any_packet(key)
        if field is None and key in _BY_CONTEXT:
            choices = [NEEDS_IN_WORDS[needs] for needs, _ in _BY_CONTEXT[key]]
            raise SyntaxProblem(
                word, f"{key} alone says nothing", f"add one of: {', '.join(choices)}"
            )
        if field is None:
            foreign = _OPEN_VSWITCHS.fullmatch(key)
            where = " in OpenFlow 1.3, only in Open vSwitch" if foreign else ""
            why = f"no field is called {key!r}{where}"
            raise SyntaxProblem(word, why, "write one as in nw_src, tp_dst, dl_vlan")
        self.add(Term(field, *parse_masked(field, value, word, self._ports)), word)

    def add_tos(self, key: str, value: str, word: str) -> None:
        """nw_tos is the whole octet; OpenFlow's field is its upper six bits."""
        tos = parse_number(value, 8, word)
        if tos & 3:
            raise SyntaxProblem(
                word, "the two low bits are ECN's", f"write nw_tos={tos & ~3},nw_ecn={tos & 3}"
            )
        self.add(term("ip_dscp", tos >> 2), word)

    def add_vlan(self, key: str, value: str, word: str) -> None:
        """dl_vlan: a VLAN id, or 0xffff for packets without a tag."""
        vid = parse_number(value, 16, word)
        if vid != 0xFFFF and vid > 0xFFF:
            raise SyntaxProblem(word, "no VLAN has this id", "write 0 to 4095, or 0xffff: no tag")
        self.add(term("vlan_vid", 0 if vid == 0xFFFF else vid | VLAN_PRESENT), word)

    def add_vlan_vid(self, key: str, value: str, word: str) -> None:
        """vlan_vid: OpenFlow's own, with the bit 0x1000 for "there is a tag"."""
        self._add_vid(*parse_masked(BY_NAME["vlan_vid"], value, word), word)

    def _add_vid(self, vid: int, mask: int | None, word: str) -> None:
        """Without the bit 0x1000 where it counts, no packet has a VLAN id."""
        counts = mask is None or mask & VLAN_PRESENT
        if counts and 0 < vid < VLAN_PRESENT:
            raise SyntaxProblem(
                word,
                "without the bit 0x1000 it means no tag, yet it has a VLAN id",
                f"write dl_vlan={vid} or vlan_vid={vid | VLAN_PRESENT:#x}",
            )
        self.add(term("vlan_vid", vid, mask), word)

    def add_vlan_pcp(self, key: str, value: str, word: str) -> None:
        """A priority means that there is a tag, if no other word says which."""
        self.add(term("vlan_pcp", parse_number(value, 3, word)), word)

    def add_vlan_tci(self, key: str, value: str, word: str) -> None:
        """vlan_tci: id, the tag's bit 0x1000, and priority in one number."""
        value_text, slash, mask_text = value.partition("/")
        tci = parse_number(value_text, 16, word)
        mask = parse_number(mask_text, 16, word) if slash else 0xFFFF
        self._add_tci_priority(tci, mask, slash == "", word)
        vid_mask = mask & 0x1FFF
        self._add_vid(tci & vid_mask, None if vid_mask == 0x1FFF else vid_mask, word)

    def _add_tci_priority(self, tci: int, mask: int, whole: bool, word: str) -> None:
        bits = mask >> 13
        if bits == 0 or (whole and not tci & VLAN_PRESENT):
            return
        if bits != 7:
            raise SyntaxProblem(
                word, "OpenFlow matches the whole priority or nothing of it", "mask all of 0xe000"
            )
        self.add(term("vlan_pcp", tci >> 13), word)

    def match(self) -> Match:
        """What was collected; SyntaxProblem for a field without its prerequisite."""
        if "vlan_pcp" in self._terms and "vlan_vid" not in self._terms:
            word = self._words["vlan_pcp"]
            self.add(term("vlan_vid", VLAN_PRESENT, VLAN_PRESENT), word)
        match = sorted_match(self._terms.values())
        for found in match:
            if not match.meets(found.field.needs):
                raise SyntaxProblem(
                    self._words[found.field.name],
                    "only some packets have this field",
                    f"add {NEEDS_IN_WORDS[found.field.needs]}",
                )
        return match


_READERS: dict[str, Callable[[_Collected, str, str, str], None]] = {
    "nw_tos": _Collected.add_tos,
    "ip_tos": _Collected.add_tos,
    "dl_vlan": _Collected.add_vlan,
    "dl_vlan_pcp": _Collected.add_vlan_pcp,
    "vlan_pcp": _Collected.add_vlan_pcp,
    "vlan_vid": _Collected.add_vlan_vid,
    "vlan_tci": _Collected.add_vlan_tci,
}

_PRINTED = {
    "tunnel_id": "tun_id",
    "metadata": "metadata",
    "in_port": "in_port",
    "in_phy_port": "in_phy_port",
    "vlan_vid": "",
    "vlan_pcp": "",
    "eth_src": "dl_src",
    "eth_dst": "dl_dst",
    "eth_type": "dl_type",
    "ipv4_src": "nw_src",
    "ipv4_dst": "nw_dst",
    "arp_spa": "arp_spa",
    "arp_tpa": "arp_tpa",
    "ipv6_src": "ipv6_src",
    "ipv6_dst": "ipv6_dst",
    "ipv6_label": "ipv6_label",
    "ip_proto": "nw_proto",
    "arp_op": "arp_op",
    "arp_sha": "arp_sha",
    "arp_tha": "arp_tha",
    "ip_dscp": "",
    "ip_ecn": "nw_ecn",
    "mpls_label": "mpls_label",
    "mpls_tc": "mpls_tc",
    "mpls_bos": "mpls_bos",
    "icmpv4_type": "icmp_type",
    "icmpv4_code": "icmp_code",
    "icmpv6_type": "icmp_type",
    "icmpv6_code": "icmp_code",
    "nd_target": "nd_target",
    "nd_sll": "nd_sll",
    "nd_tll": "nd_tll",
    "tcp_src": "tp_src",
    "tcp_dst": "tp_dst",
    "udp_src": "tp_src",
    "udp_dst": "tp_dst",
    "sctp_src": "tp_src",
    "sctp_dst": "tp_dst",
    "pbb_isid": "pbb_isid",
    "ipv6_exthdr": "ipv6_exthdr",
}
"""Field -> the word ovs-ofctl prints for it, in the order that it prints them; the last two, which
Open vSwitch doesn't know, go by OpenFlow's names."""

_DIGITS = {"eth_type": 4, "ipv6_label": 5}
_PROTOCOL_WORDS = {number: word for word, number in _ETHERNET.items()}
_TRANSPORT_WORDS = {numbers: word for word, numbers in _TRANSPORT.items()}


def format_match(match: Match, ports: PortNames = NAMELESS) -> str:
    """The match as `ovs-ofctl dump-flows` prints it; parse_match reads it back."""
    words, rest = _protocol(match)
    order = [*_PRINTED, *(name for name in BY_NAME if name not in _PRINTED)]
    by_name = {found.field.name: found for found in rest}
    for name in order:
        if name in by_name:
            words += _WRITERS.get(name, _format_term)(match, by_name[name], ports)
    return ",".join(words)


def _protocol(match: Match) -> tuple[list[str], list[Term]]:
    """The protocol's word, and the terms that it leaves to say."""
    ethernet, transport = match.exact("eth_type"), match.exact("ip_proto")
    if (ethernet, transport) in _TRANSPORT_WORDS:
        word, said = _TRANSPORT_WORDS[ethernet or 0, transport or 0], {"eth_type", "ip_proto"}
    elif ethernet in _PROTOCOL_WORDS:
        word, said = _PROTOCOL_WORDS[ethernet], {"eth_type"}
    else:
        return [], list(match)
    return [word], [found for found in match if found.field.name not in said]


def _format_term(match: Match, found: Term, ports: PortNames) -> list[str]:
    field = found.field
    known = match.meets(field.needs)
    word = _PRINTED.get(field.name, field.name) if known else field.name
    text = format_masked(field, found.value, found.mask, _DIGITS.get(field.name, 0), ports)
    return [f"{word}={text}"]


def _format_dscp(match: Match, found: Term, ports: PortNames) -> list[str]:
    return [f"nw_tos={found.value << 2}"]


def _format_vlan_vid(match: Match, found: Term, ports: PortNames) -> list[str]:
    """dl_vlan where one id is meant, else vlan_tci, with the priority if there is one."""
    mask = found.field.ones if found.mask is None else found.mask
    priority = match.exact("vlan_pcp")
    exact = mask == 0x1FFF and found.value & VLAN_PRESENT
    if exact:
        return [f"dl_vlan={found.value & 0xFFF}", *_priority(priority)]
    if mask == VLAN_PRESENT == found.value and priority is not None:
        return _priority(priority)
    value = found.value
    if priority is not None:
        value, mask = value | priority << 13, mask | 0xE000
    return [f"vlan_tci=0x{value:04x}/0x{mask:04x}"]


def _priority(priority: int | None) -> list[str]:
    return [] if priority is None else [f"dl_vlan_pcp={priority}"]


def _format_vlan_pcp(match: Match, found: Term, ports: PortNames) -> list[str]:
    """Said together with vlan_vid; a priority without one is what some packet-ins carry."""
    return [] if match.get("vlan_vid") else _priority(found.value)


_WRITERS: dict[str, Callable[[Match, Term, PortNames], list[str]]] = {
    "ip_dscp": _format_dscp,
    "vlan_vid": _format_vlan_vid,
    "vlan_pcp": _format_vlan_pcp,
}
