"""Addresses of the TAPs that the daemon makes: always the same, never two alike on a bridge."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vswitch.daemon.address import derived

DPIDS = st.integers(0, 2**64 - 1)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-.+", min_size=1, max_size=15)


@given(DPIDS, NAMES, st.integers(0, 5))
def test_it_is_a_station_s_own_and_free(dpid: int, name: str, n_taken: int) -> None:
    taken: set[bytes] = set()
    for _ in range(n_taken):
        taken.add(derived(dpid, name, taken))
    assert len(taken) == n_taken
    address = derived(dpid, name, taken)
    assert address not in taken
    assert address[0] & 3 == 2, "unicast, locally administered"
    assert len(address) == 6
    assert address == derived(dpid, name, taken)


def test_it_is_for_ever() -> None:
    """Neighbours and DHCP servers outside remember it over releases of ours."""
    assert derived(0x2A, "web").hex(":") == "1a:df:72:a3:da:2f"
    assert derived(0x2A, "web", {derived(0x2A, "web")}).hex(":") == "76:72:fa:dd:e1:ad"


def test_bridges_and_ports_have_their_own() -> None:
    names = [f"p{number}" for number in range(4096)]
    addresses = {derived(dpid, name) for dpid in (1, 2, 1 << 63) for name in names}
    assert len(addresses) == 3 * len(names)
