/* Which bucket of a group a packet takes (OpenFlow 1.3.5, 5.6.1), and what lives (5.6.1 and 6.7). */
#pragma once
#include "tables/group.h"

/* Any thread inside an epoch: the bucket that a packet takes of a SELECT, INDIRECT or FF group, or NULL: none lives.
 * Groups may watch groups that watch groups: '*tries' buckets may be looked at; none left: nobody knows. */
const struct bucket *choose_bucket(const struct bridge *, const struct group *, const struct key *, unsigned *tries);
