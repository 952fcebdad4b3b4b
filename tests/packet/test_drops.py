"""Every way a packet can end has a name, and each is provoked here once."""

from __future__ import annotations

import pytest

from datapath.ffi import CoreProblem, drop_names
from datapath.frames import DROPS, TraceKind
from datapath.switch import Switch
from datapath.testing import MakeSwitch

ELSEWHERE = {
    "rx-truncated": "ports with a descriptor: tests/c/test_port_burst.c",
    "rx-offload": "ports with a descriptor: tests/c/test_port_burst.c",
    "tx-error": "ports with a descriptor: tests/c/test_port_burst.c",
}
SETTINGS: dict[str, tuple[str, str, str]] = {
    # reason: rule, packet, the port that counts it
    "table-miss": ("udp,actions=output:2", "tcp", "1"),
    "rule": ("actions=drop", "tcp", "1"),
    "no-port": ("actions=output:99", "tcp", "1"),
    "output-self": ("actions=output:1", "tcp", "1"),
    "ttl": ("ip,actions=dec_ttl,output:2", "tcp,nw_ttl=1", "1"),
    "too-deep": ("ip,actions=" + ",".join(["push_vlan:0x8100"] * 17) + ",output:2", "tcp", "1"),
    "group": ("actions=group:1", "tcp", "1"),
    "reserved-address": ("actions=NORMAL", "dl_dst=01:80:c2:00:00:00", "1"),
}


def test_names_are_the_same_in_c_and_python() -> None:
    assert list(DROPS) == drop_names()


def test_every_reason_is_provoked_somewhere() -> None:
    here = {"rx-short", "no-buffer", "port-down", "output-down", "mtu", "tx-full"}
    here |= {"packet-in-full", "meter", "queue-full", "vlan", "flood-limit", "no-in-port"}
    here |= {"buffer-share"}
    assert set(SETTINGS) | set(ELSEWHERE) | here == set(DROPS)


@pytest.mark.parametrize("reason", SETTINGS)
def test_a_drop_is_counted_under_its_name(switch: Switch, reason: str) -> None:
    rule, packet, port = SETTINGS[reason]
    switch.add_group("group_id=1,type=all")
    switch.add_flow(rule)
    for times in (1, 2):
        assert switch.send(1, packet) == {}
        assert switch.drops(int(port)) == {reason: times}


@pytest.mark.parametrize("output", ["NORMAL", "FLOOD", "ALL"])
def test_what_came_by_no_port_goes_nowhere(switch: Switch, output: str) -> None:
    """Nobody knows the VLANs and limits of a port that is not there."""
    switch.add_flow(f"actions={output}")
    known, unknown = switch.trace("arp", 1), switch.trace("arp", 99)
    assert {step.number for step in known if step.kind == TraceKind.OUTPUT} == {2, 3, 4}
    assert not [step for step in unknown if step.kind == TraceKind.OUTPUT]
    (drop,) = (step.number for step in unknown if step.kind == TraceKind.DROP)
    assert DROPS[drop] == "no-in-port"


def test_a_runt_is_dropped(switch: Switch) -> None:
    switch.add_flow("actions=output:2")
    assert switch.send(1, bytes(13)) == {}
    assert switch.drops(1) == {"rx-short": 1}


@pytest.mark.parametrize(("port", "reason"), [(1, "port-down"), (2, "output-down")])
def test_a_port_that_is_down_drops(switch: Switch, port: int, reason: str) -> None:
    switch.add_flow("actions=output:2")
    switch.set_port(port, config=1, mask=1)
    assert switch.send(1, "tcp") == {}
    assert switch.drops(port) == {reason: 1}


def test_a_long_frame_is_dropped_where_it_does_not_fit(switch: Switch) -> None:
    switch.add_port(9, mtu=1500)
    switch.add_flow("actions=output:9")
    assert switch.send(1, bytes(12) + b"\x88\xb5" + bytes(1501)) == {}
    assert switch.drops(9) == {"mtu": 1}


def test_a_full_queue_drops(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_buffers=8192)
    switch.add_flow("actions=" + ",".join(["output:2"] * 500))
    for _ in range(10):
        switch._core.mem_send(1, 1, bytes(60))
    assert len(switch.poll()[2]) == 4096
    assert switch.drops(2) == {"tx-full": 904}


def test_what_may_not_wait_is_dropped(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_buffers=64)
    switch.set_queue(2, 1, max_rate=1)
    switch.add_flow("actions=set_queue:1,output:2")
    left = sum(len(switch.send(1, "tcp").get(2, [])) for _ in range(50))
    assert switch.drops(2) == {"buffer-share": 50 - left - 19}  # a third of 56


def test_without_buffers_a_copy_is_dropped(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_buffers=2)
    switch.add_flow("actions=output:2,push_vlan:0x8100,output:3,push_vlan:0x8100,output:4")
    assert sorted(switch.send(1, "tcp")) == [2, 3]
    assert switch.drops(1) == {"no-buffer": 1}


def test_without_buffers_nothing_can_be_put_in(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_buffers=1)
    switch._core.mem_send(1, 1, bytes(60))
    with pytest.raises(CoreProblem):
        switch._core.mem_send(1, 1, bytes(60))


def test_a_controller_that_is_flooded_loses_packet_ins(switch: Switch) -> None:
    """HARDENING S15: bounded, counted, and rules go on to work."""
    switch.add_flow("actions=CONTROLLER:65535,output:2")
    frame = bytes(12) + b"\x88\xb5" + bytes(1800)
    for _ in range(4000):
        switch._core.mem_send(1, 1, frame)
    assert len(switch.poll()[2]) == 4000
    told = len(switch.packet_ins())
    lost = switch.drops(1).get("packet-in-full", 0) + switch.stats().packet_ins_lost
    assert told + lost == 4000
    assert switch.drops(1)["packet-in-full"] > 0
    switch.send(1, frame)
    assert len(switch.packet_ins()) == 1


def test_above_a_meters_rate_packets_are_dropped(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1")
    switch.add_flow("actions=meter:1,output:2")
    assert [list(switch.send(1, "tcp")) for _ in range(3)] == [[2], [], []]
    assert switch.drops(1) == {"meter": 2}


def test_a_full_queue_takes_no_more(switch: Switch) -> None:
    switch.set_queue(2, 1, max_rate=1, max_packets=1)
    switch.add_flow("actions=set_queue:1,output:2")
    assert [list(switch.send(1, "tcp")) for _ in range(3)] == [[2], [], []]
    assert switch.drops(2) == {"queue-full": 1}
