"""Addresses of the TAPs that the daemon makes: always the same, never two alike on a bridge."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vswitch.daemon.address import derived
from vswitch.daemon.interfaces import mtu_of
from vswitch.daemon.live import LiveBridge
from vswitch.schema import Bridge, Port

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


def test_a_port_s_own_is_used_unless_one_was_chosen_or_it_is_taken() -> None:
    nothing: Any = None
    bridge = LiveBridge(1, 1, Bridge("br0", dpid=0x2A), nothing, nothing)
    chosen = "02:00:00:00:00:01"
    assert bridge.mac_for(Port("web")) == derived(0x2A, "web").hex(":")
    assert bridge.mac_for(Port("web", mac=chosen)) == chosen
    other: Any = SimpleNamespace(spec=SimpleNamespace(mac=derived(0x2A, "web")))
    bridge.ports["other"] = other
    assert bridge.mac_for(Port("web")) == derived(0x2A, "web", {derived(0x2A, "web")}).hex(":")


@pytest.mark.parametrize(
    ("asked", "own", "kept"),
    [(None, 1500, 1500), (1400, 1500, 1400), (9000, 1500, 1500), (1400, 0, 1400), (None, 0, 0)],
)
def test_no_more_fits_than_the_interface_takes_or_was_asked_for(
    asked: int | None, own: int, kept: int
) -> None:
    assert mtu_of(Port("p", mtu=asked), own) == kept
