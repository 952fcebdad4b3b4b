"""Numbers that the C core decides and peers are told: the one place where Python repeats them.

Whoever changes one there changes it here.  Pure.
"""

from __future__ import annotations

N_TABLES = 255
"""Flow tables 0 to 254 of every bridge (N_TABLES in datapath/src/bridge/bridge.h; OFPTT_MAX)."""

ALL_TABLES = 255
"""In a request: every table (OFPTT_ALL)."""

MAX_RULES = 1_000_000
"""Rules over all tables (max_rules of vs_config in datapath/include/vswitch.h)."""

MAX_GROUPS = 65_536
"""Groups of a bridge, of whichever type (GROUP_LIMIT in datapath/src/tables/group.h)."""

MAX_METERS = 65_536
"""Meters of a bridge (METER_LIMIT in datapath/src/tables/meter_entry.h)."""

MAX_BANDS = 16
"""Bands of a meter (METER_MAX_BANDS in datapath/src/meter/meter.h)."""

ACTIONS = (0, 11, 12, *range(15, 28))
"""Every action of the standard but experimenters' (7.2.5; datapath/src/ofp/actions13.c)."""

INSTRUCTIONS = (1, 2, 3, 4, 5, 6)
"""Goto, write metadata, write, apply and clear actions, meter (7.2.4; the same file)."""
