"""What an operator is told of wrong words is true of what was asked, with the exit code for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.world import Switch, World
from vswitch.agent.view import configured, linked, sends
from vswitch.daemon.methods import methods
from vswitch.errors import Exit, Failure
from vswitch.openflow.messages.port import PortConfig

TOLD: list[tuple[str, dict[str, Any], Exit, str]] = [
    ("flow.add", {"flow": "actions=meter:77,output:1"}, Exit.FAILED, "a meter that is not there"),
    ("flow.add", {"flow": "table=1,actions=goto_table:1"}, Exit.FAILED, "tables behind their own"),
    ("flow.add", {"flow": "table=255,actions=drop"}, Exit.FAILED, "255 means all tables; write 0"),
    ("flow.list", {"match": "priority=7"}, Exit.USAGE, "only in a strict deletion; leave it out"),
    ("queue.list", {"port": "gone"}, Exit.NOT_FOUND, "port gone: bridge br0 has none"),
    ("trace", {"packet": "in_port=1,ip", "in_port": "2"}, Exit.USAGE, "--in-port says another"),
]

DONE: list[tuple[str, dict[str, Any]]] = [
    ("flow.add", {"flow": "actions=goto_table:1"}),
    ("flow.list", {"match": "tcp"}),
    ("queue.list", {"port": "stored"}),
    ("queue.list", {"port": "c1"}),
    ("trace", {"packet": "in_port=1,ip", "in_port": "1"}),
]


def test_a_refusal_is_true_of_what_was_asked(world: Switch) -> None:
    async def test(world: World) -> None:
        await world.add_ports()
        known = methods(world.daemon)
        for method, words, exit, sentence in TOLD:
            with pytest.raises(Failure) as refused:
                await known[method](bridge="br0", **words)
            assert (refused.value.exit, sentence in str(refused.value)) == (exit, True), refused
        for method, words in DONE:
            await known[method](bridge="br0", **words)

    world(test)


def test_a_trace_says_that_a_port_is_down(world: Switch) -> None:
    async def test(world: World) -> None:
        await world.add_ports()
        known = methods(world.daemon)
        await known["flow.add"](bridge="br0", flow="actions=output:2")
        ports = world.daemon.live.bridges["br0"].exchange.agent.view.ports
        up = linked(ports[2], True)
        ports[2] = up
        assert sends(up)
        told: Any = await known["trace"](bridge="br0", packet="in_port=1,ip")
        assert told["verdict"].startswith("leaves by port 2")
        for silent in (linked(up, False), configured(up, PortConfig.NO_FWD, PortConfig.NO_FWD)):
            ports[2] = silent
            told = await known["trace"](bridge="br0", packet="in_port=1,ip")
            assert told["verdict"].endswith("dropped (output-down)")
            assert told["outputs"] == []

    world(test)
