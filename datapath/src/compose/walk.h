/* The walk of a composition: from rule to rule, through their actions, groups and the action set (OpenFlow 1.3.5, 5.1
 * to 5.10). */
#pragma once
#include "compose/composition.h"

/* From table 0 on. */
void walk_tables(struct composition *);
/* On from the middle of rule 'r': 'n' of its applied actions are left, at 'rest'. */
void walk_on(struct composition *, const struct rule *r, const struct action *rest, unsigned n);
/* 'n' actions that belong to no rule: a packet-out's, a bucket's, an action set's in order. */
void walk_actions(struct composition *, const struct action *actions, unsigned n);
