"""The decisions of the learning switch, without os-ken."""

import pytest

from controlplane.mactable import (
    FLOWS_AT_ONCE,
    LIMIT,
    PORTS_MAX,
    Connect,
    Forget,
    ForgetPort,
    Frame,
    MacTable,
    Send,
    Step,
    is_link_local,
)

ANN, BOB, EVE = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
ALL = "ff:ff:ff:ff:ff:ff"


def frame(source: str, destination: str, in_port: int) -> Frame:
    return Frame(in_port=in_port, source=source, destination=destination)


def test_a_broadcast_is_flooded_and_its_source_learned() -> None:
    table = MacTable()
    assert table.steps_for(frame(ANN, ALL, 1), 0) == [Send(None)]
    assert table.port_of(ANN, 0) == 1


def test_an_unknown_destination_is_flooded() -> None:
    assert MacTable().steps_for(frame(ANN, BOB, 1), 0) == [Send(None)]


def test_a_known_destination_gets_a_flow_before_the_frame() -> None:
    table = MacTable()
    table.steps_for(frame(BOB, ALL, 2), 0)
    asked = frame(ANN, BOB, 1)
    assert table.steps_for(asked, 1) == [Connect(asked, 2), Send(2)]


def test_a_moved_station_is_forgotten_before_it_is_connected_anew() -> None:
    table = MacTable()
    table.steps_for(frame(ANN, ALL, 1), 0)
    table.steps_for(frame(BOB, ALL, 2), 0)
    moved = frame(ANN, BOB, 3)
    assert table.steps_for(moved, 1) == [Forget(ANN), Connect(moved, 2), Send(2)]
    assert table.port_of(ANN, 1) == 3


def test_a_destination_behind_the_same_port_is_let_alone() -> None:
    table = MacTable()
    table.steps_for(frame(ANN, ALL, 1), 0)
    assert table.steps_for(frame(BOB, ANN, 1), 0) == []
    assert table.steps_for(frame(BOB, ANN, 2), 0)  # behind another one there is work


def test_an_old_station_is_unknown_again() -> None:
    table = MacTable(max_age_s=300)
    table.steps_for(frame(BOB, ALL, 2), 0)
    assert table.port_of(BOB, 300) == 2
    assert table.port_of(BOB, 301) is None
    assert table.steps_for(frame(ANN, BOB, 1), 301) == [Send(None)]


def test_a_port_that_goes_takes_its_stations_along() -> None:
    table = MacTable()
    table.steps_for(frame(ANN, ALL, 1), 0)
    table.steps_for(frame(BOB, ALL, 2), 0)
    assert table.leave(1) == [ForgetPort(1)]
    assert table.leave(1) == []
    assert table.port_of(BOB, 0) == 2


def test_a_flood_of_addresses_has_a_limit_and_the_oldest_makes_room() -> None:
    table = MacTable(limit=2)
    for name in (ANN, BOB, ANN, EVE):
        table.steps_for(frame(name, ALL, 1), 0)
    assert len(table) == 2
    assert (table.port_of(ANN, 0), table.port_of(BOB, 0), table.port_of(EVE, 0)) == (1, None, 1)


def test_a_group_address_as_source_is_not_learned() -> None:
    table = MacTable()
    assert table.steps_for(frame("01:00:5e:00:00:01", ALL, 1), 0) == [Send(None)]
    assert len(table) == 0


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("01:80:c2:00:00:00", True),
        ("01:80:C2:00:00:0E", True),
        ("01:80:c2:00:00:10", False),
        ("01:00:5e:00:00:01", False),
        (ALL, False),
    ],
)
def test_link_local_frames_stay_on_their_link(address: str, stays: bool) -> None:
    assert is_link_local(address) is stays
    assert (MacTable().steps_for(frame(ANN, address, 1), 0) == []) is stays


# ---- invented stations ------------------------------------------------------------


def invented(number: int) -> str:
    return "02:aa:" + number.to_bytes(4).hex(":")


def cost(steps: list[Step]) -> int:
    """How many flow-mods steps are."""
    return sum({Connect: 1, Forget: 2, ForgetPort: 2}.get(type(step), 0) for step in steps)


def test_invented_sources_cost_a_thousand_flow_mods_and_then_a_hundred_a_second() -> None:
    table = MacTable()
    table.steps_for(frame(BOB, ALL, 2), 0)
    asked = 0
    for number in range(100_000):
        steps = table.steps_for(frame(invented(number), BOB, 1), number / 10_000)
        assert steps[-1] == Send(2)  # with a rule or without: the frame goes on
        asked += cost(steps)
    assert 1_000 < asked <= 2_000


def test_invented_sources_push_out_nobody_behind_another_port() -> None:
    table = MacTable()
    table.steps_for(frame(BOB, ALL, 2), 0)
    for number in range(2 * LIMIT):
        table.steps_for(frame(invented(number), BOB, 1), 0)
    assert len(table) == LIMIT
    assert table.port_of(BOB, 0) == 2
    assert table.port_of(invented(LIMIT - 2), 0) == 1


def test_others_get_their_flows_during_a_flood_of_invented_stations() -> None:
    table = MacTable()
    table.steps_for(frame(BOB, ALL, 2), 0)
    for number in range(5_000):
        table.steps_for(frame(invented(number), BOB, 1), 0)
    asked = frame(ANN, BOB, 3)
    assert table.steps_for(asked, 0) == [Connect(asked, 2), Send(2)]


def test_a_station_that_was_pushed_out_leaves_no_flow_to_its_old_place() -> None:
    table = MacTable(limit=2)
    table.steps_for(frame(BOB, ALL, 1), 0)
    table.steps_for(frame(ANN, BOB, 1), 0)  # the same segment: no flow
    assert table.steps_for(frame(EVE, ALL, 1), 0) == [Send(None)]
    asked = frame(BOB, EVE, 2)
    assert table.steps_for(asked, 0) == [Connect(asked, 1), Send(1)]
    steps = table.steps_for(frame(ANN, ALL, 2), 0)
    assert steps in ([Forget(EVE), Send(None)], [Forget(BOB), Send(None)])


def test_stations_that_move_to_and_fro_are_bounded_too() -> None:
    table = MacTable()
    table.steps_for(frame(BOB, ALL, 3), 0)
    steps = [s for n in range(10_000) for s in table.steps_for(frame(ANN, BOB, 1 + n % 2), 0)]
    assert cost(steps) <= 2 * FLOWS_AT_ONCE
    other = 1 if table.port_of(ANN, 0) == 2 else 2
    assert cost(table.steps_for(frame(ANN, BOB, other), 60)) == 3  # and later it moves


def test_a_port_that_goes_costs_two_flow_mods_and_its_allowance_stays_spent() -> None:
    table = MacTable()
    table.steps_for(frame(BOB, ALL, 2), 0)
    for number in range(2_000):
        table.steps_for(frame(invented(number), BOB, 1), 0)
    assert cost(table.leave(1)) == 2
    assert table.steps_for(frame(ANN, BOB, 1), 0) == [Send(2)]


def test_a_switch_that_invents_ports_has_a_limit() -> None:
    table = MacTable()
    for number in range(2 * PORTS_MAX):
        table.steps_for(frame(invented(number), ALL, 1 + number), 0)
    assert len(table) == len(table._ports) == PORTS_MAX
