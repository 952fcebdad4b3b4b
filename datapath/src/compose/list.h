/* The list of a composition: actions put on it, copies bracketed, counters noted. */
#pragma once
#include "compose/composition.h"

/* Puts an action at the end; no room for it: the composition overflows. */
void compose_append(struct composition *, const struct action *);
/* The packet is dropped for this reason; what was done to it so far stands, and it goes on. */
void compose_drop(struct composition *, vs_drop);
/* The same, and it goes no further. */
void compose_end(struct composition *, vs_drop);
/* It leaves by a port, in the queue that is set. */
void compose_send(struct composition *, struct port *to);
/* A packet that comes this far raises a counter. */
void compose_count(struct composition *, uint32_t slot);
/* The action with what a packet-in has to tell: rule, metadata, tunnel. */
struct action compose_with_origin(const struct composition *, struct action);
/* Its key names a port that it did not come by: there is none of that number.  What looks at the incoming port drops
 * it. */
bool compose_from_nowhere(const struct composition *);

/* What a copy may change while it is composed, to be put back when it is done. */
struct compose_copy {
    struct key key;
    uint16_t tags[2];
    unsigned n_tags, at;
    uint32_t queue;
};
/* What follows happens to a copy of the packet, up to compose_copy_end; copies may hold copies. */
void compose_copy_begin(struct composition *, struct compose_copy *);
/* Back to the packet as it was; no copy is made of it if nothing would change it. */
void compose_copy_end(struct composition *, const struct compose_copy *);
