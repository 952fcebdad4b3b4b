/* The classifier of one table: the best rule for a key, as of a version.
 *
 * Theory of operation.  Entries are put in and taken out by the control thread and
 * looked up by poll threads without locks.  An entry carries the rule-set versions it
 * is born and dies at; a lookup at version v sees it when born <= v < died, so many
 * changes become visible at one instant and an aborted change was never seen.
 * classifier_publish makes what was inserted reachable (not yet visible: that is the
 * version's business) and lets go of what was removed.
 *
 * This implementation is linear: a lookup walks arrays sorted by priority.  It is the slow,
 * obvious one that cleverer classifiers are tested against.  So that a change costs what it
 * changes and not what is there, there are several arrays: a publish puts what was inserted
 * into one of its own and merges it with its neighbour while that is less than twice as
 * long, so an entry moves a logarithmic number of times; what is removed leaves a hole.
 *
 * Ownership: entries stay the caller's; after classifier_remove and the next publish an
 * entry may be freed once a grace period has passed.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include "base/epoch.h"
#include "flow/match.h"

struct cls_list;

struct cls_entry {
    const struct match *match;
    uint64_t born;
    _Atomic uint64_t died; /* CLS_NEVER until it is deleted */
    uint16_t priority;
    uint32_t at;           /* the classifier's: its place in ... */
    struct cls_list *list; /* ... this array, or among those that wait for a publish if NULL */
};
#define CLS_NEVER UINT64_MAX

struct classifier;

/* Empty; what readers may still see is retired in 'epoch'. */
struct classifier *classifier_new(struct epoch *);
void classifier_free(struct classifier *); /* no reader may run */
/* Control thread.  Entries with equal priority that overlap: the one inserted first is found (undefined in OpenFlow).
 */
void classifier_insert(struct classifier *, struct cls_entry *);
/* One that waits for its publish, or one that is dead to every reader by now. */
void classifier_remove(struct classifier *, struct cls_entry *);
/* Makes all insertions and removals since the last time visible to readers, at once. */
void classifier_publish(struct classifier *);
/* Any thread inside an epoch.  The entry of highest priority that matches at 'version', or NULL.  Every bit that was
 * looked at is set in *looked (which may be NULL): a key that agrees in those bits gets the same answer.  What it took,
 * in entries, is added to '*steps'. */
struct cls_entry *classifier_lookup(const struct classifier *, const struct key *, uint64_t version, struct key *looked,
                                    uint64_t *steps);
