"""OFPP_NORMAL: the switch learns where stations are, as any Ethernet switch does."""

from __future__ import annotations

import pytest

from datapath.action import Output
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.switch import Switch
from datapath.testing import MakeSwitch
from tests.packet.messages import BARRIER, message, packet_out


@pytest.fixture
def learning(switch: Switch) -> Switch:
    switch.add_flow("actions=NORMAL")
    return switch


def station(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


def sent(switch: Switch, port: int, source: int, to: int, tag: str = "") -> list[int]:
    """Where a packet from one station to another goes."""
    return sorted(switch.send(port, f"dl_src={station(source)},dl_dst={station(to)}{tag}"))


def test_an_unknown_station_is_flooded_to_and_a_known_one_is_not(learning: Switch) -> None:
    assert sent(learning, 1, 1, 2) == [2, 3, 4]
    assert sent(learning, 2, 2, 1) == [1]
    assert sent(learning, 1, 1, 2) == [2]
    assert sent(learning, 3, 3, 1) == [1]


def test_a_station_that_moves_is_found_again(learning: Switch) -> None:
    sent(learning, 1, 1, 9)
    assert sent(learning, 2, 2, 1) == [1]
    sent(learning, 3, 1, 9)
    for _ in range(2):
        assert sent(learning, 2, 2, 1) == [3]


def test_a_packet_for_its_own_port_is_dropped(learning: Switch) -> None:
    sent(learning, 1, 1, 9)
    assert sent(learning, 1, 2, 1) == []
    assert learning.drops(1) == {"output-self": 1}


def test_vlans_are_learned_apart(learning: Switch) -> None:
    sent(learning, 1, 1, 9, ",dl_vlan=5")
    assert sent(learning, 2, 2, 1) == [1, 3, 4]
    assert sent(learning, 2, 2, 1, ",dl_vlan=5") == [1]


def test_group_addresses_are_flooded_and_never_learned(learning: Switch) -> None:
    learning.send(1, "dl_src=01:00:5e:00:00:01,dl_dst=02:00:00:00:00:09")
    assert sorted(learning.send(2, "dl_src=02:00:00:00:00:02,dl_dst=01:00:5e:00:00:01")) == [
        1,
        3,
        4,
    ]
    assert sorted(learning.send(2, "dl_src=02:00:00:00:00:02,dl_dst=ff:ff:ff:ff:ff:ff")) == [
        1,
        3,
        4,
    ]


def test_a_silent_station_is_forgotten_and_a_talking_one_is_not(learning: Switch) -> None:
    sent(learning, 1, 1, 9)
    sent(learning, 3, 3, 9)
    for _ in range(5):
        learning.advance(100)
        sent(learning, 3, 3, 9)
    assert sent(learning, 2, 2, 3) == [3]
    assert sent(learning, 2, 2, 1) == [1, 3, 4]


def test_a_removed_port_is_flooded_around(learning: Switch) -> None:
    sent(learning, 1, 1, 9)
    learning.remove_port(1)
    assert sent(learning, 2, 2, 1) in ([3, 4], [])
    learning.add_port(1)
    sent(learning, 1, 1, 9)
    assert sent(learning, 2, 2, 1) == [1]


def test_packet_outs_teach_nothing(learning: Switch) -> None:
    frame = parse_packet(f"dl_src={station(7)},dl_dst={station(8)}", 1).frame
    learning.openflow(packet_out((Output(Reserved.NORMAL),), frame) + message(BARRIER))
    assert sorted(learning.received()) == [1, 2, 3, 4]
    assert sent(learning, 2, 2, 7) == [1, 3, 4]


def test_the_table_is_bounded(learning: Switch) -> None:
    """More stations than it holds: new ones are flooded to, known ones found (HARDENING S14)."""
    sent(learning, 1, 1, 9)
    for i in range(9000):
        source = f"06:00:00:00:{i >> 8:02x}:{i & 255:02x}"
        learning.send(3, f"dl_src={source},dl_dst={station(1)}")
    assert sent(learning, 2, 2, 1) == [1]


@pytest.mark.parametrize("cache", [True, False])
def test_the_cache_changes_nothing(make_switch: MakeSwitch, cache: bool) -> None:
    switch = make_switch(cache=cache)
    switch.add_flow("actions=NORMAL")
    went = [sent(switch, 1 + i * i % 4, i * i % 7, i % 5) for i in range(200)]
    assert went == as_learned()


def as_learned() -> list[list[int]]:
    known: dict[int, int] = {}
    went = []
    for i in range(200):
        port, source, to = 1 + i * i % 4, i * i % 7, i % 5
        out = [known[to]] if to in known else [1, 2, 3, 4]
        known[source] = port
        went.append([number for number in out if number != port])
    return went
