"""Queues of ports: set_queue sends packets through one, its rate decides when they leave."""

import struct

import pytest

from datapath import OpenFlowRefusal, Switch
from datapath.frames import QueueSpec
from tests.packet.headers import frame
from tests.packet.messages import statistics
from vswitch.errors import SchemaError
from vswitch.schema import QUEUES_MAX, Queue
from vswitch.values import RATE_MAX

QUEUE = 5
PORT_DOWN = 1
ALL = 0xFFFFFFFF
FRAME = b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x88\xb5" + bytes(1236)  # 1,250 bytes: 10,000 bits


@pytest.fixture
def slow(switch: Switch) -> Switch:
    """Port 2 has queue 7, which lets 1 Mbit/s leave: one frame in 10 ms."""
    switch.set_queue(2, 7, max_rate=1_000_000)
    switch.add_flow("actions=set_queue:7,output:2,set_queue:8,output:3")
    return switch


def queue_stats(switch: Switch, port: int = ALL, queue: int = ALL) -> dict[tuple[int, int], tuple]:
    (reply,) = switch.openflow(statistics(QUEUE, struct.pack("!II", port, queue)))
    return {row[:2]: row[2:5] for row in struct.iter_unpack("!IIQQQII", reply[16:])}


def test_packets_leave_at_the_rate_of_their_queue(slow: Switch) -> None:
    left = [len(slow.send(1, FRAME).get(2, [])) for _ in range(5)]
    assert sum(left) <= 2
    for _ in range(20):
        slow.now_ns += 5_000_000
        left.append(len(slow.poll().get(2, [])))
    assert sum(left) == 5
    assert max(left) == 1
    assert queue_stats(slow) == {(2, 7): (5 * 1250, 5, 0)}


def test_a_queue_that_is_not_there_holds_nothing_up(slow: Switch) -> None:
    assert [len(slow.send(1, FRAME)[3]) for _ in range(5)] == [1] * 5


def test_a_full_queue_drops_and_counts(switch: Switch) -> None:
    switch.set_queue(2, 1, max_rate=1000, max_packets=3)
    switch.add_flow("actions=set_queue:1,output:2")
    left = sum(len(switch.send(1, FRAME).get(2, [])) for _ in range(10))
    assert left == 1
    assert switch.drops(2) == {"queue-full": 6}
    assert queue_stats(switch) == {(2, 1): (1250, 1, 6)}


def test_other_traffic_of_the_port_passes_by(slow: Switch) -> None:
    slow.add_flow("priority=40000,arp,actions=output:2")
    for _ in range(5):
        slow.send(1, FRAME)
    assert [len(slow.send(1, "arp")[2]) for _ in range(3)] == [1] * 3


def test_a_new_rate_holds_for_what_waits(slow: Switch) -> None:
    for _ in range(10):
        slow.send(1, FRAME)
    slow.set_queue(2, 7, max_rate=1_000_000_000)
    slow.now_ns += 20_000_000
    assert len(slow.poll()[2]) >= 8


def test_a_queue_without_a_rate_any_more_lets_go_of_all(slow: Switch) -> None:
    for _ in range(10):
        slow.send(1, FRAME)
    slow.set_queue(2, 7)
    assert len(slow.poll()[2]) >= 8
    assert len(slow.send(1, FRAME)[2]) == 1


def test_nothing_that_waits_leaves_by_a_port_that_went_down(slow: Switch) -> None:
    left = sum(len(slow.send(1, FRAME).get(2, [])) for _ in range(5))
    slow.set_port(2, config=PORT_DOWN, mask=PORT_DOWN)
    for _ in range(10):
        slow.now_ns += 20_000_000
        assert slow.poll() == {}
    assert slow.drops(2) == {"output-down": 5 - left}


@pytest.mark.parametrize("how", ["queue", "port", "switch"])
def test_what_waits_is_released_when_its_queue_goes(slow: Switch, how: str) -> None:
    for _ in range(10):
        slow.send(1, FRAME)
    if how == "queue":
        slow.remove_queue(2, 7)
        assert queue_stats(slow) == {}
        assert list(slow.send(1, FRAME)) == [2, 3]
    elif how == "port":
        slow.remove_port(2)
        assert list(slow.send(1, FRAME)) == [3]
    slow.close()  # asserts that every packet came back


def test_a_saturated_queue_that_goes_drops_all_that_waits(slow: Switch) -> None:
    left = sum(len(slow.send(1, FRAME).get(2, [])) for _ in range(500))
    slow.remove_queue(2, 7)
    assert left < 5
    assert slow.drops(2) == {"queue-full": 500 - left}


def test_set_queue_in_an_action_set_comes_before_the_output(switch: Switch) -> None:
    switch.set_queue(2, 7, max_rate=1000)
    switch.add_flow("actions=write_actions(output:2,set_queue:7)")
    assert sum(len(switch.send(1, FRAME).get(2, [])) for _ in range(3)) == 1


def test_statistics_name_what_is_not_there(slow: Switch) -> None:
    for port, queue, error in ((9, ALL, (9, 0)), (2, 8, (9, 1)), (3, 7, (9, 1))):
        with pytest.raises(OpenFlowRefusal) as refused:
            queue_stats(slow, port, queue)
        assert (refused.value.type, refused.value.code) == error
    assert list(queue_stats(slow, 2, 7)) == list(queue_stats(slow, ALL, 7)) == [(2, 7)]
    assert queue_stats(slow, 3) == {}


def test_a_queue_wants_a_port_and_a_number(switch: Switch) -> None:
    for port, queue in ((9, 1), (2, ALL)):
        with pytest.raises(OSError, match=f"{'port 9' if port == 9 else 'queue'}"):
            switch.set_queue(port, queue)
    with pytest.raises(OSError, match="no such queue"):
        switch.remove_queue(2, 1)


def test_a_port_that_comes_with_its_queues_sends_nothing_past_them(switch: Switch) -> None:
    """Rules are there before: the very first packet waits for its turn."""
    switch.add_flow("actions=set_queue:7,output:9")
    switch.add_port(9, queues=[QueueSpec(9, 5), QueueSpec(9, 7, max_rate=1_000_000)])
    assert sum(len(switch.send(1, FRAME).get(9, [])) for _ in range(5)) == 1
    assert queue_stats(switch) == {(9, 5): (0, 0, 0), (9, 7): (1250, 1, 0)}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (QueueSpec(8, 2), "it is of port 8 and came with port 9"),
        (QueueSpec(9, 1), "port mem9 has it twice"),
        (QueueSpec(9, ALL), "that number means all queues"),
    ],
)
def test_a_port_comes_with_all_its_queues_or_not_at_all(
    switch: Switch, wrong: QueueSpec, why: str
) -> None:
    with pytest.raises(OSError, match=why):
        switch.add_port(9, queues=[QueueSpec(9, 1), wrong])
    assert 9 not in switch.port_stats()
    switch.add_port(9, queues=[QueueSpec(9, 1)])
    assert queue_stats(switch) == {(9, 1): (0, 0, 0)}


TCP = frame("tcp,nw_dst=10.0.0.2,tp_dst=80")
TAGGED = TCP[:12] + bytes.fromhex("81000000") + TCP[12:]


@pytest.mark.parametrize(
    "actions",
    [
        "set_queue:0,output:2",
        "output:2,set_queue:0",
        "write_actions(set_queue:0,output:2)",
        "write_actions(output:2,set_queue:0)",
    ],
)
def test_a_queue_changes_no_packet(switch: Switch, actions: str) -> None:
    switch.add_flow(f"actions={actions}")
    for _ in range(2):
        assert switch.send(1, TCP) == {2: [TCP]}


def test_a_queue_alone_sends_nothing(switch: Switch) -> None:
    switch.add_flow("actions=set_queue:0")
    assert switch.send(1, TCP) == {}
    assert switch.drops(1) == {"rule": 1}


def test_a_bucket_may_choose_a_queue(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,set_queue:0,push_vlan:0x8100")
    switch.add_flow("actions=group:1,output:3")
    assert switch.send(1, TCP) == {2: [TAGGED], 3: [TCP]}


def test_the_schema_s_bounds_are_the_switch_s(switch: Switch) -> None:
    for number in range(QUEUES_MAX):
        switch.set_queue(2, number)
    with pytest.raises(OSError, match="has 256 queues, the most"):
        switch.set_queue(2, QUEUES_MAX)
    Queue("p", 0, max_rate=RATE_MAX, max_packets=65536)
    with pytest.raises(SchemaError):
        Queue("p", 0, max_packets=65537)
    switch.set_queue(3, 0, max_rate=RATE_MAX, max_packets=65536)
    with pytest.raises(OSError, match="65537 packets can't wait"):
        switch.set_queue(3, 1, max_packets=65537)
