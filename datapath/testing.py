"""Fixtures for tests of pipelines: a pytest plugin that comes with the package.

`switch` is a fresh switch in memory with ports 1 to 4; `make_switch(...)` makes as
many as a test wants, with the arguments of `datapath.Switch`.  All are closed when
the test ends.  The compiled core is loaded by the first fixture that is used.

    def test_web_traffic_goes_to_port_two(switch):
        switch.add_flow("tcp,tp_dst=80,actions=output:2")
        assert list(switch.send(1, "tcp,tp_dst=80")) == [2]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from datapath.switch import Switch

MakeSwitch = Callable[..., "Switch"]


@pytest.fixture
def make_switch() -> Iterator[MakeSwitch]:
    """A function that makes a switch: make_switch(ports=2, cache=False)."""
    from datapath.switch import Switch

    with ExitStack() as switches:

        def make(ports: Any = 4, **options: Any) -> Switch:
            return switches.enter_context(Switch(ports, **options))

        yield make


@pytest.fixture
def switch(make_switch: MakeSwitch) -> Switch:
    """A switch with the memory ports 1 to 4 and no rules."""
    return make_switch()
