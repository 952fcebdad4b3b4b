"""OFPP_NORMAL on access ports and trunks: these ports, this frame in, those frames out.

IEEE 802.1Q as Open vSwitch's vlan_mode has it; where a tag is removed a frame stays in its VLAN.
"""

from __future__ import annotations

import pytest

from datapath.action import Output
from datapath.frames import Standalone, VlanMode, Vlans
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.switch import Switch
from datapath.testing import MakeSwitch
from tests.packet.messages import BARRIER, message, packet_out

ACCESS, TRUNK = VlanMode.ACCESS, VlanMode.TRUNK
NATIVE, NATIVE_TAGGED = VlanMode.NATIVE_UNTAGGED, VlanMode.NATIVE_TAGGED
BROADCAST = bytes.fromhex("ffffffffffff020000000001")
TAIL = bytes.fromhex("88b5") + bytes(46)


def frame(*tags: int, tpid: int = 0x8100) -> bytes:
    """A broadcast frame with these TCIs, the outermost first."""
    words = b"".join(tpid.to_bytes(2, "big") + tci.to_bytes(2, "big") for tci in tags)
    return BROADCAST + words + TAIL


@pytest.fixture
def normal(switch: Switch) -> Switch:
    switch.add_flow("actions=NORMAL")
    return switch


def only(switch: Switch, left: tuple[VlanMode, int, set[int]],
         right: tuple[VlanMode, int, set[int]]) -> None:  # fmt: skip
    """Ports 1 and 2 as given; 3 and 4 out of the way."""
    for number, (mode, tag, trunks) in enumerate((left, right), 1):
        switch.set_vlans(number, mode=mode, tag=tag, trunks=trunks)
    for number in (3, 4):
        switch.set_vlans(number, mode=ACCESS, tag=4000)


ALL: set[int] = set()
PRIORITY = 5 << 13
PASSES = [
    # in at                 out at                    frame in            frame out (None: nothing)
    ((ACCESS, 10, ALL), (ACCESS, 10, ALL), frame(), frame()),
    ((ACCESS, 10, ALL), (ACCESS, 20, ALL), frame(), None),
    ((ACCESS, 10, ALL), (TRUNK, 0, ALL), frame(), frame(10)),
    ((ACCESS, 10, ALL), (TRUNK, 0, {10, 20}), frame(), frame(10)),
    ((ACCESS, 10, ALL), (TRUNK, 0, {20}), frame(), None),
    ((ACCESS, 10, ALL), (NATIVE, 10, {20}), frame(), frame()),
    ((ACCESS, 10, ALL), (NATIVE, 20, ALL), frame(), frame(10)),
    ((ACCESS, 10, ALL), (NATIVE_TAGGED, 10, {20}), frame(), frame(10)),
    # a priority tag says no VLAN: it is classified as if it were not there, and its priority stays
    ((ACCESS, 10, ALL), (TRUNK, 0, ALL), frame(PRIORITY), frame(PRIORITY | 10)),
    ((ACCESS, 10, ALL), (ACCESS, 10, ALL), frame(PRIORITY), frame()),
    ((TRUNK, 0, ALL), (TRUNK, 0, ALL), frame(PRIORITY), frame(PRIORITY)),
    # an access port takes no frame that says its VLAN itself
    ((ACCESS, 10, ALL), (TRUNK, 0, ALL), frame(20), None),
    ((ACCESS, 10, ALL), (TRUNK, 0, ALL), frame(10), None),
    # a trunk carries what it is told, and frames without tag only with VLAN 0 among that
    ((TRUNK, 0, ALL), (ACCESS, 10, ALL), frame(10), frame()),
    ((TRUNK, 0, ALL), (ACCESS, 10, ALL), frame(11), None),
    ((TRUNK, 0, ALL), (ACCESS, 10, ALL), frame(), None),
    ((TRUNK, 0, ALL), (TRUNK, 0, ALL), frame(), frame()),
    ((TRUNK, 0, ALL), (TRUNK, 0, ALL), frame(4094), frame(4094)),
    # 4095 is reserved (IEEE 802.1Q, table 9-2), whatever stands behind it
    ((TRUNK, 0, ALL), (TRUNK, 0, ALL), frame(4095), None),
    ((TRUNK, 0, ALL), (TRUNK, 0, ALL), frame(4095, 20), None),
    ((NATIVE, 10, ALL), (TRUNK, 0, ALL), frame(4095), None),
    ((TRUNK, 0, ALL), (TRUNK, 0, ALL), frame(20, 4095), frame(20, 4095)),
    ((TRUNK, 0, {10}), (TRUNK, 0, ALL), frame(10), frame(10)),
    ((TRUNK, 0, {10}), (TRUNK, 0, ALL), frame(11), None),
    ((TRUNK, 0, {10}), (TRUNK, 0, ALL), frame(), None),
    ((TRUNK, 0, {0, 10}), (TRUNK, 0, ALL), frame(), frame()),
    # a native VLAN: without tag on the way in, on the way out as the mode says; tagged it may come
    ((NATIVE, 10, {20}), (TRUNK, 0, ALL), frame(), frame(10)),
    ((NATIVE, 10, {20}), (TRUNK, 0, ALL), frame(10), frame(10)),
    ((NATIVE, 10, {20}), (TRUNK, 0, ALL), frame(20), frame(20)),
    ((NATIVE, 10, {20}), (TRUNK, 0, ALL), frame(30), None),
    ((TRUNK, 0, ALL), (NATIVE, 10, {20}), frame(10), frame()),
    ((TRUNK, 0, ALL), (NATIVE, 10, {20}), frame(20), frame(20)),
    ((TRUNK, 0, ALL), (NATIVE, 10, ALL), frame(), None),
    ((NATIVE_TAGGED, 10, ALL), (NATIVE, 10, ALL), frame(), frame()),
    ((NATIVE, 10, ALL), (NATIVE_TAGGED, 10, ALL), frame(), frame(10)),
    ((NATIVE, 10, ALL), (NATIVE, 20, ALL), frame(), frame(10)),
    # QinQ: the outermost tag is the VLAN, of either type; what is inside is the stations' own
    ((TRUNK, 0, ALL), (TRUNK, 0, ALL), frame(10, 20), frame(10, 20)),
    ((TRUNK, 0, ALL), (ACCESS, 10, ALL), frame(10, 20), frame(20)),
    ((TRUNK, 0, ALL), (ACCESS, 20, ALL), frame(10, 20), None),
    ((TRUNK, 0, ALL), (ACCESS, 10, ALL), frame(10, 20, tpid=0x88A8), frame(20, tpid=0x88A8)),
    ((ACCESS, 10, ALL), (TRUNK, 0, ALL), frame(0, 20), frame(10, 20)),
    # but no inner tag comes out on a trunk, where it would be taken for the VLAN
    ((TRUNK, 0, ALL), (NATIVE, 10, ALL), frame(10, 20), frame(10, 20)),
    ((ACCESS, 10, ALL), (NATIVE, 10, ALL), frame(PRIORITY, 20), frame(PRIORITY | 10, 20)),
    ((TRUNK, 0, ALL), (TRUNK, 0, {0}), frame(PRIORITY, 20), frame(PRIORITY, 20)),
]  # fmt: skip


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(("left", "right", "came", "leaves"), PASSES)
def test_a_frame_between_two_ports(
    make_switch: MakeSwitch, left: tuple[VlanMode, int, set[int]],
    right: tuple[VlanMode, int, set[int]], came: bytes, leaves: bytes | None, cache: bool,
) -> None:  # fmt: skip
    switch = make_switch(cache=cache)
    switch.add_flow("actions=NORMAL")
    only(switch, left, right)
    want = {} if leaves is None else {2: [leaves]}
    for _ in range(3):
        assert switch.send(1, came) == want


def test_a_frame_of_a_vlan_that_the_port_does_not_carry_is_dropped_by_name(normal: Switch) -> None:
    normal.set_vlans(1, mode=ACCESS, tag=10)
    assert normal.send(1, frame(20)) == {}
    assert normal.drops(1) == {"vlan": 1}
    assert normal.macs() == []


CUT = [bytes.fromhex("8100") + rest for rest in (b"", b"\0", b"\0\x14", b"\0\x14\x88")]


@pytest.mark.parametrize("cut", CUT, ids=bytes.hex)
@pytest.mark.parametrize("mode", [ACCESS, TRUNK, NATIVE])
def test_a_frame_that_ends_in_a_tag_is_in_no_vlan(
    normal: Switch, mode: VlanMode, cut: bytes
) -> None:
    """A card that pads it to 60 bytes makes a tag of it: VLAN 20, said by an access port of 10."""
    only(normal, (mode, 0 if mode is TRUNK else 10, ALL), (TRUNK, 0, ALL))
    outer = b"" if mode is ACCESS else bytes.fromhex("8100000a")
    for tags in (b"", outer):
        assert list(normal.send(1, BROADCAST + tags + TAIL)) == [2]  # like it, but whole
        assert normal.send(1, BROADCAST + tags + cut) == {}
    assert normal.drops(1) == {"vlan": 2}


def test_one_flood_gives_each_port_its_own_form(normal: Switch) -> None:
    normal.set_vlans(1, mode=ACCESS, tag=10)
    normal.set_vlans(2, mode=ACCESS, tag=10)
    normal.set_vlans(3, mode=NATIVE, tag=20)
    assert normal.send(1, frame()) == {2: [frame()], 3: [frame(10)], 4: [frame(10)]}
    assert normal.send(4, frame(PRIORITY | 10)) == {
        1: [frame()], 2: [frame()], 3: [frame(PRIORITY | 10)],
    }  # fmt: skip


def test_a_known_station_is_reached_in_its_form(normal: Switch) -> None:
    normal.set_vlans(1, mode=ACCESS, tag=10)
    there, back = "dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02", "dl_vlan=10,dl_vlan_pcp=3"
    normal.send(1, there)
    answer = parse_packet(f"dl_src=02:00:00:00:00:02,dl_dst=02:00:00:00:00:01,{back}", 2).frame
    for _ in range(3):
        assert normal.send(2, answer) == {1: [answer[:12] + answer[16:]]}
    sent = parse_packet(there, 1).frame
    assert normal.send(1, there) == {2: [sent[:12] + b"\x81\0\0\x0a" + sent[12:]]}
    found = [(station.vlan, station.mac[5], station.port) for station in normal.macs()]
    assert found == [(10, 1, 1), (10, 2, 2)]


def test_what_stands_behind_normal_sees_the_frame_as_it_was(switch: Switch) -> None:
    switch.add_flow("actions=NORMAL,output:4")
    switch.set_vlans(1, mode=ACCESS, tag=10)
    switch.set_vlans(4, mode=ACCESS, tag=30)
    assert switch.send(1, frame()) == {2: [frame(10)], 3: [frame(10)], 4: [frame()]}


def test_outputs_by_number_know_no_vlans(switch: Switch) -> None:
    switch.add_flow("actions=output:2,FLOOD")
    switch.set_vlans(1, mode=ACCESS, tag=10)
    switch.set_vlans(2, mode=ACCESS, tag=20)
    assert switch.send(1, frame(5)) == {2: [frame(5)] * 2, 3: [frame(5)], 4: [frame(5)]}


def test_a_standalone_bridge_has_vlans_too(switch: Switch) -> None:
    switch.set_normal(standalone=True)
    switch.set_vlans(1, mode=ACCESS, tag=10)
    switch.set_vlans(3, mode=ACCESS, tag=20)
    assert switch.send(1, frame()) == {2: [frame(10)], 4: [frame(10)]}


def test_a_bridge_that_lost_its_controllers_switches_whatever_they_left(switch: Switch) -> None:
    """OpenFlow 1.3.5, 6.3.3: above all the rule that sends them what no other is for."""
    switch.add_flow("priority=0,actions=CONTROLLER")
    for _ in range(2):
        switch.set_normal(standalone=Standalone.ALL)
        for _ in range(3):
            assert switch.send(1, frame()) == {2: [frame()], 3: [frame()], 4: [frame()]}
        assert switch.packet_ins() == []
        switch.set_normal(standalone=Standalone.MISSES)  # the control: rules count
        assert switch.send(1, frame()) == {}
        assert len(switch.packet_ins()) == 1
    assert [flow.packets for flow in switch.dump_flows()] == [2]


def test_an_answer_of_the_cache_ends_when_a_port_changes(normal: Switch) -> None:
    for _ in range(3):
        assert sorted(normal.send(1, frame())) == [2, 3, 4]
    normal.set_vlans(2, mode=ACCESS, tag=10)
    assert sorted(normal.send(1, frame())) == [3, 4]
    normal.set_vlans(1, mode=ACCESS, tag=10)
    assert normal.send(1, frame()) == {2: [frame()], 3: [frame(10)], 4: [frame(10)]}


def test_an_answer_of_the_cache_is_not_for_frames_with_more_tags(normal: Switch) -> None:
    only(normal, (TRUNK, 0, ALL), (NATIVE, 10, ALL))
    for _ in range(3):
        assert normal.send(1, frame(10)) == {2: [frame()]}
        assert normal.send(1, frame(10, 20)) == {2: [frame(10, 20)]}


def test_a_port_may_come_with_its_vlans(make_switch: MakeSwitch) -> None:
    switch = make_switch(ports=1)
    switch.add_flow("actions=NORMAL")
    assert switch.send(1, frame(10)) == {}
    switch.add_port(2, vlans=Vlans(NATIVE, 10))
    for _ in range(3):
        assert switch.send(1, frame(10)) == {2: [frame()]}
        assert switch.send(1, frame(10, 20)) == {2: [frame(10, 20)]}
    switch.remove_port(2)
    switch.add_port(2, vlans=Vlans(ACCESS, 20))
    assert switch.send(1, frame(10)) == {}
    with pytest.raises(OSError, match="VLANs make no sense"):
        switch.add_port(3, vlans=Vlans(ACCESS, 0))


def test_a_port_that_changes_forgets_its_stations(normal: Switch) -> None:
    normal.send(1, frame())
    assert [station.port for station in normal.macs()] == [1]
    normal.set_vlans(2, mode=ACCESS, tag=10)
    assert [station.port for station in normal.macs()] == [1]
    normal.set_vlans(1, trunks={5})
    assert normal.macs() == []


def test_the_controller_may_send_into_any_vlan(normal: Switch) -> None:
    normal.set_vlans(1, mode=ACCESS, tag=10)
    normal.set_vlans(2, trunks={20})
    normal.openflow(packet_out((Output(Reserved.NORMAL),), frame(10)) + message(BARRIER))
    assert normal.received() == {1: [frame()], 3: [frame(10)], 4: [frame(10)]}


@pytest.mark.parametrize(
    ("mode", "tag", "trunks"),
    [
        (ACCESS, 0, ALL),
        (ACCESS, 4095, ALL),
        (ACCESS, 10, {10}),
        (NATIVE, 0, ALL),
        (TRUNK, 10, ALL),
        (TRUNK, 0, {10, 4095}),
        (NATIVE, 10, {4095}),
    ],
)
def test_what_makes_no_sense_is_refused(
    switch: Switch, mode: VlanMode, tag: int, trunks: set[int]
) -> None:
    with pytest.raises(OSError, match="VLANs make no sense"):
        switch.set_vlans(1, mode=mode, tag=tag, trunks=trunks)


def test_a_trace_shows_the_frame_as_each_port_gets_it(normal: Switch) -> None:
    normal.set_vlans(1, mode=ACCESS, tag=10)
    normal.set_normal(flood_rate=5)
    steps = normal.trace(frame(), 1)
    left = {step.number: step.body for step in steps if step.kind.name == "OUTPUT"}
    assert left == {2: frame(10), 3: frame(10), 4: frame(10)}
    assert [step.number for step in steps if step.kind.name == "METER"] == [0]


def test_the_reserved_vlan_teaches_nothing_and_passes_nowhere(switch: Switch) -> None:
    switch.add_flow("actions=NORMAL")
    assert switch.send(1, frame(4095)) == {}
    assert (switch.macs(), switch.drops(1)) == ([], {"vlan": 1})
    switch.openflow(packet_out((Output(Reserved.NORMAL),), frame(4095)) + message(BARRIER))
    assert switch.received() == {}
    assert sorted(switch.send(1, frame(4094))) == [2, 3, 4]
    assert [station.vlan for station in switch.macs()] == [4094]
