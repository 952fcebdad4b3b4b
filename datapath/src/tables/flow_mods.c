/* See flow_mods.h. */
#include "tables/flow_mods.h"

#include "tables/references.h"

static bool overlaps(const struct flow_table *t, const struct match *m, uint16_t priority)
{
    for (const struct rule *r = t->rules; r; r = r->next)
        if (r->entry.priority == priority && match_overlaps(r->entry.match, m))
            return true;
    return false;
}

static enum of_error add_rule(struct bridge *b, struct flow_mod *mod, const struct match *m, uint64_t now_ns)
{
    if (mod->table >= N_TABLES)
        return OF_FLOW_TABLE;
    struct flow_table *t = &b->tables[mod->table];
    if (mod->flags & OFPFF_CHECK_OVERLAP && overlaps(t, m, mod->priority))
        return OF_FLOW_OVERLAP;
    struct rule *old = table_find(b, t, m, mod->priority);
    if ((!old && b->world->n_rules >= b->world->max_rules) || !table_ready(b, t))
        return OF_FLOW_TABLE_FULL;
    struct rule *r = rule_new(b->world, mod, now_ns);
    if (!r)
        return OF_FLOW_TABLE_FULL;
    if (!old) {
        change_add(b, r);
        return OF_FINE;
    }
    if (!(mod->flags & OFPFF_RESET_COUNTS))
        change_inherit(b, r, old);
    change_replace(b, old, r);
    return OF_FINE;
}

static void modify_one(struct bridge *b, struct rule *r, struct flow_mod *mod)
{
    struct rule *heir = rule_modified(r, mod);
    change_inherit(b, heir, r);
    if (mod->flags & OFPFF_RESET_COUNTS)
        slots_read(&b->world->slots, r->slot, &heir->base_packets, &heir->base_bytes);
    change_replace(b, r, heir);
}

static void remove_one(struct bridge *b, struct rule *r, struct flow_mod *mod)
{
    (void)mod;
    if (!change_is_new(b, r)) {
        change_remove(b, r, OFPRR_DELETE, false);
        return;
    }
    if (r->heir_of) /* it is among the removed already, silently; now it leaves with notice */
        r->heir_of->silent = false;
    change_undo(b, r);
    rule_free(r);
}

typedef void each_rule(struct bridge *, struct rule *, struct flow_mod *);

static void for_table(struct bridge *b, struct flow_table *t, struct flow_mod *mod, const struct match *m, bool strict,
                      each_rule *each)
{
    struct flow_select select = {mod->cookie, mod->cookie_mask, mod->out_port, mod->out_group, strict ? NULL : m};
    if (strict) {
        struct rule *r = table_find(b, t, m, mod->priority);
        if (r && rule_selected(r, &select))
            each(b, r, mod);
        return;
    }
    for (struct rule *r = t->rules, *next; r; r = next) { /* heirs go to the front: they are not met */
        next = r->next;
        if (rule_selected(r, &select))
            each(b, r, mod);
    }
}

static enum of_error change_rules(struct bridge *b, struct flow_mod *mod, const struct match *m)
{
    bool deletes = mod->command == OFPFC_DELETE || mod->command == OFPFC_DELETE_STRICT;
    bool strict = mod->command == OFPFC_MODIFY_STRICT || mod->command == OFPFC_DELETE_STRICT;
    if (mod->table >= N_TABLES && !(deletes && mod->table == TABLE_ALL))
        return OF_FLOW_TABLE;
    if (!deletes)
        mod->out_port = mod->out_group = OFPP_ANY; /* they filter deletes only */
    unsigned first = mod->table == TABLE_ALL ? 0 : mod->table;
    unsigned last = mod->table == TABLE_ALL ? N_TABLES - 1 : mod->table;
    for (unsigned i = first; i <= last; i++)
        if (b->tables[i].n_rules)
            for_table(b, &b->tables[i], mod, m, strict, deletes ? remove_one : modify_one);
    return OF_FINE;
}

/* Groups and meters that the flow-mod names have to be there. */
static enum of_error check_names(const struct bridge *b, const struct program *p)
{
    if (p->has_meter && !bridge_meter(b, p->meter))
        return OF_METER_INVALID;
    return bridge_knows_groups(b, p->actions, p->n_apply + p->n_write);
}

enum of_error bridge_flow_mod(struct bridge *b, struct flow_mod *mod, uint64_t now_ns)
{
    enum of_error error = mod->program ? check_names(b, mod->program) : OF_FINE;
    if (error != OF_FINE)
        return error;
    union {
        struct match m;
        uint8_t room[sizeof(struct match) + KEY_WORDS * sizeof(struct match_word)];
    } match;
    match_set(&match.m, &mod->value, &mod->mask);
    if (mod->command == OFPFC_ADD)
        return add_rule(b, mod, &match.m, now_ns);
    return change_rules(b, mod, &match.m);
}
