"""The decisions of the learning switch, without os-ken."""

import pytest

from controlplane.mactable import Connect, Forget, Frame, MacTable, Send, is_link_local

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
    assert table.leave(1) == [Forget(ANN)]
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
