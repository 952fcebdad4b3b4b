/* See meter_mods.h. */
#include "tables/meter_mods.h"

#include "base/check.h"
#include "tables/change.h"

static void release_meter(void *m) { meter_entry_free(m); }

static void put(struct bridge *b, struct meter_entry *m, bool replaces)
{
    idmap_put(&b->meters, m, release_meter);
    atomic_store(&b->world->n_timed, b->world->n_timed + 1 - replaces);
    world_publish(b->world);
}

static enum of_error add(struct bridge *b, const struct meter_mod *mod, uint64_t now_ns)
{
    if (bridge_meter(b, mod->id))
        return OF_METER_EXISTS;
    if (b->meters.n >= METER_LIMIT)
        return OF_METER_FULL;
    struct meter_entry *m = meter_entry_new(b, mod, NULL, now_ns);
    if (!m)
        return OF_METER_FULL;
    put(b, m, false);
    return OF_FINE;
}

static enum of_error modify(struct bridge *b, const struct meter_mod *mod, uint64_t now_ns)
{
    struct meter_entry *old = bridge_meter(b, mod->id), *m;
    if (!old)
        return OF_METER_UNKNOWN;
    m = meter_entry_new(b, mod, old, now_ns);
    if (!m)
        return OF_METER_FULL;
    m->owns_slot = old->owns_slot;
    old->owns_slot = false;
    put(b, m, true);
    return OF_FINE;
}

static bool rule_uses_meter(const struct rule *r, uint32_t id)
{
    return r->program->has_meter && (id == OFPM_ALL || r->program->meter == id);
}

static void take_out(struct bridge *b, struct meter_entry *m)
{
    idmap_remove(&b->meters, m->id, release_meter);
    atomic_fetch_sub(&b->world->n_timed, 1);
}

/* Rules that name it go with it (6.8). */
static enum of_error delete(struct bridge *b, const struct meter_mod *mod, uint64_t now_ns)
{
    (void)now_ns;
    struct meter_entry *m = mod->id == OFPM_ALL ? NULL : bridge_meter(b, mod->id);
    if (mod->id != OFPM_ALL && !m)
        return OF_FINE;
    if (!m || m->refs)
        bridge_purge(b, rule_uses_meter, mod->id, OFPRR_DELETE);
    bridge_outlast_deleted(b);
    if (m)
        take_out(b, m);
    for (size_t at = 0; mod->id == OFPM_ALL && (m = idmap_next(&b->meters, &at));)
        take_out(b, m);
    world_publish(b->world);
    return OF_FINE;
}

enum of_error bridge_meter_mod(struct bridge *b, struct meter_mod *mod, uint64_t now_ns)
{
    static enum of_error (*const commands[])(struct bridge *, const struct meter_mod *, uint64_t) = {
        [OFPMC_ADD] = add,
        [OFPMC_MODIFY] = modify,
        [OFPMC_DELETE] = delete,
    };
    MUST(!b->added && !b->removed);
    return commands[mod->command](b, mod, now_ns);
}
