/* What actions that edit the packet (packet/edit.h) do to its key, while composing: later tables match what the packet
 * will be. */
#pragma once
#include "compose/composition.h"

/* The work space's tags from its key. */
void compose_load_tags(struct composition *);

/* A handler of one kind of action: puts it on the list, if it does anything to this packet, and changes the key. */
typedef void doer(struct composition *, const struct action *);
doer do_set_field, do_set_queue, do_push_vlan, do_pop_vlan, do_push_mpls, do_pop_mpls, do_push_pbb, do_pop_pbb,
    do_dec_ttl;
