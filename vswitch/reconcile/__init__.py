"""From what is wanted and what is there to the operations between: `plan`."""

from vswitch.reconcile.operations import Operation, apply
from vswitch.reconcile.plan import plan, settle

__all__ = ["Operation", "apply", "plan", "settle"]
