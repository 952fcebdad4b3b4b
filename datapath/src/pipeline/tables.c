/* Flow-mods on flow tables (OpenFlow 1.3.5 section 6.4): staged, then committed or taken back.  See bridge.h. */
#include <string.h>

#include "base/check.h"
#include "pipeline/bridge.h"

/* ---- lists and indexes ---- */

/* What a rule names knows how often it is named. */
static void refer(struct bridge *b, const struct rule *r, int by)
{
    const struct program *p = r->program;
    bridge_refer(b, p->actions, p->n_apply + p->n_write, by);
    if (p->has_meter)
        bridge_meter(b, p->meter)->refs += (uint32_t)by;
}

static uint64_t strict_hash(const struct bridge *b, const struct match *m, uint16_t priority)
{
    return match_hash(m, b->world->seed ^ priority);
}

static struct rule *rule_of_node(struct hmap_node *n) { return (struct rule *)((char *)n - offsetof(struct rule, node)); }

static struct rule *find_strict(const struct bridge *b, const struct flow_table *t, const struct match *m, uint16_t priority)
{
    if (!t->by_match.buckets)
        return NULL;
    for (struct hmap_node *n = hmap_first(&t->by_match, strict_hash(b, m, priority)); n; n = hmap_next(n)) {
        struct rule *r = rule_of_node(n);
        if (r->entry.priority == priority && match_same(r->entry.match, m))
            return r;
    }
    return NULL;
}

/* The table with classifier and counters in place; false: no slots for its counters. */
static bool table_ready(struct bridge *b, struct flow_table *t)
{
    if (t->by_match.buckets)
        return true;
    uint32_t lookup = slots_take(&b->world->slots), miss = slots_take(&b->world->slots);
    if (lookup == UINT32_MAX || miss == UINT32_MAX) {
        if (lookup != UINT32_MAX)
            slots_give(&b->world->slots, lookup);
        return false;
    }
    hmap_init(&t->by_match);
    atomic_store_explicit(&t->lookup_slot, lookup, memory_order_relaxed);
    atomic_store_explicit(&t->miss_slot, miss, memory_order_relaxed);
    atomic_store_explicit(&t->classifier, classifier_new(&b->world->epoch), memory_order_release);
    return true;
}

static void link_timed(struct bridge *b, struct rule *r)
{
    if (!r->idle && !r->hard)
        return;
    r->next_timed = b->timed;
    r->back_timed = &b->timed;
    if (b->timed)
        b->timed->back_timed = &r->next_timed;
    b->timed = r;
}

static void unlink_timed(struct rule *r)
{
    if (!r->back_timed)
        return;
    *r->back_timed = r->next_timed;
    if (r->next_timed)
        r->next_timed->back_timed = r->back_timed;
    r->back_timed = NULL;
}

static void link_rule(struct bridge *b, struct rule *r)
{
    struct flow_table *t = &b->tables[r->table];
    hmap_insert(&t->by_match, &r->node, strict_hash(b, r->entry.match, r->entry.priority));
    r->next = t->rules;
    r->back = &t->rules;
    if (t->rules)
        t->rules->back = &r->next;
    t->rules = r;
    t->n_rules++;
    b->n_rules++;
    b->world->n_rules++;
    link_timed(b, r);
    refer(b, r, 1);
}

static void unlink_rule(struct bridge *b, struct rule *r)
{
    struct flow_table *t = &b->tables[r->table];
    hmap_remove(&t->by_match, &r->node);
    *r->back = r->next;
    if (r->next)
        r->next->back = r->back;
    t->n_rules--;
    b->n_rules--;
    b->world->n_rules--;
    unlink_timed(r);
    refer(b, r, -1);
}

/* ---- staging ---- */

static void stage_add(struct bridge *b, struct rule *r)
{
    struct flow_table *t = &b->tables[r->table];
    r->entry.born = world_next(b->world);
    atomic_init(&r->entry.died, CLS_NEVER);
    classifier_insert(t->classifier, &r->entry);
    t->dirty = true;
    link_rule(b, r);
    r->staged = b->added;
    r->back_staged = &b->added;
    if (b->added)
        b->added->back_staged = &r->staged;
    b->added = r;
}

/* Takes back a rule that was staged in this very change: nobody ever saw it. */
static void unstage(struct bridge *b, struct rule *r)
{
    *r->back_staged = r->staged;
    if (r->staged)
        r->staged->back_staged = r->back_staged;
    classifier_remove(b->tables[r->table].classifier, &r->entry);
    unlink_rule(b, r);
}

static bool is_staged(const struct bridge *b, const struct rule *r) { return r->entry.born == world_next(b->world); }

static void stage_remove(struct bridge *b, struct rule *r, enum of_removed reason, bool silent)
{
    unlink_rule(b, r);
    atomic_store_explicit(&r->entry.died, world_next(b->world), memory_order_relaxed);
    r->removed_by = (uint8_t)reason;
    r->silent = silent;
    r->staged = NULL;
    *b->removed_end = r;
    b->removed_end = &r->staged;
}

/* The heir counts on in the slot of the rule it replaces.  The slot itself changes hands at the commit,
 * unless the old rule was never seen. */
static void inherit_counts(struct bridge *b, struct rule *heir, struct rule *old)
{
    if (heir->owns_slot)
        slots_give(&b->world->slots, heir->slot);
    heir->slot = old->slot;
    heir->owns_slot = is_staged(b, old) && old->owns_slot;
    if (heir->owns_slot)
        old->owns_slot = false;
    heir->base_packets = old->base_packets;
    heir->base_bytes = old->base_bytes;
    heir->seen_packets = old->seen_packets;
}

/* 'heir' takes the place of 'old', which leaves without a FLOW_REMOVED. */
static void stage_replace(struct bridge *b, struct rule *old, struct rule *heir)
{
    heir->heir_of = is_staged(b, old) ? old->heir_of : old;
    if (is_staged(b, old)) {
        unstage(b, old);
        rule_free(old);
    } else {
        stage_remove(b, old, OFPRR_DELETE, true);
    }
    stage_add(b, heir);
}

static bool overlaps(const struct flow_table *t, const struct match *m, uint16_t priority)
{
    for (const struct rule *r = t->rules; r; r = r->next)
        if (r->entry.priority == priority && match_overlaps(r->entry.match, m))
            return true;
    return false;
}

static enum of_error stage_addition(struct bridge *b, struct flow_mod *mod, const struct match *m, uint64_t now_ns)
{
    if (mod->table >= N_TABLES)
        return OF_FLOW_TABLE;
    struct flow_table *t = &b->tables[mod->table];
    if (mod->flags & OFPFF_CHECK_OVERLAP && overlaps(t, m, mod->priority))
        return OF_FLOW_OVERLAP;
    struct rule *old = find_strict(b, t, m, mod->priority);
    if ((!old && b->world->n_rules >= b->world->max_rules) || !table_ready(b, t))
        return OF_FLOW_TABLE_FULL;
    struct rule *r = rule_new(b->world, mod, now_ns);
    if (!r)
        return OF_FLOW_TABLE_FULL;
    if (!old) {
        stage_add(b, r);
        return OF_FINE;
    }
    if (!(mod->flags & OFPFF_RESET_COUNTS))
        inherit_counts(b, r, old);
    stage_replace(b, old, r);
    return OF_FINE;
}

static void modify_one(struct bridge *b, struct rule *r, struct flow_mod *mod)
{
    struct rule *heir = rule_modified(r, mod);
    inherit_counts(b, heir, r);
    if (mod->flags & OFPFF_RESET_COUNTS)
        slots_read(&b->world->slots, r->slot, &heir->base_packets, &heir->base_bytes);
    stage_replace(b, r, heir);
}

static void remove_one(struct bridge *b, struct rule *r, struct flow_mod *mod)
{
    (void)mod;
    if (!is_staged(b, r)) {
        stage_remove(b, r, OFPRR_DELETE, false);
        return;
    }
    if (r->heir_of) /* it is among the removed already, silently; now it leaves with notice */
        r->heir_of->silent = false;
    unstage(b, r);
    rule_free(r);
}

bool rule_selected(const struct rule *r, const struct flow_select *s)
{
    return (r->cookie & s->cookie_mask) == (s->cookie & s->cookie_mask) &&
           (s->out_port == OFPP_ANY || rule_outputs_to(r, s->out_port)) &&
           (s->out_group == OFPG_ANY || rule_goes_to_group(r, s->out_group)) &&
           (!s->match || match_covers(s->match, r->entry.match));
}

typedef void each_rule(struct bridge *, struct rule *, struct flow_mod *);

static void for_table(struct bridge *b, struct flow_table *t, struct flow_mod *mod, const struct match *m, bool strict, each_rule *each)
{
    struct flow_select select = {mod->cookie, mod->cookie_mask, mod->out_port, mod->out_group, strict ? NULL : m};
    if (strict) {
        struct rule *r = find_strict(b, t, m, mod->priority);
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

static enum of_error stage_each(struct bridge *b, struct flow_mod *mod, const struct match *m)
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

static void stage_purge(struct bridge *b, bool (*selects)(const struct rule *, uint32_t), uint32_t id, enum of_removed reason)
{
    MUST(!b->added);
    for (unsigned i = 0; i < N_TABLES; i++)
        for (struct rule *r = b->tables[i].rules, *next; r; r = next) {
            next = r->next;
            if (selects(r, id))
                stage_remove(b, r, reason, false);
        }
}

/* Groups and meters that the flow-mod names have to be there. */
static enum of_error check_names(const struct bridge *b, const struct program *p)
{
    if (p->has_meter && !bridge_meter(b, p->meter))
        return OF_METER_INVALID;
    return bridge_knows_groups(b, p->actions, p->n_apply + p->n_write);
}

enum of_error bridge_stage(struct bridge *b, struct flow_mod *mod, uint64_t now_ns)
{
    enum of_error error = mod->program ? check_names(b, mod->program) : OF_FINE;
    if (error != OF_FINE)
        return error;
    union { struct match m; uint8_t room[sizeof(struct match) + KEY_WORDS * sizeof(struct match_word)]; } match;
    match_set(&match.m, &mod->value, &mod->mask);
    if (mod->command == OFPFC_ADD)
        return stage_addition(b, mod, &match.m, now_ns);
    return stage_each(b, mod, &match.m);
}

void bridge_expire(struct bridge *b, struct rule *r, enum of_removed reason)
{
    MUST(!is_staged(b, r));
    stage_remove(b, r, reason, false);
}

/* ---- commit, abort, settle ---- */

static void extend_shape(struct bridge *b)
{
    struct key mask = {0};
    for (const struct rule *r = b->added; r; r = r->staged)
        rule_looks(r, &mask);
    bridge_widen_shape(b, &mask);
}

static void publish_tables(struct bridge *b)
{
    for (unsigned i = 0; i < N_TABLES; i++)
        if (b->tables[i].dirty) {
            classifier_publish(b->tables[i].classifier);
            b->tables[i].dirty = false;
        }
}

static void take_over_slots(struct bridge *b)
{
    for (struct rule *r = b->added, *next; r; r = next) {
        next = r->staged;
        r->staged = NULL;
        if (!r->owns_slot) {
            r->owns_slot = true;
            r->heir_of->owns_slot = false;
        }
        r->heir_of = NULL;
    }
    b->added = NULL;
}

static void no_removed(struct bridge *b)
{
    b->removed = NULL;
    b->removed_end = &b->removed;
}

void bridge_purge(struct bridge *b, bool (*selects)(const struct rule *, uint32_t), uint32_t id, enum of_removed reason)
{
    stage_purge(b, selects, id, reason);
    bridge_commit(b);
    bridge_outlast_deleted(b);
}

void bridge_outlast_deleted(struct bridge *b)
{
    if (!bridge_settled(b))
        epoch_wait(&b->world->epoch, b->world->epoch.version);
}

void bridge_commit(struct bridge *b)
{
    if (!b->added && !b->removed)
        return;
    extend_shape(b);
    publish_tables(b);
    take_over_slots(b);
    if (b->removed) {
        b->removed->gone_epoch = epoch_next(&b->world->epoch);
        *b->dying_end = b->removed;
        b->dying_end = b->removed_end;
    }
    no_removed(b);
    world_publish(b->world);
}

static struct rule *turned_round(struct rule *first)
{
    struct rule *list = NULL;
    for (struct rule *r = first, *next; r; r = next) {
        next = r->staged;
        r->staged = list;
        list = r;
    }
    return list;
}

void bridge_abort(struct bridge *b)
{
    while (b->added) {
        struct rule *r = b->added;
        unstage(b, r);
        rule_free(r);
    }
    for (struct rule *r = turned_round(b->removed); r; r = r->staged) { /* back in front, in the order they had */
        atomic_store_explicit(&r->entry.died, CLS_NEVER, memory_order_relaxed);
        link_rule(b, r);
    }
    no_removed(b);
}

enum { CHAIN = 64 }; /* rules that are retired together, linked by 'staged' */

static void release_chain(void *first)
{
    for (struct rule *r = first, *next; r; r = next) {
        next = r->staged;
        rule_free(r);
    }
}

void bridge_settle(struct bridge *b, void (*removed)(void *, struct bridge *, const struct rule *), void *arg)
{
    struct rule *chain = NULL;
    unsigned n = 0;
    while (b->dying && epoch_passed(&b->world->epoch, b->dying->gone_epoch)) {
        struct rule *r = b->dying;
        b->dying = r->staged;
        if (!b->dying)
            b->dying_end = &b->dying;
        if (!r->silent)
            removed(arg, b, r);
        classifier_remove(b->tables[r->table].classifier, &r->entry);
        b->tables[r->table].dirty = true;
        r->staged = n % CHAIN ? chain : NULL;
        if (n && n % CHAIN == 0)
            epoch_retire(&b->world->epoch, release_chain, chain);
        chain = r;
        n++;
    }
    if (!n)
        return;
    epoch_retire(&b->world->epoch, release_chain, chain);
    publish_tables(b);
    epoch_publish(&b->world->epoch);
}
