"""Every OpenFlow message for property tests, one strategy a class.

'VALUES' maps each message class to what it may hold.  `tests/unit/openflow` fails
when a dialect knows a class that is missing here.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, IntFlag
from typing import Any

from hypothesis import strategies as st

from datapath.action import Action
from datapath.problems import Error
from datapath.rule import Flags, FlowCommand, Rule
from tests.kit.rules import any_actions, experimenter_data, instructions_of, matches, number
from tests.kit.rules import rules as whole_rules
from vswitch.openflow.messages import (
    flow,
    group,
    meter,
    packet,
    port,
    queue,
    session,
    switch,
    table,
)

u8, u16, u32, u64 = number(8), number(16), number(32), number(64)
xids = u32
data = st.binary(max_size=40)
macs = st.binary(min_size=6, max_size=6)
_LETTERS = st.characters(codec="utf-8", exclude_characters="\0")


def names(size: int) -> st.SearchStrategy[str]:
    """A text that fits 'size' bytes with the NUL behind it."""
    return st.text(_LETTERS, max_size=size).filter(lambda text: len(text.encode()) < size)


def some(item: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(item, max_size=3).map(tuple)


def flagged(of: type[IntFlag]) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(list(of)), max_size=3).map(lambda bits: of(sum(set(bits))))


def which(of: type[Enum]) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(of))


actions: st.SearchStrategy[tuple[Action, ...]] = some(any_actions)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule with any actions, and with what narrows a deletion."""
    return replace(
        draw(whole_rules()),
        instructions=draw(instructions_of(any_actions)),
        table=draw(u8),
        cookie_mask=draw(u64),
        out_port=draw(u32),
        out_group=draw(u32),
    )


@st.composite
def narrowings(draw: st.DrawFn) -> Rule:
    """What a statistics request can say of a rule."""
    return Rule(
        match=draw(matches()),
        table=draw(u8),
        cookie=draw(u64),
        cookie_mask=draw(u64),
        out_port=draw(u32),
        out_group=draw(u32),
    )


@st.composite
def told_rules(draw: st.DrawFn, removed: bool = False) -> Rule:
    """What a switch tells of a rule: how a deletion is narrowed is no part of it."""
    rule = replace(draw(whole_rules()), table=draw(u8))
    return replace(rule, instructions=(), flags=Flags.NONE) if removed else rule


_seconds = {"duration_sec": u32, "duration_nsec": st.integers(0, 999_999_999)}
_counters = {"packets": u64, "bytes": u64, **_seconds}
_ports = st.builds(
    port.PortDesc,
    number=u32,
    hw_addr=macs,
    name=names(16),
    config=flagged(port.PortConfig),
    state=flagged(port.PortState),
    current=flagged(port.PortFeatures),
    advertised=flagged(port.PortFeatures),
    supported=flagged(port.PortFeatures),
    peer=flagged(port.PortFeatures),
    current_speed=u32,
    max_speed=u32,
)
_port_stats = st.builds(
    port.PortStats,
    u32,
    *[u64] * 12,
    **_seconds,
)
_buckets = st.builds(group.Bucket, actions, u16, u32, u32)
_bands = st.one_of(
    st.builds(meter.DropBand, u32, u32),
    st.builds(meter.DscpRemarkBand, u32, u32, u8),
    st.builds(meter.ExperimenterBand, u32, u32, u32, experimenter_data),
)
_queue_properties = st.one_of(
    st.builds(queue.MinRate, u16),
    st.builds(queue.MaxRate, u16),
    st.builds(queue.ExperimenterQueueProperty, u32, data),
)
_type_ids = st.builds(table.TypeId, u16, st.one_of(st.none(), u32))
_field_ids = st.one_of(
    st.builds(table.FieldId, st.integers(0, 0xFFFEFFFF)),
    st.builds(table.FieldId, st.integers(0xFFFF0000, 0xFFFFFFFF), u32),
)
_ABILITIES = table.Ability
_properties = st.one_of(
    st.builds(
        table.Instructions,
        st.sampled_from([a for a in _ABILITIES if a < 2 or 4 <= a < 8]),
        some(_type_ids),
    ),
    st.builds(table.NextTables, st.sampled_from([_ABILITIES(2), _ABILITIES(3)]), some(u8)),
    st.builds(table.Fields, st.sampled_from([a for a in _ABILITIES if a >= 8]), some(_field_ids)),
    st.builds(table.ExperimenterFeature, u32, u32, data, st.booleans()),
)
_tables = st.builds(table.TableFeatures, u8, names(32), u64, u64, u32, u32, some(_properties))
_errors = st.one_of(which(Error), st.tuples(st.integers(14, 0xFFFF), u16))
_masks = [u32] * 6
_own = {"experimenter": u32, "exp_type": u32, "data": data}
_config = {"flags": flagged(switch.Fragments), "miss_send_len": u16}
_four = st.tuples(u32, u32, u32, u32)

VALUES: dict[type[Any], dict[str, st.SearchStrategy[Any]] | list[st.SearchStrategy[Any]]] = {
    session.Hello: {
        "version": st.integers(1, 6),
        "versions": st.one_of(st.none(), st.frozensets(st.integers(0, 70), min_size=1)),
    },
    session.ErrorMessage: {"error": _errors, "data": data},
    session.EchoRequest: [data],
    session.EchoReply: [data],
    session.Experimenter: _own,
    session.ExperimenterMultipartRequest: _own,
    session.ExperimenterMultipartReply: _own,
    session.BarrierRequest: [],
    session.BarrierReply: [],
    session.RoleRequest: [which(session.Role), u64],
    session.RoleReply: [which(session.Role), u64],
    session.GetAsyncRequest: [],
    session.GetAsyncReply: _masks,
    session.SetAsync: _masks,
    switch.FeaturesRequest: [],
    switch.FeaturesReply: [u64, u32, u8, u8, flagged(switch.Capabilities), u32],
    switch.GetConfigRequest: [],
    switch.GetConfigReply: _config,
    switch.SetConfig: _config,
    switch.DescRequest: [],
    switch.DescReply: [names(256), names(256), names(256), names(32), names(256)],
    packet.PacketIn: [data, matches(), which(packet.PacketInReason), u16, u8, u64, u32],
    packet.PacketOut: [data, actions, u32, u32],
    flow.FlowMod: [which(FlowCommand), rules(), u32],
    flow.FlowRemoved: {
        "rule": told_rules(removed=True),
        "reason": which(flow.FlowRemovedReason),
        **_counters,
    },
    flow.FlowStatsRequest: [narrowings()],
    flow.FlowStatsReply: [some(st.builds(flow.FlowStats, rule=told_rules(), **_counters))],
    flow.AggregateRequest: [narrowings()],
    flow.AggregateReply: [u64, u64, u32],
    port.PortStatus: [which(port.PortReason), _ports],
    port.PortMod: [
        u32,
        macs,
        flagged(port.PortConfig),
        flagged(port.PortConfig),
        flagged(port.PortFeatures),
    ],
    port.PortDescRequest: [],
    port.PortDescReply: [some(_ports)],
    port.PortStatsRequest: [u32],
    port.PortStatsReply: [some(_port_stats)],
    table.TableMod: [u8, u32],
    table.TableStatsRequest: [],
    table.TableStatsReply: [some(st.builds(table.TableStats, u8, u32, u64, u64))],
    table.TableFeaturesRequest: [some(_tables)],
    table.TableFeaturesReply: [some(_tables)],
    group.GroupMod: [which(group.GroupCommand), which(group.GroupType), u32, some(_buckets)],
    group.GroupStatsRequest: [u32],
    group.GroupStatsReply: [
        some(
            st.builds(
                group.GroupStats,
                group=u32,
                references=u32,
                buckets=some(st.builds(group.BucketStats, u64, u64)),
                **_counters,
            )
        )
    ],
    group.GroupDescRequest: [],
    group.GroupDescReply: [
        some(st.builds(group.GroupDesc, which(group.GroupType), u32, some(_buckets)))
    ],
    group.GroupFeaturesRequest: [],
    group.GroupFeaturesReply: [u32, flagged(group.GroupCapabilities), _four, _four],
    meter.MeterMod: [which(meter.MeterCommand), flagged(meter.MeterFlags), u32, some(_bands)],
    meter.MeterStatsRequest: [u32],
    meter.MeterStatsReply: [
        some(
            st.builds(
                meter.MeterStats,
                meter=u32,
                flows=u32,
                bands=some(st.builds(meter.BandStats, u64, u64)),
                **_counters,
            )
        )
    ],
    meter.MeterConfigRequest: [u32],
    meter.MeterConfigReply: [
        some(st.builds(meter.MeterConfig, flagged(meter.MeterFlags), u32, some(_bands)))
    ],
    meter.MeterFeaturesRequest: [],
    meter.MeterFeaturesReply: [u32, u32, flagged(meter.MeterFlags), u8, u8],
    queue.QueueGetConfigRequest: [u32],
    queue.QueueGetConfigReply: [
        u32,
        some(st.builds(queue.PacketQueue, u32, u32, some(_queue_properties))),
    ],
    queue.QueueStatsRequest: [u32, u32],
    queue.QueueStatsReply: [some(st.builds(queue.QueueStats, u32, u32, u64, u64, u64, **_seconds))],
}


def messages_of(of: type[Any]) -> st.SearchStrategy[Any]:
    """Any message of one class."""
    values = VALUES[of]
    more = {"more": st.booleans()} if "more" in of.__dataclass_fields__ else {}
    if isinstance(values, dict):
        return st.builds(of, xid=xids, **more, **values)
    return st.builds(of, *values, xid=xids, **more)


any_messages: st.SearchStrategy[Any] = st.sampled_from(list(VALUES)).flatmap(messages_of)
