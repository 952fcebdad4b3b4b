"""The fixtures that the package ships, also where it is used from a checkout."""

from datapath.testing import make_switch, switch

__all__ = ["make_switch", "switch"]
