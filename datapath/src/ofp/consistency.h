/* What a rule's set-field may rely on: the rule's match, and what the actions before it do to that
 * (OpenFlow 1.3.5, 5.12, table 6).
 *
 * Pure functions, of no version.
 */
#pragma once
#include "act/action.h"
#include "base/of_error.h"
#include "flow/key.h"

/* What is known of packets that meet the rule: bits, and which of them. */
struct known { struct key value, mask; };

/* Carries what is known over applied actions in this order.  OF_ACTION_INCONSISTENT: a set-field asks for more. */
enum of_error known_after(struct known *, const struct action *actions, unsigned n);
/* A written list is carried out in the set's order, and may stand in any: one of the two has to make sense. */
enum of_error known_allows_set(const struct known *, const struct action *actions, unsigned n);
