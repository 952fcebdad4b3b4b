"""Packets: the C core, its Python face, and what speaks to the kernel's network.

`datapath.Switch` is a whole switch in memory; see `datapath/README.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datapath.switch import OpenFlowRefusal, Switch

__all__ = ["OpenFlowRefusal", "Switch"]


def __getattr__(name: str) -> Any:
    """Loads the compiled core only when a switch is asked for: codecs and text don't need it."""
    if name in __all__:
        from datapath import switch

        return getattr(switch, name)
    raise AttributeError(f"module 'datapath' has no attribute {name!r}")
