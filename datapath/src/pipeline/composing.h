/* Between the files of composition: compose.c walks, outputs.c and grouping.c fan out, edits.c changes the key. */
#pragma once
#include "pipeline/compose.h"

/* ---- compose.c ---- */

void compose_append(struct composition *, const struct action *);
void compose_drop(struct composition *, vs_drop);
/* The packet goes no further: what was done to it so far stands. */
void compose_end(struct composition *, vs_drop);
void compose_count(struct composition *, uint32_t slot);
struct action compose_with_origin(const struct composition *, struct action);
/* Does 'n' actions; 'rule': whose applied actions they are, NULL: nothing comes after them. */
void compose_apply(struct composition *, const struct rule *, const struct action *actions, unsigned n);
void compose_walk(struct composition *); /* from table 0 on */
/* Its key names a port that it did not come by: there is none of that number.  What looks at the incoming port drops it. */
bool compose_from_nowhere(const struct composition *);

/* What a copy may change while it is composed, to be put back when it is done. */
struct compose_copy {
    struct key key;
    uint16_t tags[2];
    unsigned n_tags, at;
    uint32_t queue;
};
void compose_copy_begin(struct composition *, struct compose_copy *);
void compose_copy_end(struct composition *, const struct compose_copy *);

/* ---- the others: handlers of one action each ---- */

typedef void doer(struct composition *, const struct action *);
doer do_output, do_group;
doer do_set_field, do_set_queue, do_push_vlan, do_pop_vlan, do_push_mpls, do_pop_mpls, do_push_pbb, do_pop_pbb, do_dec_ttl;
void compose_load_tags(struct composition *);
