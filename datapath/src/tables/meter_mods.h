/* Meter-mods on a bridge (OpenFlow 1.3.5, 6.8 and 7.3.4.4): checked, then in force at once. */
#pragma once
#include "base/of_error.h"
#include "tables/meter_entry.h"

/* Carries out a meter-mod.  Anything but OF_FINE: nothing was changed.  No change of rules may be pending.  May wait
 * for a grace period.  Control thread. */
enum of_error bridge_meter_mod(struct bridge *, struct meter_mod *, uint64_t now_ns);
