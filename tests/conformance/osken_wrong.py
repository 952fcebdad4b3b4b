"""The tests of os-ken that are wrong themselves, by name, and the proof that it is so.

`wrong_of13.txt` has a line for each: reason, file, description.  A right switch fails them, and
in one way only.  Each reason can mend a test, and three things must hold: the test fails as it
stands, by a frame in place of another; both frames are the same once mended; and the mended test
passes.

sctp-checksum  os-ken writes SCTP checksums that are no CRC32c (RFC 9260, 6.8).  A switch that
               renames a port carries the difference over to the checksum, so that a right one
               stays right and a wrong one wrong; os-ken expects another wrong one.  Mended, the
               packet comes in with a right checksum and leaves with a right one, by a slow
               CRC32c of our own.
padding        A frame of 60 bytes loses an MPLS label and has 56; os-ken expects it padded to 60
               again.  That is the business of whoever sends it on an Ethernet that asks for it
               (IEEE 802.3, 4.2.8), and not of OFPAT_POP_MPLS.  Mended, 56 bytes are due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from os_ken.tests.switch import tester

from .crc32c import crc32c
from .osken_cases import Case
from .osken_verdict import Verdict, judge

VLAN, IPV4, IPV6, SCTP = 0x8100, 0x0800, 0x86DD, 132
ETH_HEADER, TAG, LABEL, IPV6_HEADER = 14, 4, 4, 40


def wrong_tests(version: str) -> dict[tuple[str, str], str]:
    """(file, description) -> reason; empty for a version without a table."""
    table = Path(__file__).with_name(f"wrong_{version}.txt")
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    rows = [line.split(maxsplit=2) for line in lines if line]
    return {(file, description): reason for reason, file, description in rows}


def wrong_as_told(verdict: Verdict, reason: str) -> str:
    """Empty when the test fails by this reason and nothing else; otherwise what is odd."""
    if verdict.right:
        return f"passes, though by its {reason} it can't"
    if not verdict.wanted:
        return verdict.problem
    (block,) = verdict.case.blocks
    mend, ingress = MENDS[reason], block[tester.KEY_INGRESS]
    if mend(ingress, verdict.wanted)[1] != mend(ingress, verdict.got)[1]:
        return f"differs in more than the {reason}: {verdict.problem}"
    again = judge(mended(verdict.case, reason))
    return "" if again.right else f"with the {reason} mended: {again.problem}"


def mended(case: Case, reason: str) -> Case:
    """The test as its author would have wanted it."""
    (block,) = case.blocks
    due = tester.KEY_EGRESS if tester.KEY_EGRESS in block else tester.KEY_PKT_IN
    ingress, wanted = MENDS[reason](block[tester.KEY_INGRESS], block[due])
    return replace(case, blocks=({tester.KEY_INGRESS: ingress, due: wanted},))


# ---- reasons: what comes in and what leaves -> both, mended ----


def _mend_checksums(ingress: bytes, left: bytes) -> tuple[bytes, bytes]:
    size = len(left) - _sctp_at(left)  # whatever is in front of it, SCTP ends both frames
    return _with_crc32c(ingress, size), _with_crc32c(left, size)


def _mend_padding(ingress: bytes, left: bytes) -> tuple[bytes, bytes]:
    return ingress, left[: len(ingress) - LABEL]


MENDS: dict[str, Callable[[bytes, bytes], tuple[bytes, bytes]]] = {
    "sctp-checksum": _mend_checksums,
    "padding": _mend_padding,
}


def _with_crc32c(frame: bytes, size: int) -> bytes:
    """The frame with a right checksum in the SCTP packet that is its last 'size' bytes."""
    before, ports, chunks = frame[:-size], frame[-size:][:8], frame[-size:][12:]
    checksum = crc32c(ports + bytes(4) + chunks)
    return before + ports + checksum.to_bytes(4, "little") + chunks  # RFC 9260, appendix A


def _sctp_at(frame: bytes) -> int:
    """Where the SCTP header begins, behind VLAN tags and IP without extension headers."""
    at = ETH_HEADER
    while (kind := int.from_bytes(frame[at - 2 : at], "big")) == VLAN:
        at += TAG
    ip = frame[at:]
    if kind == IPV4 and ip[9] == SCTP:
        return at + 4 * (ip[0] & 15)
    assert (kind, ip[6]) == (IPV6, SCTP), "not a frame of those tests"
    return at + IPV6_HEADER
