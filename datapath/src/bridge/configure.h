/* What an operator may set of a bridge that is there. */
#pragma once
#include "bridge/bridge.h"

/* New name, datapath id, fail mode, settings of NORMAL, in force at once.  May wait for a grace period.  Control
 * thread. */
void bridge_change(struct bridge *, const vs_bridge_spec *);
