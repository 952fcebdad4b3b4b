"""Which queue an output uses (OFPAT_SET_QUEUE, OpenFlow 1.3.5, 5.12): no packet changes."""

from __future__ import annotations

import pytest

from datapath.switch import Switch
from tests.packet.headers import frame

TCP = frame("tcp,nw_dst=10.0.0.2,tp_dst=80")
TAGGED = TCP[:12] + bytes.fromhex("81000000") + TCP[12:]


@pytest.mark.parametrize(
    "actions",
    [
        "set_queue:0,output:2",
        "output:2,set_queue:0",
        "write_actions(set_queue:0,output:2)",
        "write_actions(output:2,set_queue:0)",
    ],
)
def test_a_queue_changes_no_packet(switch: Switch, actions: str) -> None:
    switch.add_flow(f"actions={actions}")
    for _ in range(2):
        assert switch.send(1, TCP) == {2: [TCP]}


def test_a_queue_alone_sends_nothing(switch: Switch) -> None:
    switch.add_flow("actions=set_queue:0")
    assert switch.send(1, TCP) == {}
    assert switch.drops(1) == {"rule": 1}


def test_a_bucket_may_choose_a_queue(switch: Switch) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2,set_queue:0,push_vlan:0x8100")
    switch.add_flow("actions=group:1,output:3")
    assert switch.send(1, TCP) == {2: [TAGGED], 3: [TCP]}
