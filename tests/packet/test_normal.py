"""OFPP_NORMAL: the switch learns where stations are, as any Ethernet switch does."""

from __future__ import annotations

import pytest

from datapath.action import Output
from datapath.packet_text import parse_packet
from datapath.ports import Reserved
from datapath.switch import Switch
from datapath.testing import MakeSwitch
from tests.packet.messages import BARRIER, message, packet_out
from vswitch.schema import Bridge


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


def test_a_port_takes_over_a_thousand_stations_at_once_and_ten_a_second(learning: Switch) -> None:
    """Two that say the same address move it with every packet, and each move costs the bridge what
    it has cached."""

    def place() -> int:
        (one,) = learning.macs()
        return one.port

    sent(learning, 1, 1, 9)
    for _ in range(1000):
        sent(learning, 2, 1, 9)
        sent(learning, 1, 1, 9)
    assert place() == 1
    sent(learning, 2, 1, 9)
    assert place() == 1
    sent(learning, 3, 1, 9)
    assert place() == 3  # whoever has not done so yet
    learning.advance(0.1)
    sent(learning, 2, 1, 9)
    assert place() == 2
    sent(learning, 3, 1, 9)
    sent(learning, 2, 1, 9)
    assert place() == 3
    learning.advance(0.1)
    sent(learning, 2, 1, 9)
    assert place() == 2


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
    assert known(learning) == {}
    assert sent(learning, 2, 2, 1) == [3, 4]
    learning.add_port(1)
    assert known(learning) == {2: 2}, "what the old one knew is not the new one's"
    assert sent(learning, 2, 2, 1) == [1, 3, 4]
    sent(learning, 1, 1, 9)
    assert sent(learning, 2, 2, 1) == [1]


@pytest.mark.parametrize("source", ["00:00:00:00:00:00", "01:00:5e:00:00:01"])
def test_an_address_that_is_no_stations_is_never_learned(learning: Switch, source: str) -> None:
    """And its packets are answered by the cache like others."""
    for _ in range(3):
        assert sorted(learning.send(1, f"dl_src={source},dl_dst={station(9)}")) == [2, 3, 4]
    assert learning.macs() == []
    assert learning.stats().hits == 2


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


def test_a_smaller_table_learns_less(learning: Switch) -> None:
    learning.set_normal(mac_limit=2)
    for number in (1, 2, 3):
        sent(learning, number, number, 9)
    assert [station.port for station in learning.macs()] == [1, 2]
    assert sent(learning, 4, 4, 3) == [1, 2, 3]
    learning.set_normal(mac_limit=8192)
    sent(learning, 3, 3, 9)
    assert sent(learning, 4, 4, 3) == [3]


def test_a_limit_beyond_the_switch_is_refused(learning: Switch) -> None:
    with pytest.raises(OSError, match="65537 stations are too many; 65536 is a bridge's most"):
        learning.set_normal(mac_limit=65537)


def test_the_age_is_a_setting(learning: Switch) -> None:
    learning.set_normal(mac_age=10)
    sent(learning, 1, 1, 9)
    learning.advance(9)
    assert sent(learning, 2, 2, 1) == [1]
    learning.advance(2)
    assert sent(learning, 2, 2, 1) == [1, 3, 4]


def test_without_an_age_nothing_is_forgotten(learning: Switch) -> None:
    learning.set_normal(mac_age=0)
    sent(learning, 1, 1, 9)
    learning.advance(1000)
    assert sent(learning, 2, 2, 1) == [1]


def test_stations_are_listed_with_their_age_and_forgotten_on_demand(learning: Switch) -> None:
    sent(learning, 1, 1, 9)
    sent(learning, 2, 2, 9, ",dl_vlan=7")
    learning.advance(20)
    sent(learning, 2, 2, 9, ",dl_vlan=7")
    first, second = learning.macs()
    assert (first.vlan, first.mac.hex(":"), first.port) == (0, station(1), 1)
    assert (second.vlan, second.mac.hex(":"), second.port) == (7, station(2), 2)
    assert first.age == pytest.approx(20, abs=0.3)
    assert second.age == 0
    learning.flush_macs()
    assert learning.macs() == []
    assert sent(learning, 3, 3, 1) == [1, 2, 4]


def test_a_long_list_of_stations_comes_whole(learning: Switch) -> None:
    for i in range(3000):
        learning.offer(1, f"dl_src=06:00:00:00:{i >> 8:02x}:{i & 255:02x},dl_dst={station(1)}")
    learning.poll()
    assert len({one.mac for one in learning.macs()}) == 3000


# ---- a port without a link has no stations ----

DOWN, NO_RECV, NO_FWD = 1, 4, 32
LINK_DOWN, BLOCKED = 1, 2
GONE = [{"config": DOWN, "mask": DOWN}, {"state": LINK_DOWN}, {"state": BLOCKED}]


def known(switch: Switch) -> dict[int, int]:
    """The port at which each station is known, by the last byte of its address."""
    return {one.mac[5]: one.port for one in switch.macs()}


@pytest.mark.parametrize("change", GONE)
@pytest.mark.parametrize("port", [1, int(Reserved.LOCAL)])
def test_what_was_learned_at_a_port_is_forgotten_as_it_goes_down(
    learning: Switch, change: dict[str, int], port: int
) -> None:
    learning.add_port(int(Reserved.LOCAL))
    sent(learning, port, 1, 9)
    sent(learning, port, 5, 9, ",dl_vlan=7")
    sent(learning, 2, 2, 9)
    assert sent(learning, 2, 2, 1) == [port]
    learning.set_port(port, **change)
    assert known(learning) == {2: 2}
    assert {3, 4} <= set(sent(learning, 2, 2, 1)), "it may have moved anywhere"
    sent(learning, 3, 1, 9)
    assert sent(learning, 2, 2, 1) == [3], "it was found where it is now"
    learning.set_port(port, config=0, mask=DOWN, state=0)
    sent(learning, port, 1, 9)
    assert sent(learning, 2, 2, 1) == [port]


def test_a_port_that_goes_down_makes_one_version_however_much_was_learned(learning: Switch) -> None:
    for number in range(100):
        sent(learning, 1, number, 9, ",dl_vlan=7" if number % 2 else "")
    before = learning.stats().version
    learning.set_port(1, state=LINK_DOWN)
    assert learning.stats().version == before + 1
    assert learning.macs() == []
    learning.set_port(1, state=LINK_DOWN)
    assert learning.stats().version == before + 1, "nothing changed"


@pytest.mark.parametrize("bit", [NO_RECV, NO_FWD])
def test_a_port_that_is_silent_or_deaf_by_choice_keeps_its_stations(
    learning: Switch, bit: int
) -> None:
    """They are still there: a flood would only tell everybody else what is for them."""
    sent(learning, 1, 1, 9)
    learning.set_port(1, config=bit, mask=bit)
    assert known(learning) == {1: 1}
    assert sent(learning, 2, 2, 1) == ([] if bit == NO_FWD else [1])


@pytest.mark.parametrize("change", GONE[1:])
def test_what_a_dead_link_left_behind_teaches_nothing(
    learning: Switch, change: dict[str, int]
) -> None:
    """Frames that were received before it went down are read after."""
    for source in (1, 5):
        learning.offer(1, f"dl_src={station(source)},dl_dst={station(9)}")
    learning.set_port(1, **change)
    learning.poll()
    assert known(learning) == {}
    learning.set_port(1)
    sent(learning, 1, 1, 9)
    assert known(learning) == {1: 1}


# ---- floods ----


def flooded(switch: Switch, port: int, times: int, to: str = "ff:ff:ff:ff:ff:ff") -> int:
    """How many of so many frames of one port reach port 4."""
    for _ in range(times):
        switch.offer(port, f"dl_src={station(port)},dl_dst={to}")
    return len(switch.poll().get(4, []))


@pytest.mark.parametrize("to", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", station(9)])
def test_a_storm_passes_at_the_rate_and_the_rest_has_a_name(learning: Switch, to: str) -> None:
    learning.set_normal(flood_rate=10)
    assert flooded(learning, 1, 50, to) == 10  # a second's worth at once
    assert learning.drops(1) == {"flood-limit": 40}
    learning.advance(0.5)
    assert flooded(learning, 1, 50, to) == 5
    learning.advance(60)
    assert flooded(learning, 1, 50, to) == 10


def test_a_storm_costs_nobody_else(learning: Switch) -> None:
    """Known stations are reached, and other ports have floods of their own."""
    learning.set_normal(flood_rate=5)
    sent(learning, 4, 4, 1)
    flooded(learning, 1, 100)
    assert flooded(learning, 1, 100, station(4)) == 100
    assert flooded(learning, 2, 5) == 5


def test_what_stands_behind_a_flood_above_its_limit_happens(switch: Switch) -> None:
    switch.add_flow("actions=NORMAL,output:4")
    switch.set_normal(flood_rate=1)
    assert sent(switch, 1, 1, 9) == [2, 3, 4]
    assert sent(switch, 1, 1, 9) == [4]
    assert switch.drops(1) == {"flood-limit": 1}


def test_the_daemon_s_limit_is_never_reached_by_looking_for_neighbours(learning: Switch) -> None:
    """A /22 that is scanned within a second, and again, by ARP; a thousand neighbours by ND."""
    rate = Bridge("br0").flood_rate
    learning.set_normal(flood_rate=rate)
    sent(learning, 4, 4, 9)
    for number in range(3):
        for host in range(1000):
            at = f"10.0.{host >> 8}.{host & 255}"
            who = f"dl_src={station(1)},dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_tpa={at}"
            learning.offer(1, who)
            group = f"33:33:ff:00:{host >> 8:02x}:{host & 255:02x}"
            nd = f"dl_src={station(2)},dl_dst={group},icmp6,icmp_type=135,nd_target=fd00::{host:x}"
            learning.offer(2, nd)
        assert len(learning.poll()[4]) == 2000, f"second {number}"
        learning.advance(1)
    assert learning.drops(1) == learning.drops(2) == {}
    assert flooded(learning, 1, 2 * rate) == rate, "but there is one"


def test_a_limit_taken_away_is_gone_at_once(learning: Switch) -> None:
    learning.set_normal(flood_rate=1)
    assert flooded(learning, 1, 3) == 1
    learning.set_normal(flood_rate=0)
    assert flooded(learning, 1, 3) == 3
    learning.set_normal(flood_rate=2)
    assert flooded(learning, 1, 3) == 2


def test_other_settings_leave_the_bucket_as_it_is(learning: Switch) -> None:
    learning.set_normal(flood_rate=2)
    assert flooded(learning, 1, 3) == 2
    learning.set_normal(mac_age=5)
    learning.set_vlans(1, trunks=[0])
    assert flooded(learning, 1, 3) == 0


def test_a_rule_counts_also_what_is_above_the_limit(learning: Switch) -> None:
    learning.set_normal(flood_rate=1)
    flooded(learning, 1, 10)
    assert [flow.packets for flow in learning.dump_flows()] == [10]


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
