/* The pending change of a bridge's rules: prepared, then published or taken back as one.
 *
 * Theory of operation.  The control thread adds what flow-mods ask for to the bridge's pending change; the tables'
 * lists and strict indexes follow at once (so the next flow-mod of the same change sees
 * them), but no packet does.  bridge_commit publishes the change under the next version;
 * bridge_abort takes it back.  Deleted rules go through dying: after a grace period no
 * packet can count on them, so their counters are final; then bridge_settle tells the
 * owner (FLOW_REMOVED), unlinks them, and after one more grace period frees them.
 *
 * Control thread.  Only one bridge of a switch has a pending change at a time: what one publishes is a version of all.
 */
#pragma once
#include "tables/table.h"

/* Publishes what is pending; nothing is: nothing happens. */
void bridge_commit(struct bridge *);
/* Takes back what is pending: tables and indexes are as they were. */
void bridge_abort(struct bridge *);
/* Deletes a rule for a timeout; goes with the next commit. */
void bridge_expire(struct bridge *, struct rule *, enum of_removed reason);
/* Waits until no packet is under a rule that has been deleted: what only such rules name can go, and a packet sees both
 * or neither. */
void bridge_outlast_deleted(struct bridge *);
/* Deletes all rules that 'selects' for 'id', at once; none of them is left in this sense.  Nothing may be pending. */
void bridge_purge(struct bridge *, bool (*selects)(const struct rule *, uint32_t id), uint32_t id,
                  enum of_removed reason);
/* Rules whose grace period is over: tells 'removed' of each in order, unlinks it. */
void bridge_settle(struct bridge *, void (*removed)(void *arg, struct bridge *, const struct rule *), void *arg);
/* Has everything been told and unlinked that was deleted? */
static inline bool bridge_settled(const struct bridge *b) { return !b->dying; }

/* ---- what a flow-mod makes it of (flow_mods.c) ---- */

/* A new rule in a table that is ready; the bridge's from here on. */
void change_add(struct bridge *, struct rule *);
/* A rule that packets may see leaves; 'silent': without a FLOW_REMOVED. */
void change_remove(struct bridge *, struct rule *, enum of_removed reason, bool silent);
/* 'heir' takes the place of 'old', which leaves without a FLOW_REMOVED. */
void change_replace(struct bridge *, struct rule *old, struct rule *heir);
/* 'heir' counts on where 'old' stands.  Before change_replace. */
void change_inherit(struct bridge *, struct rule *heir, struct rule *old);
/* Was the rule added by this very change?  Then nobody has seen it, and it may be taken back and freed. */
bool change_is_new(const struct bridge *, const struct rule *);
void change_undo(struct bridge *, struct rule *);
