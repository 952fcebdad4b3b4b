"""The judge of os-ken's tests finds what is wrong: right tests, spoiled in one thing, fail.

Each starts from a test of os-ken; where that wants a meter, a plain rule stands in for it.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from os_ken.ofproto import ofproto_v1_3, ofproto_v1_3_parser
from os_ken.ofproto.ofproto_protocol import ProtocolDesc
from scapy.layers import sctp

from .crc32c import crc32c
from .osken_cases import Case, case_files, load
from .osken_traffic import offered
from .osken_verdict import judge
from .osken_wrong import mended, wrong_as_told, wrong_tests

FILES = case_files("of13")
PROTOCOL = ProtocolDesc(ofproto_v1_3.OFP_VERSION)
CONTROLLER = ofproto_v1_3.OFPP_CONTROLLER


def case_of(file: str, start: str) -> Case:
    """The first test of a file whose description starts so."""
    cases = load("of13", file, FILES[file])
    return next(case for case in cases if case.description.startswith(start))


def spoiled(case: Case, **changes: Any) -> Case:
    """The case with another thing due; what is None is not due."""
    block = {**case.blocks[0], **changes}
    return replace(case, blocks=({key: value for key, value in block.items() if value},))


def rule(port: int, **more: Any) -> Any:
    """A flow-mod for all that comes in on port 1."""
    output = ofproto_v1_3_parser.OFPActionOutput(port)
    apply = ofproto_v1_3_parser.OFPInstructionActions(ofproto_v1_3.OFPIT_APPLY_ACTIONS, [output])
    match = ofproto_v1_3_parser.OFPMatch(in_port=1)
    keys = {"match": match, "instructions": [apply], **more}
    return ofproto_v1_3_parser.OFPFlowMod(PROTOCOL, **keys)


@pytest.fixture
def egress() -> Case:
    return case_of("match/00_IN_PORT", "ethernet/ipv4/tcp-->'in_port=1,actions=output:2'")


@pytest.fixture
def packet_in() -> Case:
    return case_of("match/00_IN_PORT", "ethernet/ipv4/tcp-->'in_port=1,actions=output:CONTROLLER'")


@pytest.fixture
def miss() -> Case:
    return case_of("match/00_IN_PORT", "ethernet/ipv4/tcp-->'in_port=2,actions=output:2'")


def test_right_tests_are_right(egress: Case, packet_in: Case, miss: Case) -> None:
    assert [judge(case).problem for case in (egress, packet_in, miss)] == ["", "", ""]


def test_one_other_byte_is_found(egress: Case, packet_in: Case) -> None:
    for case, due in ((egress, "egress"), (packet_in, "PACKET_IN")):
        frame = case.blocks[0][due]
        verdict = judge(spoiled(case, **{due: frame[:-1] + b"\xff"}))
        assert verdict.problem.startswith("another frame")
        assert (verdict.wanted[:-1], verdict.got) == (frame[:-1], frame)


def test_a_packet_that_does_not_come_is_found(miss: Case) -> None:
    frame = miss.blocks[0]["ingress"]
    for due in ("egress", "PACKET_IN"):
        problem = judge(spoiled(miss, **{"table-miss": None, due: frame})).problem
        assert problem.endswith("drops: {'table-miss': 1}")


def test_a_packet_that_goes_the_other_way_is_found(egress: Case, packet_in: Case) -> None:
    frame = egress.blocks[0]["egress"]
    told = judge(spoiled(packet_in, PACKET_IN=None, egress=frame)).problem
    left = judge(spoiled(egress, PACKET_IN=frame, egress=None)).problem
    assert told.startswith("0 times a frame, 1 times something else")
    assert left.startswith("0 times a packet-in, 1 times something else")


def test_a_packet_in_for_another_reason_is_found(packet_in: Case) -> None:
    last = rule(CONTROLLER, match=ofproto_v1_3_parser.OFPMatch(), priority=0)
    problem = judge(replace(packet_in, prerequisite=(last,))).problem
    assert problem == "packet-in for reason 0"  # OFPR_NO_MATCH


def test_a_match_where_a_table_should_miss_is_found(egress: Case) -> None:
    matched = spoiled(egress, **{"egress": None, "table-miss": [0]})
    unasked = spoiled(egress, **{"egress": None, "table-miss": [5]})
    assert judge(matched).problem == "tables [0] match where they should miss"
    assert judge(unasked).problem == "none of the tables [5] counts a lookup"


def test_a_message_that_is_refused_is_found(egress: Case) -> None:
    goto = ofproto_v1_3_parser.OFPInstructionGotoTable(0)
    problem = judge(replace(egress, prerequisite=(rule(2, instructions=[goto]),))).problem
    assert problem == "OFPFlowMod: error type 3, code 2"


def test_a_message_that_has_no_effect_is_found(egress: Case) -> None:
    lost = rule(2, command=ofproto_v1_3.OFPFC_MODIFY)  # of nothing
    problem = judge(replace(egress, prerequisite=(lost,))).problem
    assert problem.startswith("OFPFlowMod reads back otherwise: flow_stats(")


# ---- rates ----


def without_meter(file: str, start: str) -> Case:
    return replace(case_of(file, start), prerequisite=(rule(2),))


def test_a_rate_within_a_tenth_is_right() -> None:
    """os-ken offers 2050.8 kbit/s for 2000, and ARP has no DSCP that a meter could change."""
    assert judge(without_meter("meter/02_DSCP_REMARK_00_KBPS_00_1M", "2Mbps(ethernet/arp)")).right


@pytest.mark.parametrize(
    ("file", "rates"),
    [
        ("meter/01_DROP_00_KBPS_00_1M", ["2050.8 kbit/s instead of 1000"]),
        ("meter/01_DROP_01_PKTPS_00_100", ["200.0 packets/s instead of 100"]),
        (
            "meter/02_DSCP_REMARK_00_KBPS_00_1M",
            ["0.0 kbit/s instead of 1000", "2050.8 kbit/s instead of 1000"],
        ),
    ],
)
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_rate_that_is_off_is_found(file: str, rates: list[str], family: str) -> None:
    case = next(c for c in load("of13", file, FILES[file]) if family in c.description)
    problems = judge(replace(case, prerequisite=(rule(2),))).problem.split("; ")
    assert [problem.split(": ")[-1] for problem in problems] == rates


def test_streams_that_throw_dice_throw_the_same_each_time() -> None:
    packets = case_of("group/01_SELECT_IP", "").blocks[0]["packets"]
    assert packets["randomize"]
    frames, again = (list(islice(offered(packets), 50)) for _ in range(2))
    assert frames == again
    assert len(set(frames)) == 50


# ---- tests that are wrong themselves ----

WRONG = wrong_tests("of13")


def named(name: tuple[str, str]) -> Case:
    file, description = name
    return next(c for c in load("of13", file, FILES[file]) if c.description == description)


def test_the_slow_crc32c_is_the_one_of_sctp() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    for data in (b"", b"\0" * 40, bytes(range(200))):
        assert crc32c(data).to_bytes(4, "little") == scapys_checksum(data)


def scapys_checksum(data: bytes) -> bytes:
    """As it stands in a packet."""
    return struct.pack("!I", sctp.crc32c(data))


@pytest.mark.parametrize("name", WRONG, ids=" ".join)
def test_mending_changes_what_the_reason_says_and_no_more(name: tuple[str, str]) -> None:
    case, reason = named(name), WRONG[name]
    (before,), (after,) = case.blocks, mended(case, reason).blocks
    assert before.keys() == after.keys()
    for key, frame in before.items():
        if reason == "padding":
            assert len(frame) == 60
            assert frame == after[key] + bytes(0 if key == "ingress" else 4)
        else:  # 12 bytes of SCTP header, the checksum last, and a DATA chunk of 24
            at = len(frame) - 28
            front, checksum, chunk = frame[:at], frame[at : at + 4], frame[at + 4 :]
            right = scapys_checksum(front[-8:] + bytes(4) + chunk)
            assert after[key] == front + right + chunk
            assert checksum != right


def test_a_right_test_in_the_list_of_wrong_ones_is_found(egress: Case) -> None:
    assert wrong_as_told(judge(egress), "padding") == "passes, though by its padding it can't"


def test_a_wrong_test_that_fails_by_another_reason_is_found() -> None:
    case = named(next(name for name in WRONG if "SCTP" in name[0]))
    verdict = judge(case)
    assert wrong_as_told(verdict, "sctp-checksum") == ""
    other = replace(verdict, got=b"\xff" + verdict.got[1:])
    assert wrong_as_told(other, "sctp-checksum").startswith("differs in more than")
    refused = replace(case, prerequisite=(rule(2, table_id=255),))
    assert wrong_as_told(judge(refused), "sctp-checksum").startswith("OFPFlowMod: error")
