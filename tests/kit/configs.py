"""Hypothesis strategies for configurations: small worlds, so that names meet again."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from vswitch.schema import Bridge, Config, Controller, Port, Queue
from vswitch.values import LOCAL

BRIDGES = ("br0", "br1", "lab")
PORTS = ("eth0", "eth1", "tap0", "tap1", "c1")
TARGETS = ("tcp:10.0.0.1:6653", "unix:/run/app.sock", "tcp:[::1]:6633")
QUEUES = (0, 7, 0xFFFFFFFE)
RATES = (0, 1, 1_234_567, 2_500_000_000, 10**12)
ADDRESSES = ("10.0.0.2/24", "fd00::2/64")


VLANS: tuple[dict[str, Any], ...] = (
    {},
    {"tag": 10},
    {"tag": 20, "vlan_mode": "access"},
    {"trunks": ("10", "20-30")},
    {"tag": 10, "trunks": ("20",), "vlan_mode": "native-untagged"},
)


@st.composite
def ports(draw: st.DrawFn, name: str, numbers: st.SearchStrategy[int | None], open: bool) -> Port:
    """A port of that name; without 'open', its kind is decided."""
    kind = draw(st.sampled_from(["tap", "packet", *(["auto"] if open else [])]))
    inside = kind != "packet" and draw(st.booleans())
    return Port(
        name,
        number=draw(numbers),
        kind=kind,
        netns="/proc/7/ns/net" if inside else None,
        interface=draw(st.sampled_from([None, "eth0"])) if inside else None,
        addresses=draw(st.sampled_from([(), ADDRESSES])) if inside else (),
        mtu=draw(st.sampled_from([None, 1500, 9000])),
        **draw(st.sampled_from(VLANS)),
    )


@st.composite
def configs(draw: st.DrawFn, *, open: bool = True) -> Config:
    """A configuration; without 'open', every number, kind and datapath id is chosen."""
    names = draw(st.lists(st.sampled_from(BRIDGES), unique=True))
    homes = {name: draw(st.sampled_from([*names, None])) for name in PORTS} if names else {}
    dpids = draw(st.permutations(range(1, len(BRIDGES) + 1)))
    return Config(
        tuple(
            draw(_bridges(name, dpids[i], [p for p in PORTS if homes[p] == name], open))
            for i, name in enumerate(names)
        )
    )


@st.composite
def _queues(draw: st.DrawFn, ports: list[str]) -> tuple[Queue, ...]:
    """Some queues of these ports."""
    if not ports:
        return ()
    keys = st.tuples(st.sampled_from(ports), st.sampled_from(QUEUES))
    return tuple(
        Queue(
            port,
            number,
            max_rate=draw(st.sampled_from(RATES)),
            max_packets=draw(st.sampled_from([1, 1000, 65536])),
        )
        for port, number in draw(st.lists(keys, unique=True, max_size=4))
    )


@st.composite
def _bridges(draw: st.DrawFn, name: str, dpid: int, names: list[str], open: bool) -> Bridge:
    order = draw(st.permutations(names))
    chosen = iter(draw(st.permutations(range(1, len(PORTS) + 1))))
    free = [open and draw(st.booleans()) for _ in order]
    numbers = [st.none() if left else st.just(next(chosen)) for left in free]
    if numbers and draw(st.booleans()):
        numbers[0] = st.just(LOCAL)
    return Bridge(
        name,
        dpid=None if open and draw(st.booleans()) else dpid,
        fail_mode=draw(st.sampled_from(["secure", "standalone"])),
        mac_age=draw(st.sampled_from([0, 300])),
        flood_rate=draw(st.sampled_from([0, 1000])),
        listen=draw(st.sampled_from([(), ("ptcp:6654:127.0.0.1",)])),
        ports=tuple(draw(ports(p, n, open)) for p, n in zip(order, numbers, strict=True)),
        queues=draw(_queues(order)),
        controllers=tuple(
            Controller(t) for t in draw(st.lists(st.sampled_from(TARGETS), unique=True))
        ),
    )
