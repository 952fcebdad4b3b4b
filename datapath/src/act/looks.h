/* Which bits of a key decide what an action does to a packet.
 *
 * A cached answer holds for all packets that are alike in the bits somebody looks at (struct key_shape): those of
 * matches, and these.  Pure functions.
 */
#pragma once
#include "act/action.h"

/* Sets every bit of 'mask' that the effect of 'a' on the key depends on, besides what it writes.  In a rule's applied
 * actions, set-field's prerequisites are in the match already; a written one, or a bucket's, meets packets of any kind.
 */
void action_looks(const struct action *a, struct key *mask);
/* The same for OFPP_NORMAL alone. */
void normal_looks(struct key *mask);
