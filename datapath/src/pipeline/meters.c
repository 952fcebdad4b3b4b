/* Meter-mods on a bridge (OpenFlow 1.3.5, 6.8 and 7.3.4.4): checked, then in force at once. */
#include "pipeline/meters.h"

#include "base/check.h"
#include "pipeline/bridge.h"

struct bridge_meter *bridge_meter(const struct bridge *b, uint32_t id) { return idmap_find(&b->meters, id); }

static void meter_unmake(struct bridge_meter *m)
{
    if (m->owns_slot)
        world_give_object(m->world, m->meter->slot);
    for (unsigned i = 0; i < m->meter->n_bands; i++)
        if (m->meter->bands[i].slot != UINT32_MAX)
            world_give_object(m->world, m->meter->bands[i].slot);
    meter_free(m->meter);
    free(m);
}

static void release_meter(void *m) { meter_unmake(m); }

/* 'old': whose counters of all packets go on (6.8); NULL: begin. */
static struct bridge_meter *meter_make(struct bridge *b, const struct meter_mod *mod, const struct bridge_meter *old, uint64_t now_ns)
{
    struct bridge_meter *m = must_calloc(1, sizeof *m);
    *m = (struct bridge_meter){.id = mod->id, .created_ns = old ? old->created_ns : now_ns, .refs = old ? old->refs : 0, .world = b->world};
    m->meter = meter_new(mod->id, mod->flags, mod->bands, mod->n_bands, now_ns);
    m->meter->slot = old ? old->meter->slot : world_take_object(b->world);
    m->owns_slot = !old && m->meter->slot != UINT32_MAX;
    bool complete = m->meter->slot != UINT32_MAX;
    for (unsigned i = 0; i < mod->n_bands && complete; i++) {
        m->meter->bands[i].slot = world_take_object(b->world);
        complete = m->meter->bands[i].slot != UINT32_MAX;
        m->remarks |= mod->bands[i].type == METER_DSCP_REMARK;
    }
    if (complete)
        return m;
    meter_unmake(m);
    return NULL;
}

static void put(struct bridge *b, struct bridge_meter *m, bool replaces)
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
    struct bridge_meter *m = meter_make(b, mod, NULL, now_ns);
    if (!m)
        return OF_METER_FULL;
    put(b, m, false);
    return OF_FINE;
}

static enum of_error modify(struct bridge *b, const struct meter_mod *mod, uint64_t now_ns)
{
    struct bridge_meter *old = bridge_meter(b, mod->id), *m;
    if (!old)
        return OF_METER_UNKNOWN;
    m = meter_make(b, mod, old, now_ns);
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

static void take_out(struct bridge *b, struct bridge_meter *m)
{
    idmap_remove(&b->meters, m->id, release_meter);
    atomic_fetch_sub(&b->world->n_timed, 1);
}

/* Rules that name it go with it (6.8). */
static enum of_error delete(struct bridge *b, const struct meter_mod *mod, uint64_t now_ns)
{
    (void)now_ns;
    struct bridge_meter *m = mod->id == OFPM_ALL ? NULL : bridge_meter(b, mod->id);
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
        [OFPMC_ADD] = add, [OFPMC_MODIFY] = modify, [OFPMC_DELETE] = delete,
    };
    MUST(!b->added && !b->removed);
    return commands[mod->command](b, mod, now_ns);
}

void bridge_free_meters(struct bridge *b)
{
    struct bridge_meter *m;
    for (size_t at = 0; (m = idmap_next(&b->meters, &at));) {
        atomic_fetch_sub(&b->world->n_timed, 1);
        meter_unmake(m);
    }
    idmap_destroy(&b->meters);
}
