"""From what is wanted and what is there to the operations between: `plan`."""

from vswitch.reconcile.operations import Add, Operation, Remove, Set, apply
from vswitch.reconcile.plan import plan, settle

__all__ = ["Add", "Operation", "Remove", "Set", "apply", "plan", "settle"]
