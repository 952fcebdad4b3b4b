/* See rule.h. */
#include "tables/rule.h"

#include <string.h>

#include "act/looks.h"
#include "base/check.h"
#include "tables/group.h"

static void copy_wire(struct rule *r, const uint8_t *match, uint16_t match_size, const uint8_t *instructions,
                      uint16_t size)
{
    r->wire = must_calloc(1, (size_t)match_size + size + 1);
    memcpy(r->wire, match, match_size);
    if (size)
        memcpy(r->wire + match_size, instructions, size);
    r->match_size = match_size;
    r->instructions_size = size;
}

static const struct match *copy_match(const struct key *value, const struct key *mask)
{
    struct match *m = must_calloc(1, match_bytes(match_count(mask)));
    match_set(m, value, mask);
    return m;
}

struct rule *rule_new(struct world *w, struct flow_mod *mod, uint64_t now_ns)
{
    uint32_t slot = slots_take(&w->slots);
    if (slot == UINT32_MAX)
        return NULL;
    struct rule *r = must_calloc(1, sizeof *r);
    r->entry.match = copy_match(&mod->value, &mod->mask);
    r->entry.priority = mod->priority;
    r->world = w;
    r->slot = slot;
    r->owns_slot = true;
    r->program = mod->program;
    mod->program = NULL;
    r->cookie = mod->cookie;
    r->created_ns = r->used_ns = now_ns;
    r->idle = mod->idle;
    r->hard = mod->hard;
    r->flags = mod->flags;
    r->table = mod->table;
    r->wire_version = mod->wire_version;
    copy_wire(r, mod->match, mod->match_size, mod->instructions, mod->instructions_size);
    return r;
}

struct rule *rule_modified(const struct rule *old, struct flow_mod *mod)
{
    struct rule *r = must_calloc(1, sizeof *r);
    struct key value, mask;
    match_get(old->entry.match, &value, &mask);
    r->entry.match = copy_match(&value, &mask);
    r->entry.priority = old->entry.priority;
    r->world = old->world;
    r->slot = old->slot;
    size_t size = sizeof *r->program + (size_t)(mod->program->n_apply + mod->program->n_write) * sizeof(struct action);
    r->program = must_calloc(1, size);
    memcpy(r->program, mod->program, size);
    r->cookie = old->cookie;
    r->created_ns = old->created_ns;
    r->used_ns = old->used_ns;
    r->seen_packets = old->seen_packets;
    r->base_packets = old->base_packets;
    r->base_bytes = old->base_bytes;
    r->idle = old->idle;
    r->hard = old->hard;
    r->flags = old->flags;
    r->table = old->table;
    r->wire_version = mod->wire_version;
    copy_wire(r, old->wire, old->match_size, mod->instructions, mod->instructions_size);
    return r;
}

void rule_free(struct rule *r)
{
    if (r->owns_slot)
        slots_give(&r->world->slots, r->slot);
    free((void *)r->entry.match);
    free(r->program);
    free(r->wire);
    free(r);
}

void rule_counts(const struct rule *r, uint64_t *packets, uint64_t *bytes)
{
    slots_read(&r->world->slots, r->slot, packets, bytes);
    *packets -= r->base_packets;
    *bytes -= r->base_bytes;
}

bool rule_is_table_miss(const struct rule *r) { return r->entry.priority == 0 && r->entry.match->n == 0; }

static bool has_action(const struct rule *r, uint8_t kind, uint32_t number, uint32_t any)
{
    const struct program *p = r->program;
    for (unsigned i = 0; i < p->n_apply + p->n_write; i++)
        if (p->actions[i].kind == kind && (number == any || p->actions[i].port == number))
            return true;
    return false;
}

bool rule_outputs_to(const struct rule *r, uint32_t port) { return has_action(r, ACT_OUTPUT, port, OFPP_ANY); }
bool rule_goes_to_group(const struct rule *r, uint32_t group) { return has_action(r, ACT_GROUP, group, OFPG_ALL); }

void rule_looks(const struct rule *r, struct key *mask)
{
    const struct match_word *w = r->entry.match->words;
    for (uint32_t map = r->entry.match->map; map; map &= map - 1, w++)
        mask->words[__builtin_ctz(map)] |= w->mask;
    for (unsigned i = 0; i < r->program->n_apply + r->program->n_write; i++)
        action_looks(&r->program->actions[i], mask);
}
