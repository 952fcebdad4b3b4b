"""A match: which packets a rule is for, as a model and as OpenFlow's OXM bytes.

A `Match` is an ordered tuple of terms, each a field with a value and perhaps a
mask.  `Match.unpack` refuses bytes that are no sequence of known OXM fields
(OpenFlow 1.3.5, section 7.2.3); `Match.check` refuses a match that is well
formed and means nothing: bits outside the mask, a field twice, a field whose
prerequisite is missing.  The two are apart because a switch's own reports
(packet-in) carry matches that no rule could have.

Text is the business of `datapath.match_text`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from datapath.fields import BY_NAME, BY_OXM, POSITION, Field, Needs
from datapath.problems import Error, ProtocolProblem
from datapath.wire import Reader, padding

OXM_MATCH = 1
"""The only type of ofp_match that is not deprecated."""

VLAN_PRESENT = 0x1000
"""The bit of vlan_vid that says that there is a tag."""

_MATCH_HEAD = struct.Struct("!HH")
_OXM_HEAD = struct.Struct("!HBB")


@dataclass(frozen=True, slots=True)
class Term:
    """One field of a match; 'mask' None means that every bit counts."""

    field: Field
    value: int
    mask: int | None = None

    def pack(self) -> bytes:
        """The OXM TLV: header, value, mask if there is one."""
        size = self.field.bytes
        data = oxm_header(self.field, masked=self.mask is not None) + self.value.to_bytes(size)
        return data if self.mask is None else data + self.mask.to_bytes(size)


def oxm_header(field: Field, *, masked: bool = False) -> bytes:
    """The four bytes that name a field, as in an OXM TLV or a table's features."""
    length = field.bytes * (2 if masked else 1)
    return _OXM_HEAD.pack(field.oxm_class, field.oxm_field << 1 | masked, length)


def unpack_term(reader: Reader) -> Term:
    """The next OXM TLV; ProtocolProblem with the error that answers it."""
    oxm_class, name, length = reader.unpack(_OXM_HEAD)
    field = BY_OXM.get((oxm_class, name >> 1))
    if field is None:
        why = f"no field has class {oxm_class:#x} and number {name >> 1}"
        raise ProtocolProblem(Error.BAD_MATCH_BAD_FIELD, why)
    masked = bool(name & 1)
    if length != field.bytes * (1 + masked):
        if masked and not field.maskable:
            raise ProtocolProblem(Error.BAD_MATCH_BAD_MASK, f"{field.name} takes no mask")
        raise reader.problem(f"{field.name} with a length of {length}")
    value = int.from_bytes(reader.take(field.bytes))
    mask = int.from_bytes(reader.take(field.bytes)) if masked else None
    return Term(field, value, mask)


@dataclass(frozen=True, slots=True)
class Match:
    """Terms that a packet must meet all; no term at all is met by every packet."""

    terms: tuple[Term, ...] = ()

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def get(self, name: str) -> Term | None:
        """The first term of the field called 'name'."""
        for term in self.terms:
            if term.field.name == name:
                return term
        return None

    def exact(self, name: str) -> int | None:
        """The value that a field must have, when the match leaves only one."""
        term = self.get(name)
        if term is None or (term.mask is not None and term.mask != term.field.ones):
            return None
        return term.value

    def meets(self, needs: Needs) -> bool:
        """Whether the match says what fields with this prerequisite ask for."""
        return _MEETS[needs](self)

    def pack(self) -> bytes:
        """The ofp_match: type, length, TLVs, zeros up to a multiple of 8."""
        body = b"".join(term.pack() for term in self.terms)
        size = _MATCH_HEAD.size + len(body)
        return _MATCH_HEAD.pack(OXM_MATCH, size) + body + padding(size)

    @classmethod
    def unpack(cls, reader: Reader) -> Match:
        """The ofp_match that comes next, with its padding."""
        kind, size = _MATCH_HEAD.unpack(reader.peek(8)[: _MATCH_HEAD.size])
        if kind != OXM_MATCH:
            raise ProtocolProblem(Error.BAD_MATCH_BAD_TYPE, f"a match of type {kind}")
        if size < _MATCH_HEAD.size or size + len(padding(size)) > reader.left:
            raise ProtocolProblem(Error.BAD_MATCH_BAD_LEN, f"a match of {size} bytes")
        body = reader.part(size, Error.BAD_MATCH_BAD_LEN)
        body.take(_MATCH_HEAD.size)
        terms = []
        while body.left:
            terms.append(unpack_term(body))
        reader.take(len(padding(size)))
        return cls(tuple(terms))

    def check(self) -> None:
        """ProtocolProblem when no rule may have this match (OpenFlow 1.3.5, 7.2.3)."""
        for position, term in enumerate(self.terms):
            before = Match(self.terms[:position])
            if before.get(term.field.name):
                raise ProtocolProblem(Error.BAD_MATCH_DUP_FIELD, f"{term.field.name} twice")
            _check_mask(term)
            _check_value(term)
            if not before.meets(term.field.needs):
                why = f"{term.field.name} without {term.field.needs} before it"
                raise ProtocolProblem(Error.BAD_MATCH_BAD_PREREQ, why)


def sorted_match(terms: Iterable[Term]) -> Match:
    """A match in the order of fields.def, in which prerequisites come first."""
    return Match(tuple(sorted(terms, key=lambda term: POSITION[term.field.name])))


def _check_mask(term: Term) -> None:
    field, mask = term.field, term.mask
    if mask is None:
        return
    if not field.maskable:
        raise ProtocolProblem(Error.BAD_MATCH_BAD_MASK, f"{field.name} takes no mask")
    if mask > field.ones:
        raise ProtocolProblem(Error.BAD_MATCH_BAD_MASK, f"{field.name} has {field.bits} bits")
    if term.value & ~mask:
        raise ProtocolProblem(Error.BAD_MATCH_BAD_WILDCARDS, f"{field.name} outside its mask")


def _check_value(term: Term) -> None:
    if term.value > term.field.ones:
        why = f"{term.field.name} has {term.field.bits} bits"
        raise ProtocolProblem(Error.BAD_MATCH_BAD_VALUE, why)
    untagged = not term.value & VLAN_PRESENT and (term.mask is None or term.mask & VLAN_PRESENT)
    if term.field.name == "vlan_vid" and untagged and term.value:
        raise ProtocolProblem(Error.BAD_MATCH_BAD_VALUE, "a VLAN id without a tag")


def _tagged(match: Match) -> bool:
    """Whether only packets with a tag can meet it."""
    term = match.get("vlan_vid")
    return term is not None and bool(
        term.value & VLAN_PRESENT and (term.mask is None or term.mask & VLAN_PRESENT)
    )


def _exactly(name: str, *values: int) -> Callable[[Match], bool]:
    return lambda match: match.exact(name) in values


def _over(network: Needs, name: str, *values: int) -> Callable[[Match], bool]:
    return lambda match: match.meets(network) and match.exact(name) in values


_MEETS: dict[Needs, Callable[[Match], bool]] = {
    Needs.NOTHING: lambda match: True,
    Needs.IN_PORT: lambda match: match.get("in_port") is not None,
    Needs.VLAN: _tagged,
    Needs.IP: _exactly("eth_type", 0x0800, 0x86DD),
    Needs.IPV4: _exactly("eth_type", 0x0800),
    Needs.IPV6: _exactly("eth_type", 0x86DD),
    Needs.ARP: _exactly("eth_type", 0x0806),
    Needs.TCP: _over(Needs.IP, "ip_proto", 6),
    Needs.UDP: _over(Needs.IP, "ip_proto", 17),
    Needs.SCTP: _over(Needs.IP, "ip_proto", 132),
    Needs.ICMPV4: _over(Needs.IPV4, "ip_proto", 1),
    Needs.ICMPV6: _over(Needs.IPV6, "ip_proto", 58),
    Needs.ND: _over(Needs.ICMPV6, "icmpv6_type", 135, 136),
    Needs.NS: _over(Needs.ICMPV6, "icmpv6_type", 135),
    Needs.NA: _over(Needs.ICMPV6, "icmpv6_type", 136),
    Needs.MPLS: _exactly("eth_type", 0x8847, 0x8848),
    Needs.PBB: _exactly("eth_type", 0x88E7),
}


def term(name: str, value: int, mask: int | None = None) -> Term:
    """A term by the field's name: term("in_port", 1)."""
    return Term(BY_NAME[name], value, mask)
