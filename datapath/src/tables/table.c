/* See table.h. */
#include "tables/table.h"

#include "base/check.h"
#include "tables/references.h"

/* ---- index and lists ---- */

static uint64_t strict_hash(const struct bridge *b, const struct match *m, uint16_t priority)
{
    return match_hash(m, b->world->seed ^ priority);
}

static struct rule *rule_of_node(struct hmap_node *n)
{
    return (struct rule *)((char *)n - offsetof(struct rule, node));
}

struct rule *table_find(const struct bridge *b, const struct flow_table *t, const struct match *m, uint16_t priority)
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

bool table_ready(struct bridge *b, struct flow_table *t)
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

/* What a rule names knows how often it is named. */
static void refer(struct bridge *b, const struct rule *r, int by)
{
    const struct program *p = r->program;
    bridge_refer(b, p->actions, p->n_apply + p->n_write, by);
    if (p->has_meter)
        bridge_meter(b, p->meter)->refs += (uint32_t)by;
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

void table_link(struct bridge *b, struct rule *r)
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

void table_unlink(struct bridge *b, struct rule *r)
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

void tables_publish(struct bridge *b)
{
    for (unsigned i = 0; i < N_TABLES; i++)
        if (b->tables[i].dirty) {
            classifier_publish(b->tables[i].classifier);
            b->tables[i].dirty = false;
        }
}

bool rule_selected(const struct rule *r, const struct flow_select *s)
{
    return (r->cookie & s->cookie_mask) == (s->cookie & s->cookie_mask) &&
           (s->out_port == OFPP_ANY || rule_outputs_to(r, s->out_port)) &&
           (s->out_group == OFPG_ANY || rule_goes_to_group(r, s->out_group)) &&
           (!s->match || match_covers(s->match, r->entry.match));
}

/* ---- the end ---- */

static void table_free(struct flow_table *t, struct world *w)
{
    if (!t->by_match.buckets)
        return;
    for (struct rule *r = t->rules, *next; r; r = next) {
        next = r->next;
        rule_free(r);
    }
    classifier_free(t->classifier);
    hmap_destroy(&t->by_match);
    slots_give(&w->slots, t->lookup_slot);
    slots_give(&w->slots, t->miss_slot);
}

static void free_groups(struct bridge *b)
{
    struct group *g;
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        group_free(g);
}

static void free_meters(struct bridge *b)
{
    struct meter_entry *m;
    for (size_t at = 0; (m = idmap_next(&b->meters, &at));) {
        atomic_fetch_sub(&b->world->n_timed, 1);
        meter_entry_free(m);
    }
}

void tables_free(struct bridge *b)
{
    MUST(!b->added && !b->removed);
    for (struct rule *r = b->dying, *next; r; r = next) {
        next = r->next_changed;
        rule_free(r);
    }
    b->dying = NULL;
    for (unsigned i = 0; i < N_TABLES; i++)
        table_free(&b->tables[i], b->world);
    b->world->n_rules -= b->n_rules;
    b->n_rules = 0;
    free_groups(b);
    free_meters(b);
}
