"""Groups that choose: which bucket a packet takes, and what lives (1.3.5, 5.6.1 and 6.7)."""

from __future__ import annotations

import pytest

from datapath.group_text import parse_group
from datapath.problems import Error
from datapath.switch import OpenFlowRefusal, Switch
from datapath.testing import MakeSwitch
from tests.packet.grouped import TCP, counted, flow, refused

DOWN, LINK_DOWN = 1, 1


# ---- select ----


def test_select_takes_one_bucket_and_stays_with_it(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    chosen = [list(switch.send(1, flow(number))) for number in range(64)]
    assert all(len(ports) == 1 for ports in chosen)
    assert [list(switch.send(1, flow(number))) for number in range(64)] == chosen
    assert {ports[0] for ports in chosen} == {2, 3, 4}
    packets, buckets = counted(switch, 1)
    assert packets == sum(buckets) == 128


def test_select_chooses_alike_with_and_without_a_cache(make_switch: MakeSwitch) -> None:
    chosen = []
    for switch in (make_switch(), make_switch(cache=False)):
        switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3")
        switch.add_flow("actions=group:1")
        chosen.append([list(switch.send(1, flow(number))) for number in range(64)])
    assert chosen[0] == chosen[1]


def test_all_packets_of_a_connection_go_one_way(switch: Switch) -> None:
    """They differ in what is no field: payload, TTL, TCP's flags."""
    switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    for port in range(20):
        connection = f"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src={port},tp_dst=80"
        kinds = ("", ",tcp_flags=+ack", ",payload=00ff00ff,nw_ttl=3")
        assert len({tuple(switch.send(1, connection + kind)) for kind in kinds}) == 1


def test_select_shares_by_weight(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=weight:1,output:2,bucket=weight:3,output:3")
    switch.add_flow("actions=group:1")
    for number in range(2000):
        switch.send(1, flow(number))
    _, (light, heavy) = counted(switch, 1)
    assert 350 < light < 650, "a quarter of 2000 flows, some more or less"
    assert light + heavy == 2000


def test_a_bucket_without_weight_is_never_chosen(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=weight:0,output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    for number in range(64):
        assert list(switch.send(1, flow(number))) == [3]


def shares(switch: Switch) -> list[int]:
    """Where each of many flows goes that a select group shares out among ports 2 and 3."""
    switch.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    return [port for number in range(256) for port in switch.send(1, flow(number))]


def test_nobody_can_tell_which_flows_share_a_bucket(make_switch: MakeSwitch) -> None:
    """HARDENING S13: who chose flows that one switch sends to one bucket overloads no other."""
    first, same, other = (shares(make_switch(seed=seed)) for seed in (1, 1, 2))
    assert first == same
    overload = [there for here, there in zip(first, other, strict=True) if here == 2]
    assert 0.3 < overload.count(2) / len(overload) < 0.7


def test_where_no_bucket_weighs_anything_all_are_alike(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=weight:0,output:2,bucket=weight:0,output:3")
    switch.add_flow("actions=group:1")
    assert {port for number in range(64) for port in switch.send(1, flow(number))} == {2, 3}


@pytest.mark.parametrize("kind", ["all", "indirect", "ff"])
def test_only_buckets_of_select_groups_have_a_weight(switch: Switch, kind: str) -> None:
    """Section 6.5: a group with what is undefined for its type is OFPGMFC_INVALID_GROUP."""
    group = f"group_id=1,type={kind},bucket=weight:1,watch_port:2,output:2"
    assert refused(switch, parse_group(group)) is Error.GROUP_MOD_FAILED_INVALID_GROUP
    assert switch.dump_groups() == []
    switch.add_group(group.replace("weight:1", "weight:0"))
    with pytest.raises(OpenFlowRefusal):
        switch.mod_group(group)
    switch.mod_group("group_id=1,type=select,bucket=weight:1,output:2")


def test_a_bucket_that_does_not_live_is_never_chosen(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=select,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"
    )
    switch.add_flow("actions=group:1")
    before = {number: list(switch.send(1, flow(number))) for number in range(64)}
    switch.set_port(2, config=DOWN, mask=DOWN)
    assert all(list(switch.send(1, flow(number))) == [3] for number in range(64))
    switch.set_port(2, config=0, mask=DOWN)
    assert {number: list(switch.send(1, flow(number))) for number in range(64)} == before


def test_select_without_a_living_bucket_drops(switch: Switch) -> None:
    switch.add_group("group_id=1,type=select,bucket=watch_port:2,output:2,bucket=weight:0,output:3")
    switch.add_flow("actions=group:1")
    switch.set_port(2, state=LINK_DOWN)
    assert switch.send(1, TCP) == {}
    assert switch.drops(1) == {"group": 1}
    assert counted(switch, 1) == (1, [0, 0])


# ---- fast failover and liveness ----


def test_failover_takes_the_first_bucket_that_lives(switch: Switch) -> None:
    switch.add_group(
        "group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3,"
        "bucket=output:4"
    )
    switch.add_flow("actions=group:1")
    ways = []
    for down in ((), (2,), (2, 3), (3,), ()):
        for port in (2, 3):
            switch.set_port(port, config=DOWN if port in down else 0, mask=DOWN)
        ways.append(list(switch.send(1, TCP)))
    assert ways == [[2], [3], [4], [2], [2]]
    assert counted(switch, 1) == (5, [3, 1, 1])


@pytest.mark.parametrize("change", [{"config": DOWN, "mask": DOWN}, {"state": LINK_DOWN}])
def test_a_port_is_down_by_configuration_or_by_its_link(
    switch: Switch, change: dict[str, int]
) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:2,output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    assert list(switch.send(1, TCP)) == [3]
    switch.set_port(2, **change)
    assert list(switch.send(1, TCP)) == [4]


def test_a_port_that_only_does_not_forward_is_up(switch: Switch) -> None:
    no_recv, no_fwd, no_packet_in = 4, 32, 64
    switch.add_group("group_id=1,type=ff,bucket=watch_port:2,output:3,bucket=output:4")
    switch.add_flow("actions=group:1")
    switch.set_port(2, config=no_recv | no_fwd | no_packet_in, mask=0xFF)
    assert list(switch.send(1, TCP)) == [3]


def test_a_port_that_is_not_there_is_not_up(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:4,output:2,bucket=output:3")
    switch.add_flow("actions=group:1")
    switch.remove_port(4)
    assert list(switch.send(1, TCP)) == [3]
    switch.add_port(4)
    assert list(switch.send(1, TCP)) == [2]


def test_failover_without_a_living_bucket_drops(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:2,output:2")
    switch.add_flow("actions=group:1,output:3")
    switch.set_port(2, config=DOWN, mask=DOWN)
    assert switch.send(1, TCP) == {3: [TCP]}
    assert counted(switch, 1) == (1, [0])


def test_a_bucket_lives_while_its_port_or_its_group_does(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:3,output:3")
    switch.add_group(
        "group_id=2,type=ff,bucket=watch_port:2,watch_group:1,output:2,bucket=output:4"
    )
    switch.add_flow("actions=group:2")
    ways = []
    for down in ((), (2,), (3,), (2, 3)):
        for port in (2, 3):
            switch.set_port(port, state=LINK_DOWN if port in down else 0)
        ways.append(list(switch.send(1, TCP)))
    assert ways[0] == ways[2] == [2]
    assert ways[3] == [4]
    assert ways[1] == [], "the bucket lives by its group, the port it sends to is down"


def test_liveness_goes_through_a_chain_of_groups(switch: Switch) -> None:
    switch.add_group("group_id=1,type=ff,bucket=watch_port:3,output:3")
    for number in range(2, 9):
        switch.add_group(f"group_id={number},type=all,bucket=watch_group:{number - 1},output:3")
    switch.add_group("group_id=9,type=ff,bucket=watch_group:8,group:1,bucket=output:4")
    switch.add_flow("actions=group:9")
    assert list(switch.send(1, TCP)) == [3]
    switch.set_port(3, state=LINK_DOWN)
    assert list(switch.send(1, TCP)) == [4]


def test_a_watched_group_that_is_deleted_lives_no_more(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:3")
    switch.add_group("group_id=2,type=ff,bucket=watch_group:1,output:2,bucket=output:4")
    switch.add_flow("actions=group:2")
    assert list(switch.send(1, TCP)) == [2]
    switch.del_groups("group_id=1")
    assert list(switch.send(1, TCP)) == [4]


def test_a_group_without_buckets_does_not_live(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all")
    switch.add_group("group_id=2,type=ff,bucket=watch_group:1,output:2,bucket=output:4")
    switch.add_flow("actions=group:2")
    assert list(switch.send(1, TCP)) == [4]
    switch.mod_group("group_id=1,type=all,bucket=drop")
    assert list(switch.send(1, TCP)) == [2]
