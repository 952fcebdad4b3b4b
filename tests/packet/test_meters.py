"""Meters: which packets end above a rate, and who counts them (OpenFlow 1.3.5, 5.7, 6.4, 7.3.4.4).

A meter's bucket is full when it is made: while the clock stands still, as many packets (kilobits)
pass as its burst says, then none.
"""

from __future__ import annotations

import pytest

from datapath.action_text import parse_action_list
from datapath.instruction import ApplyActions, Meter
from datapath.meter import DropBand, MeterCommand, MeterConfig, MeterFlags
from datapath.meter_text import parse_meter
from datapath.of13.meter import meter_mod
from datapath.problems import Error
from datapath.rule import Rule
from datapath.switch import OpenFlowRefusal, Switch
from datapath.testing import MakeSwitch
from tests.packet.headers import frame
from tests.packet.messages import read_flow_removed

DELETED = 2
TCP = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80,nw_ttl=9")
KILOBIT = TCP.ljust(125, b"\0")
"""A frame of 125 bytes, which are 1,000 bits."""


def passed(switch: Switch, packets: int, packet: bytes = TCP) -> int:
    """How many of so many packets are sent on."""
    return sum(bool(switch.send(1, packet)) for _ in range(packets))


def refused(switch: Switch, meter: str | MeterConfig, **command: MeterCommand) -> Error:
    """The error that answers a meter-mod."""
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_meter(meter, **command)
    return Error((caught.value.type, caught.value.code))


# ---- above the rate ----


def test_a_burst_passes_then_nothing(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=3")
    switch.add_flow("actions=meter:1,output:2")
    assert [bool(switch.send(1, TCP)) for _ in range(6)] == [True] * 3 + [False] * 3
    assert switch.drops(1) == {"meter": 3}


def test_what_passes_is_as_it_was(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=10,burst_size=5")
    switch.add_flow("actions=meter:1,output:2")
    assert switch.send(1, TCP) == {2: [TCP]}


def test_time_fills_the_bucket_again_at_the_rate(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=2,burst_size=4")
    switch.add_flow("actions=meter:1,output:2")
    assert passed(switch, 10) == 4
    switch.advance(1)
    assert passed(switch, 10) == 2
    switch.advance(0.5)
    assert passed(switch, 10) == 1


def test_a_bucket_is_full_at_its_burst(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=2,burst_size=4")
    switch.add_flow("actions=meter:1,output:2")
    switch.advance(3600)
    assert passed(switch, 10) == 4


def test_a_meter_of_bits_counts_kilobits(switch: Switch) -> None:
    switch.add_meter("meter=1,kbps,burst,band=type=drop,rate=2,burst_size=6")
    switch.add_flow("actions=meter:1,output:2")
    assert passed(switch, 10, KILOBIT) == 6
    switch.advance(2)
    assert passed(switch, 10, KILOBIT) == 4


def test_a_large_packet_does_not_pass_where_a_small_one_does(switch: Switch) -> None:
    switch.add_meter("meter=1,kbps,burst,band=type=drop,rate=1,burst_size=2")
    switch.add_flow("actions=meter:1,output:2")
    assert passed(switch, 1, KILOBIT) == 1
    assert passed(switch, 1, TCP.ljust(250, b"\0")) == 0
    assert passed(switch, 1, KILOBIT) == 1


def test_the_rate_holds_in_the_long_run(switch: Switch) -> None:
    """Twice the rate for twenty seconds: half of it passes, and the burst, and two at most."""
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=50,burst_size=10")
    switch.add_flow("actions=meter:1,output:2")
    through = 0
    for _ in range(400):
        through += passed(switch, 5)
        switch.advance(0.05)
    assert 1000 <= through <= 1012


def test_the_rate_holds_without_a_burst_of_its_own(switch: Switch) -> None:
    """What the switch takes as burst is its business: not more than a second's worth."""
    switch.add_meter("meter=1,pktps,band=type=drop,rate=50")
    switch.add_flow("actions=meter:1,output:2")
    through = 0
    for _ in range(400):
        through += passed(switch, 5)
        switch.advance(0.05)
    assert 950 <= through <= 1050


def test_slow_traffic_is_left_alone(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=10,burst_size=1")
    switch.add_flow("actions=meter:1,output:2")
    for _ in range(30):
        assert switch.send(1, TCP) == {2: [TCP]}
        switch.advance(0.1)


def test_rules_share_a_meter(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=3")
    switch.add_flow("in_port=1,actions=meter:1,output:2")
    switch.add_flow("in_port=3,actions=meter:1,output:2")
    out = [bool(switch.send(port, TCP)) for port in (1, 3, 1, 3, 1)]
    assert out == [True, True, True, False, False]


def test_rules_with_other_meters_do_not_feel_it(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1")
    switch.add_meter("meter=2,pktps,burst,band=type=drop,rate=1,burst_size=9")
    switch.add_flow("tcp,actions=meter:1,output:2")
    switch.add_flow("udp,actions=meter:2,output:2")
    switch.add_flow("arp,actions=output:2")
    assert passed(switch, 5) == 1
    assert passed(switch, 5, frame("udp")) == 5
    assert passed(switch, 5, frame("arp")) == 5


@pytest.mark.parametrize("cache", [True, False])
def test_the_cache_does_not_change_what_passes(make_switch: MakeSwitch, cache: bool) -> None:
    switch = make_switch(cache=cache)
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=3,burst_size=7")
    switch.add_flow("actions=meter:1,output:2")
    through = []
    for seconds in (0, 1, 2, 1, 0.5, 0.5):
        switch.advance(seconds)
        through.append(passed(switch, 20))
    assert through == [7, 3, 6, 3, 1, 2]


# ---- bands ----

AF11, AF12, AF13, AF21, EF = 10, 12, 14, 18, 46


@pytest.mark.parametrize(
    ("level", "before", "after"),
    [(1, AF11, AF12), (2, AF11, AF13), (1, AF13, AF13), (9, AF21, 22), (1, EF, EF), (1, 0, 0)],
)
def test_a_remark_raises_the_drop_precedence_of_assured_forwarding(
    switch: Switch, level: int, before: int, after: int
) -> None:
    """RFC 2597; at most to 3, and other code points have none."""
    band = f"band=type=dscp_remark,rate=1,burst_size=1,prec_level={level}"
    switch.add_meter(f"meter=1,pktps,burst,{band}")
    switch.add_flow("actions=meter:1,output:2")
    packet = frame(f"tcp,nw_tos={before << 2}")
    marked = frame(f"tcp,nw_tos={after << 2}")
    assert [switch.send(1, packet)[2] for _ in range(3)] == [[packet], [marked], [marked]]


def test_a_remarked_packet_is_seen_as_remarked(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=dscp_remark,rate=1,burst_size=1,prec_level=1")
    switch.add_flow("ip,actions=meter:1,goto_table:1")
    switch.add_flow(f"table=1,ip,nw_tos={AF11 << 2},actions=output:2")
    switch.add_flow(f"table=1,ip,nw_tos={AF12 << 2},actions=output:3")
    packet = frame(f"tcp,nw_tos={AF11 << 2}")
    assert [list(switch.send(1, packet)) for _ in range(3)] == [[2], [3], [3]]


def test_a_remark_does_nothing_to_what_is_not_ip(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=dscp_remark,rate=1,burst_size=1,prec_level=1")
    switch.add_flow("actions=meter:1,output:2")
    arp = frame("arp")
    assert [switch.send(1, arp) for _ in range(3)] == [{2: [arp]}] * 3


def test_of_the_bands_that_are_exceeded_the_one_with_the_highest_rate_acts(
    switch: Switch,
) -> None:
    switch.add_meter(
        "meter=1,pktps,burst,bands=type=dscp_remark,rate=1,burst_size=2,prec_level=1,"
        "type=drop,rate=5,burst_size=5"
    )
    switch.add_flow("actions=meter:1,output:2")
    packet, marked = frame(f"tcp,nw_tos={AF11 << 2}"), frame(f"tcp,nw_tos={AF12 << 2}")
    out = [switch.send(1, packet).get(2, [b""])[0] for _ in range(7)]
    assert out == [packet] * 2 + [marked] * 3 + [b""] * 2
    assert [band.packets for band in switch.meter_stats()[1].bands] == [3, 2]


# ---- where it stands among the instructions ----


def test_the_meter_comes_before_everything_else(switch: Switch) -> None:
    """Whatever the order on the wire (5.9): a dropped packet has no actions applied."""
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1")
    tell = ApplyActions(parse_action_list("CONTROLLER:65535,output:2"))
    switch.add_flow(Rule(instructions=(tell, Meter(1))))
    assert passed(switch, 3) == 1
    assert len(switch.packet_ins()) == 1


def test_a_dropped_packet_counts_at_the_rules_it_came_to(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=2")
    switch.add_flow("table=0,actions=goto_table:1")
    switch.add_flow("table=1,actions=meter:1,goto_table:2")
    switch.add_flow("table=2,actions=output:2")
    assert passed(switch, 5) == 2
    flows = switch.dump_flows()
    assert [flow.packets for flow in flows] == [5, 5, 2]
    assert [flow.bytes for flow in flows] == [len(TCP) * n for n in (5, 5, 2)]


def test_what_was_done_before_the_meter_is_done(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1")
    switch.add_flow("table=0,actions=output:3,write_actions(output:4),goto_table:1")
    switch.add_flow("table=1,actions=meter:1,output:2")
    assert [sorted(switch.send(1, TCP)) for _ in range(2)] == [[2, 3, 4], [3]]
    assert switch.drops(1) == {"meter": 1}


def test_a_packet_may_meet_several_meters(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=4")
    switch.add_meter("meter=2,pktps,burst,band=type=drop,rate=1,burst_size=2")
    switch.add_flow("table=0,actions=meter:1,goto_table:1")
    switch.add_flow("table=1,actions=meter:2,output:2")
    assert passed(switch, 6) == 2
    stats = switch.meter_stats()
    assert [stats[n].packets for n in (1, 2)] == [6, 4]
    assert [stats[n].bands[0].packets for n in (1, 2)] == [2, 2]


def test_a_table_miss_rule_may_have_a_meter(switch: Switch) -> None:
    """The usual way to spare a controller."""
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=2")
    switch.add_flow("priority=0,actions=meter:1,CONTROLLER:65535")
    for _ in range(5):
        switch.send(1, TCP)
    assert [told.reason for told in switch.packet_ins()] == [0, 0]


def test_the_controllers_meter_is_not_for_rules(switch: Switch) -> None:
    """Virtual meters are no rule's, also where there is one (7.3.4.4)."""
    switch.add_meter("meter=controller,pktps,burst,band=type=drop,rate=1,burst_size=2")
    for number in (0xFFFFFFFE, 0xFFFF0001):
        with pytest.raises(OpenFlowRefusal) as refused:
            switch.add_flow(Rule(instructions=(Meter(number),)))
        found = (refused.value.type, refused.value.code)
        assert found == Error.METER_MOD_FAILED_INVALID_METER.value
    assert switch.dump_flows() == []


# ---- counters ----


def test_a_meter_counts_what_comes_in_and_its_band_what_it_drops(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,stats,band=type=drop,rate=1,burst_size=2")
    switch.add_flow("tcp,actions=meter:1,output:2")
    switch.add_flow("udp,actions=meter:1,output:2")
    switch.advance(3)
    passed(switch, 5)
    stats = switch.meter_stats()[1]
    assert (stats.flows, stats.packets, stats.bytes) == (2, 5, 5 * len(TCP))
    assert [(band.packets, band.bytes) for band in stats.bands] == [(3, 3 * len(TCP))]
    assert stats.duration_sec == 3


def test_meters_are_told_as_they_were_made(switch: Switch) -> None:
    texts = (
        "meter=1,kbps,burst,stats,band=type=drop,rate=1000,burst_size=100",
        "meter=2,pktps,band=type=drop,rate=7",
        "meter=3,kbps,bands=type=drop,rate=7,type=drop,rate=9",
    )
    for text in texts:
        switch.add_meter(text)
    assert switch.dump_meters() == [parse_meter(text) for text in texts]


# ---- changes ----


def test_a_changed_meter_has_its_new_rate_at_once(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1")
    switch.add_flow("actions=meter:1,output:2")
    assert passed(switch, 5) == 1
    switch.mod_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=3")
    assert passed(switch, 5) == 3
    assert switch.dump_meters()[0].bands == (DropBand(1, 3),)
    stats = switch.meter_stats()[1]
    assert (stats.packets, stats.bands[0].packets) == (10, 2)


def test_with_a_meter_go_the_rules_that_use_it(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,band=type=drop,rate=100")
    switch.add_meter("meter=2,pktps,band=type=drop,rate=100")
    switch.add_flow("cookie=0x1,send_flow_rem,tcp,actions=meter:1,output:2")
    switch.add_flow("table=9,cookie=0x2,tcp,actions=meter:1,output:2")
    switch.add_flow("cookie=0x3,send_flow_rem,udp,actions=meter:2,output:2")
    switch.del_meters("meter=1")
    assert [meter.meter for meter in switch.dump_meters()] == [2]
    assert [told.rule.cookie for told in switch.dump_flows()] == [3]
    switch.advance(0.1)
    (told,) = map(read_flow_removed, switch.flow_removed())
    assert (told.cookie, told.reason) == (1, DELETED)
    assert switch.send(1, TCP) == {}


def test_all_meters_are_deleted_at_once(switch: Switch) -> None:
    for number in (1, 2, 3):
        switch.add_meter(f"meter={number},pktps,band=type=drop,rate=100")
    switch.add_flow("tcp,actions=meter:2,output:2")
    switch.add_flow("udp,actions=output:2")
    switch.del_meters()
    assert switch.dump_meters() == []
    assert len(switch.dump_flows()) == 1


def test_deleting_what_is_not_there_is_no_error(switch: Switch) -> None:
    switch.add_meter("meter=2,kbps,band=type=drop,rate=1000")
    switch.del_meters("meter=1")
    assert len(switch.dump_meters()) == 1
    for _ in range(2):
        switch.del_meters()
        assert switch.dump_meters() == []


def test_a_meter_is_added_once(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,band=type=drop,rate=7")
    error = refused(switch, "meter=1,pktps,band=type=drop,rate=8")
    assert error is Error.METER_MOD_FAILED_METER_EXISTS
    assert switch.dump_meters()[0].bands == (DropBand(7),)


def test_only_a_meter_that_is_there_is_changed(switch: Switch) -> None:
    error = refused(switch, "meter=1,pktps,band=type=drop,rate=8", command=MeterCommand.MODIFY)
    assert error is Error.METER_MOD_FAILED_UNKNOWN_METER


@pytest.mark.parametrize("number", [0, 0xFFFF0001])
def test_a_meter_has_a_number(switch: Switch, number: int) -> None:
    config = MeterConfig(MeterFlags.PKTPS, number, (DropBand(7),))
    assert refused(switch, config) is Error.METER_MOD_FAILED_INVALID_METER


@pytest.mark.parametrize("flags", [MeterFlags.KBPS | MeterFlags.PKTPS, MeterFlags(16)])
def test_flags_that_make_no_sense_are_refused(switch: Switch, flags: MeterFlags) -> None:
    config = MeterConfig(flags, 1, (DropBand(7),))
    assert refused(switch, config) is Error.METER_MOD_FAILED_BAD_FLAGS


@pytest.mark.parametrize("instructions", ["meter:7,output:2", "meter:7"])
def test_a_rule_can_not_use_a_meter_that_is_not_there(switch: Switch, instructions: str) -> None:
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_flow(f"actions={instructions}")
    error = Error((caught.value.type, caught.value.code))
    assert error in (Error.METER_MOD_FAILED_INVALID_METER, Error.METER_MOD_FAILED_UNKNOWN_METER)
    assert switch.dump_flows() == []


@pytest.mark.parametrize("size", [0, 4, 12, 24, 0xFFFF])
def test_a_band_that_lies_about_its_size_is_refused(switch: Switch, size: int) -> None:
    """S1"""
    whole = bytearray(meter_mod(MeterConfig(MeterFlags.KBPS, 1, (DropBand(7),))))
    whole[18:20] = size.to_bytes(2)
    with pytest.raises(OpenFlowRefusal) as caught:
        switch.add_meter(bytes(whole))
    error = Error((caught.value.type, caught.value.code))
    assert error in (Error.METER_MOD_FAILED_BAD_BAND, Error.BAD_REQUEST_BAD_LEN)
