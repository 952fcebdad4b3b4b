"""The journal: what controllers have made is in the next switch as it was in the one that died."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from datapath import OpenFlowRefusal, Switch
from datapath.frames import Command, Frame
from datapath.testing import MakeSwitch

SECOND = 1_000_000_000
Heir = Callable[[Switch], Switch]


@pytest.fixture
def heir() -> Iterator[Heir]:
    """Another switch with the journal of one, which is then gone without a word."""
    made: list[Switch] = []

    def inherit(dying: Switch) -> Switch:
        journal = os.dup(dying.journal)
        dying.close()
        made.append(Switch(ports=4, journal=journal, now_ns=dying.now_ns))
        os.close(journal)
        return made[-1]

    yield inherit
    for switch in made:
        switch.close()


def rules(switch: Switch) -> list[object]:
    return sorted((flow.rule for flow in switch.dump_flows()), key=repr)


def test_rules_groups_and_meters_are_there_again(switch: Switch, heir: Heir) -> None:
    switch.add_group("group_id=1,type=select,bucket=weight:2,output:2,bucket=weight:1,output:3")
    switch.add_group("group_id=2,type=all,bucket=group:1,bucket=output:4")
    switch.add_meter("meter=7,pktps,burst,band=type=drop,rate=1,burst_size=1")
    switch.add_flow("table=0,tcp,actions=meter:7,group:2")
    switch.add_flow("table=3,priority=5,idle_timeout=9,cookie=0x77,arp,actions=FLOOD")
    before = (rules(switch), switch.dump_groups(), switch.dump_meters())
    after = heir(switch)
    assert (rules(after), after.dump_groups(), after.dump_meters()) == before
    assert after.group_stats()[1].references == 1
    assert after.group_stats()[2].references == 1
    assert [4 in after.send(1, "tcp") for _ in range(3)] == [True, False, False]


def test_what_was_changed_and_deleted_stays_so(switch: Switch, heir: Heir) -> None:
    switch.add_group("group_id=1,type=all,bucket=output:2")
    switch.add_group("group_id=2,type=all,bucket=output:2")
    switch.add_meter("meter=1,kbps,band=type=drop,rate=1000")
    switch.add_flow("tcp,actions=group:1")
    switch.add_flow("udp,actions=meter:1,output:2")
    switch.mod_group("group_id=2,type=indirect,bucket=output:4")
    switch.mod_group("group_id=1,type=indirect,bucket=group:2")
    switch.del_meters("meter=1")
    after = heir(switch)
    assert after.send(1, "tcp").keys() == {4}
    assert after.send(1, "udp") == {}
    assert after.dump_meters() == []
    after.del_groups()
    assert rules(heir(after)) == []


def test_a_long_journal_is_not_made_short_before_it_was_played_back(
    switch: Switch, heir: Heir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as nobody has its rules, they are in the journal alone."""
    command = Switch._command

    def with_time(self: Switch, kind: Command, *args: Any, **more: Any) -> list[Frame]:
        if kind is Command.REPLAY:
            self._core.tick(self.now_ns)
        return command(self, kind, *args, **more)

    buckets = ",".join(["bucket=output:2"] * 1500)
    switch.add_group("group_id=1,type=all")
    for _ in range(24):
        switch.mod_group(f"group_id=1,type=all,{buckets}")
    switch.mod_group("group_id=1,type=all,bucket=output:3")
    switch.add_flow("tcp,actions=group:1")
    assert os.fstat(switch.journal).st_size > 1 << 20, "worth to be made short"
    monkeypatch.setattr(Switch, "_command", with_time)
    assert heir(switch).send(1, "tcp").keys() == {3}


def test_a_journal_that_was_made_short_says_the_same(switch: Switch, heir: Heir) -> None:
    """Groups that name each other, whichever was made first; enough dead history to go."""
    for number in (3, 2, 1):
        switch.add_group(f"group_id={number},type=all,bucket=output:2")
    buckets = "bucket=watch_group:1,group:1,bucket=watch_port:2,output:4"
    switch.mod_group(f"group_id=3,type=ff,{buckets}")
    switch.mod_group("group_id=1,type=all,bucket=group:2")
    band = "band=type=dscp_remark,rate=9,burst_size=3,prec_level=2"
    switch.add_meter(f"meter=5,pktps,burst,stats,{band}")
    switch.add_flow("tcp,actions=meter:5,group:3")
    for number in range(40_000):
        switch.add_flow(f"udp,tp_dst={number % 7},actions=output:2")
        if number % 5000 == 0:
            switch.advance(1)
    switch.advance(1)
    assert os.fstat(switch.journal).st_size <= 4 << 20  # 40,000 flow-mods are more than 5 MB
    before = (rules(switch), switch.dump_groups(), switch.dump_meters())
    after = heir(switch)
    assert (rules(after), after.dump_groups(), after.dump_meters()) == before


def test_hard_timeouts_go_on_and_idle_ones_begin_anew(switch: Switch, heir: Heir) -> None:
    switch.add_flow("tcp,hard_timeout=10,actions=output:2")
    switch.add_flow("udp,idle_timeout=10,actions=output:2")
    switch.advance(8)
    after = heir(switch)
    after.advance(3)
    assert len(rules(after)) == 1
    after.advance(8)
    assert rules(after) == []


def test_a_transaction_of_many_frames_is_there_whole_or_not_at_all(
    switch: Switch, heir: Heir
) -> None:
    lines = [f"udp,tp_dst={port},actions=output:2" for port in range(1, 2000)]
    with pytest.raises(OpenFlowRefusal):
        switch.add_flows("\n".join([*lines, "table=1,ip,actions=group:9"]))
    after = heir(switch)
    assert rules(after) == []
    after.add_flows("\n".join(lines))
    assert len(rules(heir(after))) == len(lines)


def test_flows_stay_with_their_buckets(make_switch: MakeSwitch) -> None:
    """The next switch has hashes of its own, but shares out as the one before did."""
    before = make_switch(seed=5)
    before.add_group("group_id=1,type=select,bucket=output:2,bucket=output:3")
    before.add_flow("actions=group:1")
    after = make_switch(seed=6, journal=before.journal)
    flows = [f"udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src={port}" for port in range(1, 65)]
    ports = [list(before.send(1, flow)) for flow in flows]
    assert [list(after.send(1, flow)) for flow in flows] == ports
    assert [2] in ports
    assert [3] in ports
