"""The local port that os-ken's libraries look for where a switch lists none."""

from types import SimpleNamespace

import pytest

from controlplane.mends import Ports


def ports(dpid: int | None, version: int = 4) -> Ports:
    datapath = SimpleNamespace(id=dpid, ofproto=SimpleNamespace(OFP_VERSION=version))
    return Ports(datapath, {1: "one"})


@pytest.mark.parametrize(("version", "local"), [(1, 0xFFFE), (4, 0xFFFFFFFE)])
def test_a_missing_local_port_has_the_address_in_the_datapath_id(version: int, local: int) -> None:
    found = ports(0xABCD_0200_0000_0001, version)
    assert found[local].hw_addr == "02:00:00:00:00:01"
    assert local not in found
    assert list(found) == [1]


def test_other_ports_are_missing_as_before() -> None:
    with pytest.raises(KeyError):
        ports(1)[2]
    with pytest.raises(KeyError):
        ports(1)[0xFFFE]
    with pytest.raises(KeyError):
        ports(None)[0xFFFFFFFE]


def test_a_local_port_that_is_listed_is_the_switch_s_own() -> None:
    found = ports(1)
    found[0xFFFFFFFE] = "its own"
    assert found[0xFFFFFFFE] == "its own"
