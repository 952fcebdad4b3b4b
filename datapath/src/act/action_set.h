/* An action set (OpenFlow 1.3.5, 5.10): one action of each type, carried out in the standard's order.
 *
 * A set has a place for each type, in that order; set-field has one a field.  What is written
 * later takes the place of what was there.  Also a group's bucket is such a set, made once.
 */
#pragma once
#include "act/action.h"

enum set_place {
    SET_COPY_TTL_IN,
    SET_POP_VLAN,
    SET_POP_PBB,
    SET_POP_MPLS,
    SET_PUSH_MPLS,
    SET_PUSH_PBB,
    SET_PUSH_VLAN,
    SET_COPY_TTL_OUT,
    SET_DEC_MPLS_TTL,
    SET_DEC_TTL,
    SET_MPLS_TTL,
    SET_TTL,
    SET_FIELD,
    SET_QUEUE = SET_FIELD + FIELD_LIMIT,
    SET_GROUP,
    SET_OUTPUT,
    SET_LIMIT
};
_Static_assert(SET_LIMIT <= 64, "one bit a place");

struct action_set {
    uint64_t has; /* bit i: at[i] is in the set */
    struct action at[SET_LIMIT];
};

/* An empty set; what is at its places means nothing. */
static inline void set_clear(struct action_set *s) { s->has = 0; }
/* Writes 'n' actions in order, each into its place. */
void set_write(struct action_set *, const struct action *actions, unsigned n);
/* The actions in order into 'out', which has room for SET_LIMIT; an output is left out where there is a group.  Their
 * number. */
unsigned set_flatten(const struct action_set *, struct action *out);
