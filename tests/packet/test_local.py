"""OFPP_LOCAL, the host's own port (OpenFlow 1.3.5, 4.5 and 7.2.1): a port like any other."""

import pytest

from datapath import Switch
from datapath.ports import Reserved

LOCAL = int(Reserved.LOCAL)
TO_HOST = "dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:0f,tcp"
FROM_HOST = "dl_src=02:00:00:00:00:0f,dl_dst=02:00:00:00:00:01,tcp"


@pytest.fixture
def host(switch: Switch) -> Switch:
    switch.add_port(LOCAL)
    return switch


def test_an_output_to_local_reaches_the_host(host: Switch) -> None:
    host.add_flow("in_port=1,actions=LOCAL")
    assert list(host.send(1, TO_HOST)) == [LOCAL]
    assert host.port_stats()[LOCAL].tx_packets == 1


def test_rules_tell_what_comes_from_the_host(host: Switch) -> None:
    host.add_flow("in_port=LOCAL,actions=output:2")
    assert list(host.send(LOCAL, FROM_HOST)) == [2]
    assert host.send(1, FROM_HOST) == {}
    assert host.drops(1) == {"table-miss": 1}


@pytest.mark.parametrize("to", ["FLOOD", "ALL", "NORMAL"])
def test_floods_include_the_host_and_leave_out_the_one_that_speaks(host: Switch, to: str) -> None:
    host.add_flow(f"actions={to}")
    assert LOCAL in host.send(1, TO_HOST)
    others = host.send(LOCAL, "dl_src=02:00:00:00:00:0f,dl_dst=02:00:00:00:00:77,tcp")
    assert LOCAL not in others
    assert {1, 2} <= others.keys()


def test_normal_learns_where_the_host_is(host: Switch) -> None:
    host.add_flow("actions=NORMAL")
    host.send(LOCAL, FROM_HOST)
    assert list(host.send(1, TO_HOST)) == [LOCAL]


def test_an_answer_goes_back_to_the_host_by_in_port(host: Switch) -> None:
    host.add_flow("in_port=LOCAL,actions=IN_PORT")
    assert list(host.send(LOCAL, FROM_HOST)) == [LOCAL]


def test_without_that_port_an_output_to_it_is_a_drop(switch: Switch) -> None:
    switch.add_flow("actions=LOCAL")
    assert switch.send(1, TO_HOST) == {}
    assert switch.drops(1) == {"no-port": 1}


def test_it_has_queues_and_is_watched_like_any(host: Switch) -> None:
    host.set_queue(LOCAL, 1, max_rate=1000)
    host.add_flow("actions=set_queue:1,LOCAL")
    assert sum(len(host.send(1, TO_HOST).get(LOCAL, [])) for _ in range(3)) == 1
    host.add_group("group_id=1,type=ff,bucket=watch_port:LOCAL,LOCAL,bucket=watch_port:2,output:2")
    host.add_flow("actions=group:1")
    host.remove_queue(LOCAL, 1)
    assert list(host.send(1, TO_HOST)) == [LOCAL]
    host.remove_port(LOCAL)
    assert list(host.send(1, TO_HOST)) == [2]


@pytest.mark.parametrize("number", [0, 0xFFFFFF00, 0xFFFFFFF7, 0xFFFFFFF8, 0xFFFFFFFD, 0xFFFFFFFF])
def test_other_reserved_numbers_are_no_ports(switch: Switch, number: int) -> None:
    with pytest.raises(OSError, match="no such number in OpenFlow; use 1 to"):
        switch.add_port(number)
