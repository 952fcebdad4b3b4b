"""tshark, a third reader, finds each message whole and nothing in it malformed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.kit.tshark import dissect, needs_tshark, values
from tests.unit.openflow.test_ovs_ofctl import PRINTED
from vswitch.openflow import Message, encode
from vswitch.openflow.messages import session

pytestmark = needs_tshark

_OWNER = {"experimenter.experimenter": "0xabcdef01", "experimenter.exp_type": "7"}

DISSECTED: tuple[tuple[Message, dict[str, str]], ...] = (
    (session.Experimenter(0xABCDEF01, 7, b"own"), _OWNER),
    (
        session.ExperimenterMultipartRequest(0xABCDEF01, 7, b"owns"),
        {"multipart_request.type": "65535"}
        | {f"multipart_request.{name}": value for name, value in _OWNER.items()},
    ),
    (
        session.ExperimenterMultipartReply(0xABCDEF01, 7, b"owns", more=True),
        {"multipart_reply.flags": "0x0001"}
        | {f"multipart_reply.{name}": value for name, value in _OWNER.items()},
    ),
)
"""What ovs-ofctl doesn't read: messages of experimenters that it doesn't know."""


@pytest.mark.parametrize(("message", "fields"), DISSECTED, ids=lambda x: type(x).__name__)
def test_tshark_finds_what_we_meant(message: Message, fields: dict[str, str]) -> None:
    (seen,) = dissect([encode(message)])
    for name, value in fields.items():
        assert set(values(seen, f"openflow_v4.{name}")) == {value}


def test_tshark_finds_nothing_wrong() -> None:
    told = [*PRINTED, *DISSECTED]
    messages = [replace(message, xid=n) for n, (message, _) in enumerate(told) if n]
    for message, seen in zip(messages, dissect([*map(encode, messages)]), strict=True):
        assert "alformed" not in json.dumps(seen), message
        assert seen["openflow_v4.xid"] == str(message.xid)
        assert seen["openflow_v4.type"] == str(encode(message)[1])
