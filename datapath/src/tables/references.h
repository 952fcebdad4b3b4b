/* What names what: rules and buckets name groups, rules name meters.
 *
 * Whatever is named knows how often, so that statistics can tell, and deleting needs no search when nobody names it.
 * Control thread.
 */
#pragma once
#include "base/of_error.h"
#include "tables/group.h"
#include "tables/meter_entry.h"

/* Are all groups that these actions name there? */
enum of_error bridge_knows_groups(const struct bridge *, const struct action *, unsigned n);
/* 'by' more references to every group that these actions name; all of them are there. */
void bridge_refer(struct bridge *, const struct action *, unsigned n, int by);
