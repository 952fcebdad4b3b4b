/* See bridge.h. */
#include "bridge/bridge.h"

#include <string.h>

#include "act/looks.h"
#include "base/check.h"

static struct key_shape *shape_new(struct world *w, const struct key *mask)
{
    struct key_shape *shape = must_calloc(1, sizeof *shape);
    key_shape_make(shape, ++w->last_shape, mask);
    return shape;
}

uint64_t bridge_identity(uint32_t id, const vs_bridge_spec *spec) { return spec->identity ? spec->identity : id; }

struct bridge *bridge_new(struct world *w, uint32_t id, const vs_bridge_spec *spec)
{
    struct bridge *b = must_calloc(1, sizeof *b);
    /* Every answer depends on where the packet came from (flooding, output to self). */
    struct key mask = {.in_port = UINT32_MAX};
    if (spec->standalone)
        normal_looks(&mask);
    b->id = id;
    b->identity = bridge_identity(id, spec);
    b->world = w;
    b->spec = *spec;
    b->dying_end = &b->dying;
    b->removed_end = &b->removed;
    b->macs.world = w;
    mac_set(&b->macs, spec->mac_limit, spec->mac_age);
    idmap_init(&b->groups, &w->epoch, w->seed);
    idmap_init(&b->meters, &w->epoch, w->seed);
    atomic_init(&b->standalone, spec->standalone);
    atomic_init(&b->ports, must_calloc(1, sizeof(struct port_list)));
    atomic_init(&b->shape, shape_new(w, &mask));
    for (unsigned i = 0; i < N_TABLES; i++) {
        atomic_init(&b->tables[i].lookup_slot, UINT32_MAX);
        atomic_init(&b->tables[i].miss_slot, UINT32_MAX);
    }
    return b;
}

bool bridge_widen_shape(struct bridge *b, const struct key *mask)
{
    const struct key_shape *old = bridge_shape(b);
    struct key wide = old->mask;
    for (unsigned i = 0; i < KEY_WORDS; i++)
        wide.words[i] |= mask->words[i];
    if (!memcmp(&wide, &old->mask, sizeof wide))
        return false;
    epoch_replace(&b->world->epoch, &b->shape, shape_new(b->world, &wide), free);
    return true;
}

void bridge_look_first(struct bridge *b, const struct key *mask)
{
    if (!bridge_widen_shape(b, mask))
        return;
    world_publish(b->world);
    epoch_wait(&b->world->epoch, b->world->epoch.version);
}

void bridge_free(struct bridge *b)
{
    MUST(!b->n_rules && !b->dying && !b->added && !b->removed);
    idmap_destroy(&b->groups);
    idmap_destroy(&b->meters);
    mac_destroy(&b->macs);
    free(atomic_load(&b->ports));
    free(atomic_load(&b->shape));
    free(b);
}
