"""Lengths that lie: no decoder hangs, none looks past its message (S1, S3)."""

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datapath.action import Group, Output, SetField
from datapath.fields import BY_NAME
from datapath.instruction import ApplyActions
from datapath.match_text import parse_match
from datapath.problems import ProtocolProblem
from datapath.rule import FlowCommand, Rule
from tests.kit.alarm import alarm
from tests.kit.messages import any_messages
from vswitch.openflow import Message, decode, encode
from vswitch.openflow.messages.flow import FlowMod, FlowStats, FlowStatsReply, FlowStatsRequest
from vswitch.openflow.messages.group import (
    Bucket,
    BucketStats,
    GroupCommand,
    GroupDesc,
    GroupDescReply,
    GroupMod,
    GroupStats,
    GroupStatsReply,
    GroupType,
)
from vswitch.openflow.messages.meter import (
    BandStats,
    DropBand,
    MeterCommand,
    MeterConfig,
    MeterConfigReply,
    MeterFlags,
    MeterMod,
    MeterStats,
    MeterStatsReply,
)
from vswitch.openflow.messages.packet import PacketIn, PacketInReason, PacketOut
from vswitch.openflow.messages.queue import MinRate, PacketQueue, QueueGetConfigReply
from vswitch.openflow.messages.session import Hello
from vswitch.openflow.messages.table import (
    Ability,
    ExperimenterFeature,
    FieldId,
    Fields,
    Instructions,
    NextTables,
    TableFeatures,
    TableFeaturesRequest,
    TypeId,
)

SECONDS = 0.1

_MATCH = parse_match("in_port=1")
_SET = SetField(BY_NAME["eth_dst"], 1)
_RULE = Rule(match=_MATCH, instructions=(ApplyActions((Output(1), _SET)),))
_BUCKETS = (Bucket((Output(1),)), Bucket((Group(2),)))
_BANDS = (DropBand(1), DropBand(2))
_TWICE = (TypeId(1), TypeId(2))
_FEATURES = TableFeatures(
    0,
    properties=(
        Instructions(Ability.INSTRUCTIONS, _TWICE),
        NextTables(Ability.NEXT_TABLES, (1, 2)),
        Fields(Ability.MATCH, (FieldId(0x80000004),)),
        ExperimenterFeature(1, 2, b"abcdefgh"),
    ),
)


@dataclass(frozen=True)
class Point:
    """A length in a message: where it stands, what it says, the least it may say."""

    name: str
    message: Message
    at: int
    says: int
    least: int
    width: int = 2


_FLOW_MOD = FlowMod(FlowCommand.ADD, _RULE)
_DESC = GroupDescReply((GroupDesc(GroupType.ALL, 1, _BUCKETS), GroupDesc(GroupType.ALL, 2)))
_GROUP_MOD = GroupMod(GroupCommand.ADD, GroupType.ALL, 1, _BUCKETS)
_GROUP_STATS = GroupStatsReply(
    (GroupStats(1, buckets=(BucketStats(),)), GroupStats(2, buckets=(BucketStats(),)))
)
_METER_STATS = MeterStatsReply(
    (MeterStats(1, bands=(BandStats(),)), MeterStats(2, bands=(BandStats(),)))
)
_CONFIG = MeterConfigReply((MeterConfig(MeterFlags.KBPS, 1, _BANDS),) * 2)
_QUEUES = QueueGetConfigReply(1, (PacketQueue(1, 1, (MinRate(1), MinRate(2))), PacketQueue(2, 1)))
_TABLES = TableFeaturesRequest((_FEATURES, _FEATURES))
_FLOWS = FlowStatsReply((FlowStats(_RULE), FlowStats(_RULE)))
_PACKET_IN = PacketIn(b"x" * 20, _MATCH, PacketInReason.ACTION, 20)

POINTS = (
    Point("header", Hello(4, frozenset({1, 4})), 2, 16, 8),
    Point("hello element", Hello(4, frozenset({1, 4})), 10, 8, 4),
    Point("flow-mod match", _FLOW_MOD, 50, 12, 4),
    Point("flow-mod oxm", _FLOW_MOD, 55, 4, 4, width=1),
    Point("flow-mod instruction", _FLOW_MOD, 66, 40, 8),
    Point("flow-mod action", _FLOW_MOD, 74, 16, 16),
    Point("flow-mod set_field", _FLOW_MOD, 90, 16, 8),
    Point("flow-mod set_field oxm", _FLOW_MOD, 95, 6, 6, width=1),
    Point("packet-out actions", PacketOut(b"x" * 8, (Output(1),)), 16, 16, 0),
    Point("packet-out action", PacketOut(b"x" * 8, (Output(1),)), 26, 16, 16),
    Point("packet-in match", _PACKET_IN, 26, 12, 4),
    Point("flow stats request match", FlowStatsRequest(Rule(match=_MATCH)), 50, 12, 4),
    Point("flow stats", _FLOWS, 16, 104, 48),
    Point("flow stats match", _FLOWS, 66, 12, 4),
    Point("flow stats instruction", _FLOWS, 82, 40, 8),
    Point("group-mod bucket", _GROUP_MOD, 16, 32, 16),
    Point("group-mod bucket action", _GROUP_MOD, 34, 16, 16),
    Point("group desc", _DESC, 16, 64, 8),
    Point("group desc bucket", _DESC, 24, 32, 16),
    Point("group stats", _GROUP_STATS, 16, 56, 40),
    Point("meter-mod band", MeterMod(MeterCommand.ADD, MeterFlags.KBPS, 1, _BANDS), 18, 16, 12),
    Point("meter stats", _METER_STATS, 20, 56, 40),
    Point("meter config", _CONFIG, 16, 40, 8),
    Point("meter config band", _CONFIG, 26, 16, 12),
    Point("table features", _TABLES, 16, 120, 64),
    Point("table instructions", _TABLES, 82, 12, 4),
    Point("table instruction", _TABLES, 86, 4, 4),
    Point("next tables", _TABLES, 98, 6, 4),
    Point("table fields", _TABLES, 106, 8, 4),
    Point("table experimenter", _TABLES, 114, 20, 12),
    Point("queue", _QUEUES, 24, 48, 16),
    Point("queue property", _QUEUES, 34, 16, 8),
)

CASES = [
    pytest.param(point, length, id=f"{point.name}={length}")
    for point in POINTS
    for length in sorted(
        {0, 1, 3, point.least - 1, point.least, point.says - 1, point.says + 1, 0xFFFF}
        | {point.says + 8}
    )
    if 0 <= length < 1 << 8 * point.width or length == 0xFFFF
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_each_point_is_a_length(point: Point) -> None:
    data = encode(point.message)
    assert int.from_bytes(data[point.at : point.at + point.width]) == point.says
    assert decode(data) == point.message


@pytest.mark.parametrize(("point", "length"), CASES)
def test_a_lying_length_is_answered_at_once(point: Point, length: int) -> None:
    """S1: every point with 0, 1, 3, least - 1, least, too little, too much, 0xffff."""
    data = bytearray(encode(point.message))
    length = min(length, (1 << 8 * point.width) - 1)
    data[point.at : point.at + point.width] = length.to_bytes(point.width)
    with alarm(SECONDS):
        try:
            decode(bytes(data))
        except ProtocolProblem:
            return
    assert length >= point.least, "shorter than the least, and yet it was taken"


@settings(deadline=None, max_examples=300)
@given(any_messages, st.data())
def test_no_damage_makes_decoding_fail_otherwise(message: Message, data: st.DataObject) -> None:
    """S3: mutated messages are read or answered, never anything else."""
    damaged = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(8, len(damaged)) if len(damaged) > 8 else st.just(7)) - 1] = (
            data.draw(st.integers(0, 255))
        )
    cut = bytes(damaged[: data.draw(st.integers(8, len(damaged)))])
    whole = cut[:2] + len(cut).to_bytes(2) + cut[4:]
    with alarm(SECONDS * 10), suppress(ProtocolProblem):
        decode(whole)


@settings(deadline=None)
@given(st.integers(0, 30), st.binary(max_size=120))
def test_noise_is_answered(kind: int, body: bytes) -> None:
    """S3: any body under any message type."""
    data = bytes([4, kind]) + (8 + len(body)).to_bytes(2) + bytes(4) + body
    with alarm(SECONDS * 10), suppress(ProtocolProblem):
        decode(data)


@pytest.mark.parametrize("kind", [1, 6, 7, 9, 10, 12])
@settings(deadline=None, max_examples=30)
@given(body=st.binary(max_size=120))
def test_noise_in_replies_is_answered(kind: int, body: bytes) -> None:
    """S3: any body under each multipart reply with lists in it."""
    part = kind.to_bytes(2) + bytes(6) + body
    data = bytes([4, 19]) + (8 + len(part)).to_bytes(2) + bytes(4) + part
    with alarm(SECONDS * 10), suppress(ProtocolProblem):
        decode(data)
