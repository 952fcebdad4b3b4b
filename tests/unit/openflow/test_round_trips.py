"""Every message that a dialect knows survives its bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datapath.problems import Error, ProtocolProblem
from tests.kit.messages import VALUES, messages_of
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.packet import PacketOut
from vswitch.openflow.messages.port import PortDesc, PortDescReply
from vswitch.openflow.messages.session import BarrierRequest, EchoRequest, Hello
from vswitch.openflow.of13 import OF13

CLASSES = sorted(VALUES, key=lambda of: of.__name__)


def test_every_message_of_the_dialect_is_tried() -> None:
    assert set(VALUES) == set(OF13.classes)


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_message_is_read_back(of: type, data: st.DataObject) -> None:
    message = data.draw(messages_of(of))
    packed = encode(message)
    assert int.from_bytes(packed[2:4]) == len(packed)
    assert decode(packed) == message


def test_a_message_has_the_header_of_the_standard() -> None:
    assert encode(EchoRequest(b"ab", xid=7)) == bytes.fromhex("0402000a000000076162")
    assert encode(BarrierRequest(xid=1)) == bytes.fromhex("0414000800000001")


def test_a_hello_names_its_own_version() -> None:
    packed = encode(Hello(1, xid=3))
    assert packed == bytes.fromhex("0100000800000003")
    assert decode(packed) == Hello(1, xid=3)
    assert decode(bytes.fromhex("6300000800000003")) == Hello(0x63, xid=3)


def test_versions_stand_as_bits_of_words() -> None:
    packed = encode(Hello(4, frozenset({1, 4})))
    assert packed[8:] == bytes.fromhex("0001000800000012")
    assert encode(Hello(4, frozenset({33})))[8:] == bytes.fromhex(
        "0001000c000000000000000200000000"
    )


def test_unknown_elements_of_a_hello_are_stepped_over() -> None:
    unknown = bytes.fromhex("0007000600010000")
    known = bytes.fromhex("0001000800000010")
    data = bytes.fromhex("0400001800000000") + unknown + known
    assert decode(data) == Hello(4, frozenset({4}))


def test_what_does_not_fit_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="longer than 65535"):
        encode(EchoRequest(bytes(65528)))
    with pytest.raises(ValueError, match="longer than 15 bytes"):
        encode(PortDescReply((PortDesc(1, name="a-name-of-16-byt"),)))
    with pytest.raises(ValueError, match="does not fit"):
        encode(PortDescReply((PortDesc(-1),)))
    with pytest.raises(ValueError, match="version 9 is not spoken"):
        encode(BarrierRequest(), version=9)


def test_a_message_of_another_kind_is_our_own_mistake() -> None:
    class Odd(PacketOut):
        """No message of OpenFlow's."""

    with pytest.raises(ValueError, match="has no Odd"):
        encode(Odd(b"", ()))


UNREADABLE = {
    "": Error.BAD_REQUEST_BAD_LEN,
    "04020008": Error.BAD_REQUEST_BAD_LEN,
    "0402000900000007": Error.BAD_REQUEST_BAD_LEN,
    "0402000700000007": Error.BAD_REQUEST_BAD_LEN,
    "0902000800000007": Error.BAD_REQUEST_BAD_VERSION,
    "04ff000800000007": Error.BAD_REQUEST_BAD_TYPE,
    "0414000900000007ff": Error.BAD_REQUEST_BAD_LEN,
    "04120010000000070063000000000000": Error.BAD_REQUEST_BAD_MULTIPART,
    "041800180000000700000009000000000000000000000000": Error.ROLE_REQUEST_FAILED_BAD_ROLE,
    "040f0010000000070009000000000001": Error.GROUP_MOD_FAILED_BAD_COMMAND,
    "040f0010000000070000090000000001": Error.GROUP_MOD_FAILED_BAD_TYPE,
    "041d0010000000070009000000000001": Error.METER_MOD_FAILED_BAD_COMMAND,
}


@pytest.mark.parametrize(("data", "error"), UNREADABLE.items())
def test_what_is_no_message_carries_its_answer(data: str, error: Error) -> None:
    with pytest.raises(ProtocolProblem) as caught:
        decode(bytes.fromhex(data))
    assert caught.value.error is error
    assert caught.value.data == bytes.fromhex(data)
    assert caught.value.xid == (7 if len(data) >= 16 else 0)
