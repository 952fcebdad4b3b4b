/* See meter_entry.h. */
#include "tables/meter_entry.h"

#include "base/check.h"

void meter_entry_free(struct meter_entry *m)
{
    if (m->owns_slot)
        world_give_object(m->world, m->meter->slot);
    for (unsigned i = 0; i < m->meter->n_bands; i++)
        if (m->meter->bands[i].slot != UINT32_MAX)
            world_give_object(m->world, m->meter->bands[i].slot);
    meter_free(m->meter);
    free(m);
}

struct meter_entry *meter_entry_new(struct bridge *b, const struct meter_mod *mod, const struct meter_entry *old,
                                    uint64_t now_ns)
{
    struct meter_entry *m = must_calloc(1, sizeof *m);
    *m = (struct meter_entry){
        .id = mod->id, .created_ns = old ? old->created_ns : now_ns, .refs = old ? old->refs : 0, .world = b->world};
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
    meter_entry_free(m);
    return NULL;
}
