"""Controllers: a bridge's connections to them, which keep themselves up."""

from __future__ import annotations

from vswitch.agent.peers import Connector
from vswitch.daemon.operate import bridges
from vswitch.daemon.operate.operator import Operator
from vswitch.reconcile import Add, Operation, Remove
from vswitch.schema import Controller


async def _add(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation.record, Controller)
    bridge, target = operator.bridge(operation.bridge), operation.record.target
    bridge.controllers[target] = Connector(bridge.exchange, target)
    bridges.lead(operator, bridge, bridge.exchange.led)


async def _remove(operator: Operator, operation: Operation) -> None:
    assert isinstance(operation.record, Controller)
    bridge = operator.bridge(operation.bridge)
    bridge.controllers.pop(operation.record.target).close()
    bridges.lead(operator, bridge, bridge.exchange.led)


DOERS = {Add: _add, Remove: _remove}
