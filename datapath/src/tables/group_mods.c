/* See group_mods.h. */
#include "tables/group_mods.h"

#include <string.h>

#include "base/check.h"
#include "tables/change.h"
#include "tables/references.h"

static void refer(struct bridge *b, const struct group *g, int by)
{
    for (uint32_t i = 0; i < g->n_buckets; i++)
        bridge_refer(b, g->buckets[i].actions, g->buckets[i].n_actions, by);
}

/* ---- checks ---- */

/* Puts the groups that 'g' goes to, and that this search has not seen, in front of 'todo'; '*found': 'to' is among
 * them. */
static struct group *step_from(struct bridge *b, const struct group *g, uint32_t to, struct group *todo, bool *found)
{
    for (uint32_t i = 0; i < g->n_buckets; i++)
        for (unsigned k = 0; k < g->buckets[i].n_actions; k++) {
            const struct action *a = &g->buckets[i].actions[k];
            struct group *next = a->kind == ACT_GROUP ? bridge_group(b, a->port) : NULL;
            *found |= a->kind == ACT_GROUP && a->port == to;
            if (!next || next->search == b->group_searches)
                continue;
            next->search = b->group_searches;
            next->to_search = todo;
            todo = next;
        }
    return todo;
}

/* Does a chain from 'from' lead to group 'to'?  Each group is looked at once, with a list instead of recursion: a chain
 * may be as long as there are groups. */
static bool leads_to(struct bridge *b, struct group *from, uint32_t to)
{
    bool found = false;
    b->group_searches++;
    from->to_search = NULL;
    for (struct group *todo = from, *at; todo && !found;) {
        at = todo;
        todo = step_from(b, at, to, at->to_search, &found);
    }
    return found;
}

static enum of_error check_bucket(const struct bridge *b, const struct bucket *bucket, uint32_t self)
{
    for (unsigned i = 0; i < bucket->n_actions; i++) {
        const struct action *a = &bucket->actions[i];
        if (a->kind == ACT_GROUP && a->port != self && !bridge_group(b, a->port))
            return OF_ACTION_GROUP;
    }
    bool watches = bucket->watch_group != OFPG_ANY && bucket->watch_group != self;
    return watches && !bridge_group(b, bucket->watch_group) ? OF_GROUP_BAD_WATCH : OF_FINE;
}

static enum of_error check(struct bridge *b, struct group *g)
{
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        enum of_error error = check_bucket(b, &g->buckets[i], g->id);
        if (error != OF_FINE)
            return error;
    }
    return leads_to(b, g, g->id) ? OF_GROUP_LOOP : OF_FINE;
}

/* ---- counters ---- */

static bool take_bucket_slots(struct world *w, struct group *g)
{
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        g->buckets[i].slot = world_take_object(w);
        if (g->buckets[i].slot == UINT32_MAX)
            return false; /* group_free gives those before it back */
    }
    return true;
}

static enum of_error take_slots(struct bridge *b, struct group *g, struct group *old)
{
    g->world = b->world;
    if (!take_bucket_slots(b->world, g))
        return OF_GROUP_BUCKETS;
    if (!old) {
        g->slot = world_take_object(b->world);
        g->owns_slot = g->slot != UINT32_MAX;
    }
    return old || g->owns_slot ? OF_FINE : OF_GROUP_FULL;
}

/* ---- changes ---- */

static void release_group(void *g) { group_free(g); }

static void put(struct bridge *b, struct group *g)
{
    struct key mask = {0};
    refer(b, g, 1);
    group_looks(g, &mask);
    bridge_look_first(b, &mask);
    idmap_put(&b->groups, g, release_group);
    world_publish(b->world);
}

static enum of_error add(struct bridge *b, struct group_mod *mod, uint64_t now_ns)
{
    if (bridge_group(b, mod->id))
        return OF_GROUP_EXISTS;
    if (b->groups.n >= GROUP_LIMIT)
        return OF_GROUP_FULL;
    enum of_error error = check(b, mod->group);
    if (error == OF_FINE)
        error = take_slots(b, mod->group, NULL);
    if (error != OF_FINE)
        return error;
    mod->group->created_ns = now_ns;
    put(b, mod->group);
    mod->group = NULL;
    return OF_FINE;
}

/* The group counts on; its buckets begin anew (6.5). */
static enum of_error modify(struct bridge *b, struct group_mod *mod, uint64_t now_ns)
{
    (void)now_ns;
    struct group *old = bridge_group(b, mod->id), *g = mod->group;
    if (!old)
        return OF_GROUP_UNKNOWN;
    enum of_error error = check(b, g);
    if (error == OF_FINE)
        error = take_slots(b, g, old);
    if (error != OF_FINE)
        return error;
    refer(b, old, -1);
    g->slot = old->slot;
    g->owns_slot = old->owns_slot;
    g->refs = old->refs;
    g->created_ns = old->created_ns;
    old->owns_slot = false;
    put(b, g);
    mod->group = NULL;
    return OF_FINE;
}

static bool is_chained(const struct bridge *b, uint32_t id)
{
    const struct group *g;
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        if (g->id != id && group_names(g, id))
            return true;
    return false;
}

static enum of_error delete_all(struct bridge *b)
{
    bridge_purge(b, rule_goes_to_group, OFPG_ALL, OFPRR_GROUP_DELETE);
    struct group *g;
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));) {
        idmap_remove(&b->groups, g->id, release_group);
    }
    world_publish(b->world);
    return OF_FINE;
}

static enum of_error delete(struct bridge *b, struct group_mod *mod, uint64_t now_ns)
{
    (void)now_ns;
    struct group *g = bridge_group(b, mod->id);
    if (mod->id == OFPG_ALL)
        return delete_all(b);
    if (!g)
        return OF_FINE;
    if (g->refs && is_chained(b, mod->id))
        return OF_GROUP_CHAINED;
    if (g->refs)
        bridge_purge(b, rule_goes_to_group, mod->id, OFPRR_GROUP_DELETE);
    bridge_outlast_deleted(b);
    refer(b, g, -1);
    idmap_remove(&b->groups, g->id, release_group);
    world_publish(b->world);
    return OF_FINE;
}

enum of_error bridge_group_mod(struct bridge *b, struct group_mod *mod, uint64_t now_ns)
{
    static enum of_error (*const commands[])(struct bridge *, struct group_mod *, uint64_t) = {
        [OFPGC_ADD] = add,
        [OFPGC_MODIFY] = modify,
        [OFPGC_DELETE] = delete,
    };
    MUST(!b->added && !b->removed);
    return commands[mod->command](b, mod, now_ns);
}
