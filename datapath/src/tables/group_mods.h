/* Group-mods on a bridge (OpenFlow 1.3.5, 6.5 and 7.3.4.3): checked, then in force at once.
 *
 * Checks come first and see the groups as they would be; then the new group takes the place of
 * the old one, or rules that name what is deleted go first, and one version publishes it.
 */
#pragma once
#include "base/of_error.h"
#include "tables/group.h"

/* Carries out a group-mod; takes over its 'group' if that is in force from then on.  Anything but OF_FINE: nothing was
 * changed.  No change of rules may be pending.  May wait for a grace period.  Control thread. */
enum of_error bridge_group_mod(struct bridge *, struct group_mod *, uint64_t now_ns);
