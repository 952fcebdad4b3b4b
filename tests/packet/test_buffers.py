"""Packets that wait leave buffers to those that move, and to each other (B5).

A switch has so many buffers of each size.  What waits (in queues, at memory ports, for the tables)
never takes the last eighth, and a queue holds at most half of what is free beyond that.
"""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest

from datapath.switch import Switch
from datapath.testing import MakeSwitch
from tests.kit.supers import Tap, super_frame
from tests.packet.headers import frame
from tests.packet.messages import statistics

QUEUE_STATS, ALL = 5, 0xFFFFFFFF
SMALL, LARGE = 8192, 512  # buffers
QUEUES = range(1, 11)
SHORT = b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x88\xb5" + bytes(100)
LONG = b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x88\xb5" + bytes(9000)


@pytest.fixture
def crowded(make_switch: MakeSwitch) -> Switch:
    return make_switch(max_buffers=SMALL)


def refused(switch: Switch) -> dict[int, int]:
    """Frames that each queue of port 2 did not take."""
    (reply,) = switch.openflow(statistics(QUEUE_STATS, struct.pack("!II", 2, ALL)))
    return {row[1]: row[4] for row in struct.iter_unpack("!IIQQQII", reply[16:])}


def saturate(switch: Switch, payload: int, each: int) -> dict[int, int]:
    """Ten queues that let next to nothing leave; how many packets wait in each."""
    for queue in QUEUES:
        switch.set_queue(2, queue, max_rate=8000)
        switch.add_flow(f"in_port=1,udp,tp_dst={queue},actions=set_queue:{queue},output:2")
    switch.add_flow("in_port=3,actions=output:4")
    left = 0
    waiting = {}
    for queue in QUEUES:
        udp = frame(f"udp,tp_dst={queue},payload={bytes(payload).hex()}")
        gone = sum(len(switch.send(1, udp).get(2, [])) for _ in range(each))
        left += gone
        waiting[queue] = each - gone - refused(switch)[queue]
    assert left < 2 * len(QUEUES)
    return waiting


def test_ten_saturated_queues_leave_buffers_to_others_and_to_each_other(crowded: Switch) -> None:
    switch, waiting = crowded, saturate(crowded, 30, 1000)
    assert list(switch.send(3, SHORT)) == [4]
    assert waiting[1] == waiting[5] > 990  # as many as a queue takes: nobody is cut short yet
    assert min(waiting.values()) == waiting[10] > 120
    assert sum(waiting.values()) < SMALL - SMALL // 8
    drops = switch.drops(2)
    assert drops.keys() == {"buffer-share"}
    assert drops["buffer-share"] == sum(refused(switch).values())
    for _ in range(50):  # and it goes on doing so
        assert len(switch.send(3, SHORT)[4]) == 1


def test_a_queue_alone_may_be_long(switch: Switch) -> None:
    switch.set_queue(2, 1, max_rate=1000, max_packets=65536)
    switch.add_flow("actions=set_queue:1,output:2")
    for _ in range(4700):
        switch.send(1, SHORT)
    assert switch.drops(2) == {}
    for _ in range(4700):  # what it may hold has an end
        switch.send(1, SHORT)
    assert switch.drops(2).keys() == {"buffer-share"}


def test_ten_queues_are_as_long_as_they_are_to_be(switch: Switch) -> None:
    waiting = saturate(switch, 30, 1000)
    assert min(waiting.values()) > 990


def test_the_same_holds_for_large_buffers(switch: Switch) -> None:
    waiting = saturate(switch, 9000, 100)
    assert list(switch.send(3, LONG)) == [4]
    assert min(waiting.values()) == waiting[10] > 3
    assert sum(waiting.values()) < LARGE - LARGE // 8
    assert switch.drops(2)["buffer-share"] > 0


def test_a_super_frame_that_may_not_wait_is_dropped_as_the_frames_it_stands_for(
    switch: Switch,
) -> None:
    tap = Tap(switch, 9)
    switch.set_queue(2, 1, max_rate=1, max_packets=65536)
    switch.add_flow("actions=set_queue:1,output:2")
    for _ in range(200):
        tap.write(super_frame("tcp", 40_000, 1000))
        switch.poll()
    dropped = switch.drops(2)
    assert dropped.keys() == {"buffer-share"}
    assert dropped["buffer-share"] == refused(switch)[1]
    assert dropped["buffer-share"] % 40 == 0
    assert 45 * 40 < dropped["buffer-share"] < 55 * 40  # a third of 448 wait
    tap.close()


def test_an_empty_queue_takes_a_packet_however_many_wait_elsewhere(crowded: Switch) -> None:
    switch = crowded
    saturate(switch, 30, 1000)
    for number in range(20, 60):
        switch.set_queue(2, number, max_rate=8000)
        switch.add_flow(f"in_port=1,tcp,tp_dst={number},actions=set_queue:{number},output:2")
        left = [len(switch.send(1, f"tcp,tp_dst={number}").get(2, [])) for _ in range(10)]
        assert sum(left) >= 1
    assert not any(refused(switch)[number] == 10 for number in range(20, 60))


def test_what_drains_makes_room_again(crowded: Switch) -> None:
    switch = crowded
    saturate(switch, 30, 1000)
    before = switch.drops(2)["buffer-share"]
    for queue in QUEUES:
        switch.set_queue(2, queue)  # no limit any more: all of it leaves
        switch.poll()
    switch.set_queue(2, 10, max_rate=8000)
    for _ in range(1000):
        switch.send(1, "udp,tp_dst=10")
    assert switch.drops(2)["buffer-share"] == before


def test_a_memory_port_that_nobody_reads_leaves_the_reserve(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_buffers=1024)
    switch.add_flow("in_port=1,actions=output:2")
    switch.add_flow("in_port=3,actions=output:4")
    for _ in range(1200):
        switch._core.mem_send(1, 1, SHORT)
        switch._core.poll(switch.now_ns)
    switch._core.mem_send(1, 3, SHORT)
    switch._core.poll(switch.now_ns)
    assert switch.drops(2).keys() == {"buffer-share"}
    out = switch.received()
    assert len(out[2]) == 1200 - switch.drops(2)["buffer-share"] > 700
    assert len(out[4]) == 1


def offer_all(switch: Switch) -> None:
    for _ in range(1024):
        switch.offer(1, SHORT)


def test_what_nobody_has_polled_leaves_the_reserve_too(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_buffers=1024)
    switch.add_flow("in_port=3,actions=output:4")
    with pytest.raises(OSError, match="No buffer space"):
        offer_all(switch)
    assert switch._core.poll(switch.now_ns) > 0
    for _ in range(100):
        switch.offer(3, SHORT)
    assert len(switch.poll()[4]) == 100


def write_pcap(path: Path, frames: list[bytes]) -> None:
    records = b"".join(struct.pack("=IIII", 0, 0, len(f), len(f)) + f for f in frames)
    path.write_bytes(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records)


@pytest.mark.parametrize("cache", [True, False])
def test_ports_full_of_new_flows_leave_buffers_to_others(
    make_switch: MakeSwitch, tmp_path: Path, cache: bool
) -> None:
    """What waits for the tables: 100 ports could keep 3,100 buffers so."""
    switch = make_switch(max_buffers=1024, cache=cache)
    switch.add_flow("in_port=3,actions=output:4")
    switch.add_flow("udp,tp_dst=9,actions=output:2")
    write_pcap(tmp_path / "flows", [frame(f"tcp,tp_dst={i}") for i in range(2000)])
    for number in range(100, 200):
        switch.add_port(number, read_pcap=str(tmp_path / "flows"))
    passed = 0
    for i in range(20):
        switch._core.mem_send(1, 3, SHORT + struct.pack("!I", i))
        switch._core.poll(switch.now_ns)
        passed += len(switch.received().get(4, []))
    assert passed == 20
    drops = {name for number in range(100, 200) for name in switch.drops(number)}
    assert drops == {"table-miss"}


def slow_queue(switch: Switch, in_port: int) -> None:
    switch.set_queue(2, 1, max_rate=1000, max_packets=65536)
    switch.add_flow(f"priority=9,in_port={in_port},actions=set_queue:1,output:2")
    switch.add_flow("tcp,tp_src=9999,tp_dst=9999,actions=output:2")  # each connection is a flow


def test_new_flows_take_no_place_from_a_slow_queue(switch: Switch, tmp_path: Path) -> None:
    """200 ports would have 16 packets each wait most of the time, and the queue hold 3,700."""
    slow_queue(switch, in_port=1)
    write_pcap(tmp_path / "flows", [frame(f"tcp,tp_dst={i}") for i in range(2000)])
    for number in range(100, 300):
        switch.add_port(number, read_pcap=str(tmp_path / "flows"))
    switch._core.poll(switch.now_ns)
    for sent in range(500, 5000, 500):
        for _ in range(500):
            switch._core.mem_send(1, 1, SHORT)
        while switch.port_stats()[1].rx_packets < sent:
            switch._core.poll(switch.now_ns)
    assert switch.drops(2) == {}
    assert {name for i in range(100, 300) for name in switch.drops(i)} == {"table-miss"}


def test_new_flows_of_super_frames_take_no_place_from_a_slow_queue(switch: Switch) -> None:
    """16 ports would have half of the 512 large buffers wait for the tables."""
    slow_queue(switch, in_port=1)
    taps = {number: Tap(switch, number) for number in range(100, 116)}
    flows = [super_frame(f"tcp,tp_src={i}", 3000, 1000) for i in range(150)]
    for tap, one in itertools.product(taps.values(), flows):
        tap.write(one)
    for _ in range(140):
        switch._core.mem_send(1, 1, LONG)
        switch._core.poll(switch.now_ns)
    assert switch.drops(2) == {}
    for number, tap in taps.items():
        assert switch.port_stats()[number].rx_packets < 3 * 150  # they were at it all the time
        assert switch.drops(number).keys() == {"table-miss"}
        tap.close()


def test_where_no_more_may_wait_known_flows_still_pass_by_the_batch(
    switch: Switch, tmp_path: Path
) -> None:
    switch.add_flow("in_port=3,actions=output:4")
    switch.add_flow("tcp,tp_dst=9999,actions=output:2")  # each connection is a flow
    write_pcap(tmp_path / "flows", [frame(f"tcp,tp_dst={i}") for i in range(2000)])
    for number in range(100, 400):
        switch.add_port(number, read_pcap=str(tmp_path / "flows"))
    assert pass_at_once(switch, 1) == 1  # known from now on
    assert pass_at_once(switch, 32) == 32


def pass_at_once(switch: Switch, n: int) -> int:
    """How many of so many packets leave when it is port 3's turn."""
    before = switch.port_stats()[4].tx_packets
    for _ in range(n):
        switch._core.mem_send(1, 3, SHORT)
    while switch.port_stats()[4].tx_packets == before:
        switch._core.poll(switch.now_ns)
    return switch.port_stats()[4].tx_packets - before


def test_what_is_on_its_way_leaves_before_buffers_run_out(
    make_switch: MakeSwitch, tmp_path: Path
) -> None:
    """In one turn 31 ports bring 992 packets for 32 ports, each of which gathers a batch."""
    switch = make_switch(max_buffers=512)
    write_pcap(tmp_path / "flows", [frame(f"tcp,tp_dst={i}") for i in range(1, 33)])
    for i in range(1, 33):
        switch.add_counting_port(300 + i)
        switch.add_flow(f"tcp,tp_dst={i},actions=output:{300 + i}")
    for number in range(100, 131):
        switch.add_port(number, read_pcap=str(tmp_path / "flows"))
    while switch.stats().hits < 5000:
        switch._core.poll(switch.now_ns)
    assert all(switch.drops(number) == {} for number in range(100, 131))
    sent = [switch.port_stats()[300 + i].tx_packets for i in range(1, 33)]
    assert min(sent) > 100
