"""Meters in ovs-ofctl's words, and as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.meter import (
    ALL_METERS,
    METER_CONTROLLER,
    METER_MAX,
    BandStats,
    DropBand,
    DscpRemarkBand,
    ExperimenterBand,
    MeterCommand,
    MeterConfig,
    MeterFlags,
    MeterStats,
)
from datapath.meter_text import format_meter, format_meter_stats, parse_meter
from datapath.of13.meter import METER_CONFIG, meter_mod
from datapath.problems import Error, ProtocolProblem, SyntaxProblem
from datapath.wire import Reader
from tests.kit.ovs import needs_ovs_ofctl, print_messages
from tests.kit.rules import u8, u32
from vswitch.openflow import decode, encode
from vswitch.openflow.messages.meter import MeterMod

PRINTED = {
    "meter=1,kbps,burst,stats,band=type=drop,rate=1000,burst_size=100": (
        "meter=1 kbps burst stats bands=\ntype=drop rate=1000 burst_size=100"
    ),
    "meter=1 pktps bands=type=drop rate=1000": "meter=1 pktps bands=\ntype=drop rate=1000",
    "meter=0x10,kbps,bands=type=dscp_remark,rate=7,prec_level=2,type=drop,rate=9": (
        "meter=16 kbps bands=\ntype=dscp_remark rate=7 prec_level=2\ntype=drop rate=9"
    ),
    "meter=2,kbps,band=type=drop,rate=7,band=type=drop,rate=9": (
        "meter=2 kbps bands=\ntype=drop rate=7\ntype=drop rate=9"
    ),
    "meter=controller,pktps,band=type=drop,rate=5": (
        "meter=controller pktps bands=\ntype=drop rate=5"
    ),
}
"""What people write -> what is printed, as ovs-ofctl does."""

REFUSED = {
    "kbps,band=type=drop,rate=7": "write meter=1",
    "meter=all,kbps,band=type=drop,rate=7": "write meter=1",
    "meter=0,kbps,band=type=drop,rate=7": "no meter can have this number",
    "meter=0xffff0001,kbps,band=type=drop,rate=7": "no meter can have this number",
    "meter=1,band=type=drop,rate=7": "write either kbps or pktps",
    "meter=1,kbps,pktps,band=type=drop,rate=7": "write either kbps or pktps",
    "meter=1,kbps": "add one as in band=",
    "meter=1,kbps,band=rate=7": "a band starts with its type",
    "meter=1,kbps,band=type=police,rate=7": "a band starts with its type",
    "meter=1,kbps,band=type=drop": "the band's rate is missing",
    "meter=1,kbps,band=type=drop,rate=x": "is no number",
    "meter=1,kbps,band=type=drop,rate=7,burst_size=3": "go together",
    "meter=1,kbps,burst,band=type=drop,rate=7": "go together",
    "meter=1,kbps,band=type=drop,rate=7,prec_level=1": "no drop band has this",
    "meter=1,mbps,band=type=drop,rate=7": "no meter has this",
}


@pytest.mark.parametrize(("text", "printed"), PRINTED.items())
def test_meters_are_printed_as_ovs_ofctl_prints_them(text: str, printed: str) -> None:
    assert format_meter(parse_meter(text)) == printed
    assert parse_meter(printed) == parse_meter(text)


@needs_ovs_ofctl
@pytest.mark.parametrize("text", PRINTED)
def test_ovs_ofctl_prints_the_same(text: str) -> None:
    printed = print_messages([meter_mod(parse_meter(text))])
    assert printed.partition(" ADD ")[2].strip() == PRINTED[text]


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_nonsense_is_refused_with_a_way_out(text: str, reason: str) -> None:
    with pytest.raises(SyntaxProblem, match=r".+: .+; .+") as caught:
        parse_meter(text)
    assert reason in str(caught.value)


def test_a_deletion_names_one_meter_or_all() -> None:
    def which(text: str) -> int:
        return parse_meter(text, MeterCommand.DELETE).meter

    assert which("meter=7") == 7
    assert which("meter=controller") == METER_CONTROLLER
    assert which("meter=all") == which("") == ALL_METERS
    with pytest.raises(SyntaxProblem, match="deleted by its number"):
        which("meter=7,kbps")


def meters(bands: st.SearchStrategy[object]) -> st.SearchStrategy[MeterConfig]:
    units = st.sampled_from([MeterFlags.KBPS, MeterFlags.PKTPS])
    others = st.sampled_from([MeterFlags.BURST, MeterFlags.BURST | MeterFlags.STATS])
    flags = st.tuples(units, others).map(lambda both: both[0] | both[1])
    some = st.lists(bands, min_size=1, max_size=3).map(tuple)
    return st.builds(MeterConfig, flags, st.integers(1, METER_MAX), some)


plain_bands = st.one_of(st.builds(DropBand, u32, u32), st.builds(DscpRemarkBand, u32, u32, u8))
any_bands = st.one_of(plain_bands, st.builds(ExperimenterBand, u32, u32, u32, st.just(b"12345678")))


@given(meters(plain_bands))
def test_text_is_read_back(meter: MeterConfig) -> None:
    assert parse_meter(format_meter(meter)) == meter


@given(meters(any_bands))
def test_bytes_are_read_back(meter: MeterConfig) -> None:
    assert METER_CONFIG.unpack(Reader(METER_CONFIG.pack(meter))) == meter


@given(meters(any_bands), st.sampled_from(list(MeterCommand)))
def test_a_meter_mod_is_the_message_of_the_codec(meter: MeterConfig, command: MeterCommand) -> None:
    message = MeterMod(command, meter.flags, meter.meter, meter.bands, xid=7)
    assert meter_mod(meter, command, xid=7) == encode(message)
    assert decode(meter_mod(meter, command, xid=7)) == message


def test_a_meter_mod_has_the_layout_of_the_standard() -> None:
    meter = parse_meter("meter=5,pktps,burst,band=type=drop,rate=3,burst_size=4")
    assert meter_mod(meter, MeterCommand.MODIFY, xid=9) == bytes.fromhex(
        "041d0020 00000009 0001 0006 00000005 0001 0010 00000003 00000004 00000000"
    )


BROKEN = {
    "0010 0001 00000001 0001 0000 00000000": Error.METER_MOD_FAILED_BAD_BAND,
    "0018 0001 00000001 0001 0018 00000000 00000000 00000000": Error.METER_MOD_FAILED_BAD_BAND,
    "0018 0001 00000001 0003 0010 00000000 00000000 00000000": Error.METER_MOD_FAILED_BAD_BAND,
}


@pytest.mark.parametrize(("data", "error"), BROKEN.items())
def test_bytes_that_are_no_meter_are_answered(data: str, error: Error) -> None:
    with pytest.raises(ProtocolProblem) as caught:
        METER_CONFIG.unpack(Reader(bytes.fromhex(data)))
    assert caught.value.error is error


def test_how_a_meter_fared_is_a_line_a_band() -> None:
    stats = MeterStats(5, 1, 2, 3, 4, 5_000_000, (BandStats(6, 7), BandStats(8, 9)))
    assert format_meter_stats(stats) == (
        "meter:5 flow_count:1 packet_in_count:2 byte_in_count:3 duration:4.005s bands:\n"
        "0: packet_count:6 byte_count:7\n1: packet_count:8 byte_count:9"
    )
