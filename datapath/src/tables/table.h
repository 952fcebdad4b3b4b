/* The flow tables of a bridge: their lists and indexes of rules (control thread), and where they end.
 *
 * A rule that is linked counts as one of its table for whoever changes or lists rules, also while no packet sees it
 * yet.
 */
#pragma once
#include "bridge/bridge.h"
#include "tables/rule.h"

/* The table with its classifier and counters in place; false: the switch has no counters left for it. */
bool table_ready(struct bridge *, struct flow_table *);
/* The rule of exactly this match and priority, or NULL. */
struct rule *table_find(const struct bridge *, const struct flow_table *, const struct match *, uint16_t priority);
/* Into, and out of, its table's list and index and its bridge's list of timeouts; what it names knows how often it is
 * named. */
void table_link(struct bridge *, struct rule *);
void table_unlink(struct bridge *, struct rule *);
/* Makes what has changed in classifiers visible to poll threads. */
void tables_publish(struct bridge *);
/* Frees all rules, groups and meters.  No reader may see the bridge any more, no change may be pending. */
void tables_free(struct bridge *);

/* Does 'r' belong to what a flow-mod or statistics request selects (not looking at strictness or table)? */
struct flow_select {
    uint64_t cookie, cookie_mask;
    uint32_t out_port, out_group;
    const struct match *match;
};
bool rule_selected(const struct rule *r, const struct flow_select *);
