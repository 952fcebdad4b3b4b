"""Which connection may be which switch, without os-ken."""

from __future__ import annotations

import gc

from controlplane.identity import DEAD, Identities


class Connection:
    """What is asked of os-ken's."""

    def __init__(self, address: str, port: int = 1000) -> None:
        self.address = (address, port)
        self.state = "main"


def test_the_second_is_told_who_is_the_first() -> None:
    here, first, second = Identities(), Connection("10.0.0.1"), Connection("10.0.0.2")
    assert here.claim(first, 5) is None
    why = here.claim(second, 5)
    assert why is not None
    assert "datapath id 0000000000000005 is that of the switch at 10.0.0.1 port 1000" in why
    assert here.owner(5) is first
    assert here.claim(second, 5)  # and again
    assert here.claim(Connection("10.0.0.3"), 6) is None


def test_the_place_of_one_that_ended_is_free() -> None:
    here, first, second = Identities(), Connection("10.0.0.1"), Connection("10.0.0.2")
    here.claim(first, 5)
    first.state = DEAD
    assert here.owner(5) is None
    assert here.claim(second, 5) is None
    assert here.owner(5) is second


def test_a_connection_has_one_identity() -> None:
    here, one = Identities(), Connection("10.0.0.1")
    assert here.claim(one, 5) is None
    assert here.claim(one, 5) is None
    why = here.claim(one, 6)
    assert why is not None
    assert "0000000000000005" in why
    assert "0000000000000006" in why
    assert here.owner(6) is None


def test_nothing_is_kept_of_connections_that_are_gone() -> None:
    here = Identities()
    for dpid in range(1000):
        one = Connection("10.0.0.1")
        here.hear(one)
        here.claim(one, dpid)
        del one
    gc.collect()
    assert [len(here._owners), len(here._ids), len(here._heard)] == [0, 0, 0]
