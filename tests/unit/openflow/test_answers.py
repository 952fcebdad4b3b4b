"""A message at fault is answered with OpenFlow's error."""

import pytest
from os_ken.ofproto import ofproto_v1_3 as ofproto

from datapath.problems import Error, ProtocolProblem
from vswitch.openflow import answer, decode, encode
from vswitch.openflow.messages.session import ErrorMessage


def problem_of(data: bytes) -> ProtocolProblem:
    with pytest.raises(ProtocolProblem) as caught:
        decode(data)
    return caught.value


def test_an_answer_quotes_the_message_and_its_xid() -> None:
    bad = bytes.fromhex("04ff000c00000007") + b"abcd"
    assert answer(problem_of(bad)) == ErrorMessage(Error.BAD_REQUEST_BAD_TYPE, bad, xid=7)


def test_an_answer_quotes_no_more_than_64_bytes() -> None:
    bad = bytes.fromhex("04ff010000000007") + bytes(248)
    assert answer(problem_of(bad)).data == bad[:64]


def test_errors_that_we_do_not_know_keep_their_numbers() -> None:
    message = ErrorMessage((0xFFFF, 3), b"\0\0\x23\x20", xid=1)
    assert decode(encode(message)) == message


def test_the_numbers_are_what_os_ken_has() -> None:
    theirs = set()
    for name, number in vars(ofproto).items():
        if name.startswith("OFPET_") and name != "OFPET_EXPERIMENTER":
            prefix = _CODES[name.removeprefix("OFPET_")]
            codes = {code for key, code in vars(ofproto).items() if key.startswith(prefix)}
            theirs |= {(number, code) for code in codes}
    assert {error.value for error in Error} == theirs


_CODES = {
    "HELLO_FAILED": "OFPHFC_",
    "BAD_REQUEST": "OFPBRC_",
    "BAD_ACTION": "OFPBAC_",
    "BAD_INSTRUCTION": "OFPBIC_",
    "BAD_MATCH": "OFPBMC_",
    "FLOW_MOD_FAILED": "OFPFMFC_",
    "GROUP_MOD_FAILED": "OFPGMFC_",
    "PORT_MOD_FAILED": "OFPPMFC_",
    "TABLE_MOD_FAILED": "OFPTMFC_",
    "QUEUE_OP_FAILED": "OFPQOFC_",
    "SWITCH_CONFIG_FAILED": "OFPSCFC_",
    "ROLE_REQUEST_FAILED": "OFPRRFC_",
    "METER_MOD_FAILED": "OFPMMFC_",
    "TABLE_FEATURES_FAILED": "OFPTFFC_",
}
