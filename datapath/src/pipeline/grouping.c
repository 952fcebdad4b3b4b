/* Groups in a composition: each bucket that is carried out works on a copy of the packet (OpenFlow 1.3.5, 5.6). */
#include "pipeline/composing.h"

static void carry_out(struct composition *c, const struct bucket *bucket)
{
    struct compose_copy copy;
    compose_copy_begin(c, &copy);
    compose_count(c, bucket->slot);
    compose_apply(c, NULL, bucket->actions, bucket->n_actions);
    compose_copy_end(c, &copy);
}

static void carry_out_all(struct composition *c, const struct group *g)
{
    if (!g->n_buckets)
        compose_drop(c, VS_DROP_GROUP);
    for (uint32_t i = 0; i < g->n_buckets && !c->overflow; i++)
        carry_out(c, &g->buckets[i]);
}

static void carry_out_one(struct composition *c, const struct group *g)
{
    unsigned *looks = stages_looks(c->stages), before = *looks;
    const struct bucket *bucket = group_choose(c->bridge, g, &c->key, looks);
    c->looks += before - *looks;
    if (!*looks) {
        c->overflow = true;
        c->cacheable = false; /* another packet may come here with more left */
        return;
    }
    if (c->watch && c->watch->group)
        c->watch->group(c->watch->arg, g->id, bucket ? (int)(bucket - g->buckets) : -1);
    if (bucket)
        carry_out(c, bucket);
    else
        compose_drop(c, VS_DROP_GROUP);
}

void do_group(struct composition *c, const struct action *a)
{
    const struct group *g = bridge_group(c->bridge, a->port);
    if (!g) { /* a packet-out's or a bucket's, deleted since it was checked */
        compose_drop(c, VS_DROP_GROUP);
        return;
    }
    if (c->depth == GROUP_DEPTH) {
        c->overflow = true;
        return;
    }
    compose_count(c, g->slot);
    c->depth++;
    if (g->type != OFPGT_ALL) {
        carry_out_one(c, g);
    } else {
        if (c->watch && c->watch->group)
            c->watch->group(c->watch->arg, g->id, -1);
        carry_out_all(c, g);
    }
    c->depth--;
}
