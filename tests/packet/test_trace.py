"""A trace tells of an imaginary packet what would become of a real one."""

from __future__ import annotations

import pytest

from datapath.frames import DROPS, TraceKind
from datapath.switch import Switch

LARGEST = 65536 + 64
"""Bytes of the largest frame that a port takes in: a super-frame with its headers."""


def traced(switch: Switch, frame: bytes) -> dict[int, list[bytes]]:
    """The frames that would leave, by port."""
    out: dict[int, list[bytes]] = {}
    for step in switch.trace(frame, 1):
        if step.kind is TraceKind.OUTPUT:
            out.setdefault(step.number, []).append(step.body)
    return out


@pytest.mark.parametrize("size", [14, 60, 1920, 1921, 9216, 9217, 65535, LARGEST])
def test_a_frame_of_any_size_that_a_port_takes(switch: Switch, size: int) -> None:
    """Edited in copies, so that each port's is its own."""
    edited = "bucket=mod_dl_src:02:00:00:00:00:09,output:2"
    switch.add_group(f"group_id=1,type=all,{edited},bucket=output:3")
    switch.add_flow("actions=group:1,mod_dl_dst:02:00:00:00:00:08,output:4")
    frame = bytes.fromhex("020000000002 020000000001 88b5") + bytes(size - 14)
    for _ in range(3):
        told = traced(switch, frame)
        assert sorted(told) == [2, 3, 4]
        assert told == switch.send(1, frame)


@pytest.mark.parametrize("size", [0, 13, LARGEST + 1, 131000])
def test_a_frame_that_no_port_takes(switch: Switch, size: int) -> None:
    with pytest.raises(OSError, match=f"a packet of {size} bytes can't be traced; give 14 to"):
        switch.trace(bytes(size), 1)


@pytest.mark.parametrize("output", ["NORMAL", "FLOOD", "ALL", "IN_PORT"])
def test_a_port_that_is_not_there_lets_nothing_in(switch: Switch, output: str) -> None:
    """Nobody knows its VLANs, nor which port to leave out: an unknown one means drop."""
    switch.add_flow(f"actions={output}")
    frame = bytes.fromhex("020000000002 020000000001 88b5") + bytes(46)
    drops = [step for step in switch.trace(frame, 99) if step.kind is TraceKind.DROP]
    assert [DROPS[drop.number] for drop in drops] == [
        "no-port" if output == "IN_PORT" else "no-in-port"
    ]
    assert all(step.kind is not TraceKind.OUTPUT for step in switch.trace(frame, 99))
    assert traced(switch, frame), "from one that is there it goes on"
