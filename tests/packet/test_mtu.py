"""A port's MTU: how much a frame may hold behind Ethernet header and VLAN tags, whatever the port.

The same for a plain frame and for each of those that a super-frame stands for, as they are when
they leave.  (What an AF_PACKET socket's kernel makes of tags: tests/c/test_port_kernel.c.)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from datapath.frames import Command, PortKind, PortSpec
from datapath.switch import Switch
from tests.kit.supers import Super, Tap, super_frame
from tests.packet.headers import frame

MTU, LIMITED, TAP = 1000, 7, 9
TEXT = "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80,nw_ttl=9"
PIECES = 5


def memory(switch: Switch, mtu: int, folder: Path) -> object:
    return switch.add_port(LIMITED, mtu=mtu)


def counting(switch: Switch, mtu: int, folder: Path) -> object:
    spec = PortSpec(LIMITED, PortKind.PCAP, "count", mtu=mtu)
    return switch._command(Command.PORT_ADD, spec.pack())


def writing(switch: Switch, mtu: int, folder: Path) -> object:
    return switch.add_port(LIMITED, mtu=mtu, write_pcap=str(folder / "out.pcap"), write_limit=100)


def tap(switch: Switch, mtu: int, folder: Path) -> object:
    return Tap(switch, LIMITED, mtu=mtu)


KINDS = (memory, counting, writing, tap)
Kind = Callable[[Switch, int, Path], object]
"""Makes port LIMITED; what it returns is held while the port is used."""

EDITS = {
    # what is done before it leaves: by how much a frame's share of the MTU grows
    "": 0,
    "push_vlan:0x8100,": 0,
    "push_vlan:0x88a8,push_vlan:0x8100,": 0,
    "push_mpls:0x8847,": 4,
    "push_mpls:0x8847,push_mpls:0x8847,": 8,
    "push_mpls:0x8847,push_vlan:0x8100,": 4,
    "push_pbb:0x88e7,": 18,
    "push_vlan:0x8100,push_pbb:0x88e7,": 22,
    "push_mpls:0x8847,pop_mpls:0x0800,": 0,
    "set_field:10.9.8.7->nw_dst,": 0,
}


def packets(share: int, tag: str = "") -> tuple[bytes, Super]:
    """A frame with 'share' bytes behind Ethernet header and tags, and a super-frame of such."""
    payload = share - 40
    plain = frame(f"{TEXT}{tag},payload={'00' * payload}")
    return plain, super_frame(TEXT + tag, PIECES * payload, payload)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("edits", EDITS)
def test_it_bounds_plain_frames_and_pieces_alike(
    switch: Switch, tmp_path: Path, kind: Kind, edits: str
) -> None:
    held = kind(switch, MTU, tmp_path)
    source = Tap(switch, TAP)
    switch.add_flow(f"ip,actions={edits}output:{LIMITED}")
    fits = MTU - EDITS[edits]
    for share in (fits, fits + 1):
        for packet in packets(share):
            source.write(packet)
    switch.poll()
    stats = switch.port_stats()[LIMITED]
    assert stats.tx_packets == 1 + PIECES
    assert {name: n for name, n in stats.drops.items() if n} == {"mtu": 1 + PIECES}
    del held


@pytest.mark.parametrize("tags", range(4))
def test_tags_that_came_do_not_count(switch: Switch, tmp_path: Path, tags: int) -> None:
    memory(switch, MTU, tmp_path)
    switch.add_flow(f"actions=output:{LIMITED}")
    for share in (MTU, MTU + 1):
        plain, _ = packets(share)
        tagged = plain[:12] + bytes.fromhex("81000005") * tags + plain[12:]
        assert switch.send(1, tagged) == ({LIMITED: [tagged]} if share == MTU else {})


@pytest.mark.parametrize("llc", ["aaaa03000000", "424203"])
def test_llc_headers_count(switch: Switch, tmp_path: Path, llc: str) -> None:
    """They lie where other frames have what the MTU is for (IEEE 802.3)."""
    memory(switch, MTU, tmp_path)
    switch.add_flow(f"actions=output:{LIMITED}")
    for share in (MTU, MTU + 1):
        body = bytes.fromhex(llc).ljust(share, b"\0")
        sent = bytes(12) + len(body).to_bytes(2) + body
        assert list(switch.send(1, sent)) == ([LIMITED] if share == MTU else [])


@pytest.mark.parametrize("kind", KINDS)
def test_it_changes_while_packets_pass(switch: Switch, tmp_path: Path, kind: Kind) -> None:
    held = kind(switch, 0, tmp_path)
    source = Tap(switch, TAP)
    switch.add_flow(f"actions=output:{LIMITED}")
    plain, whole = packets(MTU)
    for mtu in (0, MTU, MTU - 1, 0):
        switch.set_mtu(LIMITED, mtu)
        source.write(plain)
        source.write(whole)
        switch.poll()
    stats = switch.port_stats()[LIMITED]
    assert (stats.tx_packets, stats.drops["mtu"]) == (3 * (1 + PIECES), 1 + PIECES)
    del held
    with pytest.raises(OSError, match="no such port"):
        switch.set_mtu(99, 1500)
