/* Flow-mods on flow tables (OpenFlow 1.3.5 section 6.4): checked, and added to the bridge's pending change. */
#pragma once
#include "base/of_error.h"
#include "tables/change.h"

/* Adds one flow-mod to what is pending; bridge_commit publishes it.  Anything but OF_FINE: this flow-mod changed
 * nothing. Takes over 'program' of the flow-mod if a new rule needs it.  Control thread. */
enum of_error bridge_flow_mod(struct bridge *, struct flow_mod *, uint64_t now_ns);
