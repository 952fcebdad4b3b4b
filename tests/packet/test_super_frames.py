"""A super-frame counts as the frames that it stands for, wherever something counts.

Counters of rules, meters and ports, drops of every reason, queues.  Rules and meters count bytes
as a frame had them when it came into the switch, whatever was pushed since, cut or not.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import pytest

from datapath.frames import DROPS
from datapath.switch import Switch
from datapath.testing import MakeSwitch
from tests.kit.supers import Super, Tap, super_frame
from tests.packet.headers import frame
from tests.packet.messages import statistics

QUEUE_STATS = 5
TAP = 9
PORT_DOWN = 1
TEXT = "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80,nw_ttl=9,dl_src=02:00:00:00:00:01"
FORTY = super_frame(TEXT, 40_000, 1000)
TEN = super_frame(TEXT, 10_000, 1000)
OLD = super_frame(TEXT.replace("nw_ttl=9", "nw_ttl=1"), 40_000, 1000)
TAGGED = super_frame(TEXT + ",dl_vlan=5", 40_000, 1000)
RESERVED = super_frame(TEXT + ",dl_dst=01:80:c2:00:00:00", 40_000, 1000)
PIECE = 54 + 1000


@pytest.fixture
def tap(switch: Switch) -> Iterator[Tap]:
    made = Tap(switch, TAP)
    yield made
    made.close()


def drop_at_meter(switch: Switch) -> None:
    switch.add_meter("meter=1,pktps,band=type=drop,rate=0")
    switch.add_flow("actions=meter:1,output:2")


def drop_at_flood_limit(switch: Switch) -> None:
    switch.set_normal(flood_rate=1)
    switch.add_flow("actions=NORMAL")


def drop_at_vlan(switch: Switch) -> None:
    switch.set_vlans(TAP, trunks=(1, 2))
    switch.add_flow("actions=NORMAL")


def drop_at_queue(switch: Switch) -> None:
    """One frame waits: there is not the room for forty."""
    switch.set_queue(2, 1, max_rate=1, max_packets=40)
    switch.add_flow("actions=set_queue:1,output:2")
    for _ in range(3):
        switch.send(1, frame(TEXT))


def drop_at_port(number: int) -> Callable[[Switch], None]:
    def drop(switch: Switch) -> None:
        switch.set_port(number, config=PORT_DOWN, mask=PORT_DOWN)
        switch.add_flow("actions=output:2")

    return drop


def drop_at_mtu(switch: Switch) -> None:
    switch.add_port(5, mtu=1000)
    switch.add_flow("actions=output:5")


def drop_by(rule: str) -> Callable[[Switch], None]:
    def drop(switch: Switch) -> None:
        switch.add_group("group_id=1,type=all")
        switch.add_flow(f"actions={rule}")

    return drop


PUSHES = ",".join(["push_vlan:0x8100"] * 17)
WAYS: dict[str, tuple[Callable[[Switch], None], Super, int]] = {
    # reason: rules, what comes, the port that counts it
    "meter": (drop_at_meter, FORTY, TAP),
    "flood-limit": (drop_at_flood_limit, FORTY, TAP),
    "vlan": (drop_at_vlan, TAGGED, TAP),
    "queue-full": (drop_at_queue, FORTY, 2),
    "port-down": (drop_at_port(TAP), FORTY, TAP),
    "output-down": (drop_at_port(2), FORTY, 2),
    "mtu": (drop_at_mtu, FORTY, 5),
    "table-miss": (lambda switch: None, FORTY, TAP),
    "rule": (drop_by("drop"), FORTY, TAP),
    "no-port": (drop_by("output:99"), FORTY, TAP),
    "output-self": (drop_by(f"output:{TAP}"), FORTY, TAP),
    "ttl": (drop_by("dec_ttl,output:2"), OLD, TAP),
    "too-deep": (drop_by(f"{PUSHES},output:2"), FORTY, TAP),
    "group": (drop_by("group:1"), FORTY, TAP),
    "reserved-address": (drop_by("NORMAL"), RESERVED, TAP),
}
ELSEWHERE = {"rx-short", "rx-truncated", "rx-offload"}  # what comes is not believed to be one
ELSEWHERE |= {"no-in-port"}  # packet-outs
ELSEWHERE |= {"buffer-share"}  # test_buffers.py
ELSEWHERE |= {"tx-error"}  # tests/c/test_port_burst.c
ALONE = {"no-buffer", "packet-in-full", "tx-full"}  # below


def test_every_reason_is_provoked_somewhere() -> None:
    assert set(WAYS) | ELSEWHERE | ALONE == set(DROPS)


@pytest.mark.parametrize("reason", WAYS)
def test_a_drop_counts_every_frame(switch: Switch, tap: Tap, reason: str) -> None:
    prepare, packet, port = WAYS[reason]
    prepare(switch)
    if reason == "flood-limit":  # a full bucket lets one pass whole, the next finds it in debt
        tap.write(packet)
    tap.write(packet)
    switch.poll()
    assert switch.drops(port)[reason] == 40
    came = switch.port_stats()[TAP]
    assert came.rx_packets == (80 if reason == "flood-limit" else 40)


def test_what_waits_for_a_port_that_goes_down_counts_every_frame(switch: Switch, tap: Tap) -> None:
    switch.set_queue(2, 1, max_rate=1, max_packets=1000)
    switch.add_flow("actions=set_queue:1,output:2")
    for _ in range(2):  # the first leaves at once, and the queue is in debt
        tap.write(FORTY)
    assert len(switch.poll()[2]) == 40
    switch.set_port(2, config=PORT_DOWN, mask=PORT_DOWN)
    switch.now_ns += 1 << 62
    switch.poll()
    assert switch.drops(2) == {"output-down": 40}


def test_pieces_that_a_rule_drops_behind_a_bucket_that_may_have_sent_count_each(
    switch: Switch, tap: Tap
) -> None:
    """Whether anything was done with it is a question of each piece: the first must not answer."""
    switch.add_group("group_id=1,type=all,bucket=actions=push_mpls:0x8847,pop_mpls:0x0800")
    switch.add_flow("actions=push_mpls:0x8847,group:1")
    tap.write(FORTY)
    assert switch.poll() == {}
    assert switch.drops(TAP) == {"rule": 40}


def test_one_that_is_in_too_many_stages_counts_every_frame(switch: Switch, tap: Tap) -> None:
    """A meter that may change what a packet looks like makes one in each table."""
    switch.add_meter("meter=1,pktps,band=type=dscp_remark,rate=1,prec_level=1")
    for table in range(9):
        switch.add_flow(
            f"table={table},ip,actions=meter:1,set_field:1->ip_ecn,goto_table:{table + 1}"
        )
    switch.add_flow("table=9,actions=output:2")
    tap.write(FORTY)
    assert switch.poll() == {}
    assert switch.drops(TAP) == {"too-deep": 40}


def test_one_of_too_many_pieces_is_never_cut(switch: Switch, tap: Tap) -> None:
    small = super_frame(TEXT, 61_500, 60)
    assert small.pieces == 1025
    other = Tap(switch, 8)
    switch.add_flow("actions=output:8")
    tap.write(small)
    switch.poll()
    assert len(other.read()) == 1, "whole, it passes"
    other.close()
    switch.delete_flows()
    switch.add_flow("actions=push_mpls:0x8847,output:2")
    tap.write(small)
    assert switch.poll() == {}
    assert switch.drops(TAP) == {"too-deep": 1025}
    switch.add_flow("actions=output:2")
    tap.write(small)
    assert switch.poll() == {}
    assert switch.drops(2) == {"tx-error": 1025}


def tagged(packet: Super, tags: bytes) -> Super:
    n = len(tags)
    whole = packet.frame[:12] + tags + packet.frame[12:]
    return Super(
        whole,
        packet.headers + n,
        packet.size,
        packet.kind,
        packet.csum_start + n,
        packet.csum_offset,
    )


@pytest.mark.parametrize("n", [7, 8])
def test_a_tag_that_hides_the_transport_header_finds_its_checksum_complete(
    switch: Switch, tap: Tap, n: int
) -> None:
    """Nobody looks under more than eight tags, so nobody could complete it behind the ninth."""
    switch.add_flow("vlan_tci=0,actions=output:2")
    tap.write(TEN)
    plain = switch.poll()[2]
    switch.add_flow("dl_vlan=5,actions=push_vlan:0x8100,output:2")
    tags = bytes.fromhex("81000005")
    tap.write(tagged(TEN, tags * n))
    assert switch.poll()[2] == [one[:12] + tags * (n + 1) + one[12:] for one in plain]
    assert len(plain) == 10


def test_a_full_memory_port_drops_the_pieces_that_find_no_room(switch: Switch, tap: Tap) -> None:
    switch.add_flow("actions=" + ",".join(["output:2"] * 410))
    tap.write(TEN)
    assert len(switch.poll()[2]) == 4096
    assert switch.drops(2) == {"tx-full": 4}


def test_without_buffers_all_pieces_are_lost(make_switch: MakeSwitch) -> None:
    switch = make_switch(max_buffers=8)
    tap = Tap(switch, TAP)
    switch.add_flow("actions=push_mpls:0x8847,output:2")
    tap.write(FORTY)
    assert switch.poll() == {}
    assert switch.drops(TAP) == {"no-buffer": 40}
    switch.delete_flows()
    switch.add_flow("actions=output:2")
    tap.write(FORTY)
    assert switch.poll() == {}
    assert switch.drops(2) == {"no-buffer": 40}
    switch.add_flow("actions=CONTROLLER")
    tap.write(FORTY)
    switch.poll()
    assert switch.drops(TAP) == {"no-buffer": 80}
    tap.close()


def test_packet_ins_lost_count_one_by_one(switch: Switch, tap: Tap) -> None:
    switch.add_flow("actions=CONTROLLER:65535")
    for _ in range(100):
        tap.write(FORTY)
        switch._core.poll(switch.now_ns)  # nobody looks at what is told
    lost = switch.drops(TAP).get("packet-in-full", 0)
    told = len(switch.packet_ins()) + switch.stats().packet_ins_lost
    assert lost > 0
    assert told + lost == 4000


# ---- bytes ----

BEHIND = (
    "push_vlan:0x8100",
    "push_mpls:0x8847",
    "push_pbb:0x88e7",
    "push_vlan:0x88a8,push_mpls:0x8847",
    "pop_vlan,push_mpls:0x8847",
    "set_field:17->ip_proto",
)


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.parametrize("edits", BEHIND)
def test_rules_count_the_bytes_that_came(make_switch: MakeSwitch, edits: str, tagged: bool) -> None:
    """The same in every table, whether cut or not, and the same for the frames themselves."""
    text = TEXT + (",dl_vlan=7" if tagged else "")
    found = []
    for pieces in (1, 10):
        switch = make_switch()
        tap = Tap(switch, TAP)
        switch.add_flow(f"tcp,actions={edits},goto_table:1")
        switch.add_flow("table=1,actions=output:2")
        for _ in range(pieces):
            tap.write(super_frame(text, 10_000 // pieces, 1000))
        switch.poll()
        found.append([(flow.packets, flow.bytes) for flow in switch.dump_flows()])
        tap.close()
    came = 10 * (PIECE + 4 * tagged)
    assert found == [[(10, came)] * 2] * 2


def test_ports_count_the_bytes_that_leave(switch: Switch, tap: Tap) -> None:
    switch.add_flow("actions=push_vlan:0x8100,push_mpls:0x8847,output:2")
    tap.write(TEN)
    switch.poll()
    stats = switch.port_stats()
    assert (stats[TAP].rx_packets, stats[TAP].rx_bytes) == (10, 10 * PIECE)
    assert (stats[2].tx_packets, stats[2].tx_bytes) == (10, 10 * (PIECE + 8))


# ---- meters and queues ----


def test_a_meter_takes_it_whole_and_keeps_its_rate(switch: Switch, tap: Tap) -> None:
    """What a bucket can't hold passes a full one and leaves a debt: forty a second are forty."""
    switch.add_meter("meter=1,pktps,burst,band=type=drop,rate=40,burst_size=10")
    switch.add_flow("actions=meter:1,output:2")
    sent = 0
    for _ in range(1001):
        tap.write(FORTY)
        sent += len(switch.poll().get(2, []))
        switch.now_ns += 100_000_000
    assert sent % 40 == 0
    assert abs(sent - 4000) <= 40 + 10
    (stats,) = switch.meter_stats().values()
    assert stats.packets == 40 * 1001
    assert stats.bands[0].packets == stats.packets - sent == switch.drops(TAP)["meter"]


def test_a_queue_of_packets_is_one_of_frames(switch: Switch, tap: Tap) -> None:
    switch.set_queue(2, 1, max_rate=1000, max_packets=45)
    switch.add_flow("actions=set_queue:1,output:2")
    tap.write(FORTY)
    assert len(switch.poll()[2]) == 40  # the first leaves at once
    for _ in range(2):
        tap.write(FORTY)
    switch.poll()
    for _ in range(7):
        switch.send(1, frame(TEXT))
    assert switch.drops(2) == {"queue-full": 40 + 2}
    (reply,) = switch.openflow(statistics(QUEUE_STATS, struct.pack("!II", 2, 1)))
    assert struct.unpack_from("!QQQ", reply, 24) == (40 * PIECE, 40, 42)
    switch.remove_queue(2, 1)
    assert switch.drops(2) == {"queue-full": 42 + 40 + 5}


def test_pieces_are_charged_to_the_port_that_sent_them(switch: Switch, tap: Tap) -> None:
    """What a super-frame costs that is cut and flooded is the work of all its pieces: as long as
    others have something to send, the next one waits until that is paid."""
    for number in range(100, 150):
        switch.add_counting_port(number)
    switch.add_flow(f"in_port={TAP},actions=push_mpls:0x8847,ALL")
    switch.add_flow("in_port=1,actions=output:2")
    whole = super_frame(TEXT, 40_000, 100)
    for _ in range(5):
        tap.write(whole)
    for _ in range(20):
        switch.offer(1, TEXT)
        switch._core.poll(switch.now_ns)
    assert switch.port_stats()[100].tx_packets == whole.pieces
    switch.poll()
    assert switch.port_stats()[100].tx_packets == 5 * whole.pieces
    assert switch.port_stats()[2].rx_packets == 0


def test_one_of_too_many_pieces_for_a_controller_is_no_want_of_buffers(
    switch: Switch, tap: Tap
) -> None:
    """1,024 can be told of; more are lost by the name that they have elsewhere."""
    switch.add_flow("actions=CONTROLLER")
    for pieces, lost in ((1024, {}), (1025, {"too-deep": 1025})):
        tap.write(super_frame(TEXT, pieces * 50, 50))
        switch.poll()
        assert switch.drops(TAP) == lost
        assert len(switch.packet_ins()) == (0 if lost else pieces)
