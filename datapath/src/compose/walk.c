/* See walk.h.  Rules apply actions, actions go to groups, buckets apply actions, a packet-out's may go through the
 * tables again: they call each other, so they stand together.
 */
#include "compose/walk.h"

#include "bridge/bridge.h"
#include "compose/choose.h"
#include "compose/key_edits.h"
#include "compose/list.h"
#include "compose/outputs.h"
#include "compose/suspend.h"
#include "tables/group.h"
#include "tables/meter_entry.h"
#include "tables/rule.h"

/* ---- groups: each bucket that is carried out works on a copy of the packet (5.6) ---- */

static void take(struct composition *c, const struct bucket *bucket)
{
    struct compose_copy copy;
    compose_copy_begin(c, &copy);
    compose_count(c, bucket->slot);
    walk_actions(c, bucket->actions, bucket->n_actions);
    compose_copy_end(c, &copy);
}

static void take_all(struct composition *c, const struct group *g)
{
    if (!g->n_buckets)
        compose_drop(c, VS_DROP_GROUP);
    for (uint32_t i = 0; i < g->n_buckets && !c->overflow; i++)
        take(c, &g->buckets[i]);
}

static void take_one(struct composition *c, const struct group *g)
{
    unsigned *tries = stages_tries(c->stages), before = *tries;
    const struct bucket *bucket = choose_bucket(c->bridge, g, &c->key, tries);
    c->tries += before - *tries;
    if (!*tries) {
        c->overflow = true;
        c->cacheable = false; /* another packet may come here with more left */
        return;
    }
    if (c->watch && c->watch->group)
        c->watch->group(c->watch->arg, g->id, bucket ? (int)(bucket - g->buckets) : -1);
    if (bucket)
        take(c, bucket);
    else
        compose_drop(c, VS_DROP_GROUP);
}

static void do_group(struct composition *c, const struct action *a)
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
        take_one(c, g);
    } else {
        if (c->watch && c->watch->group)
            c->watch->group(c->watch->arg, g->id, -1);
        take_all(c, g);
    }
    c->depth--;
}

/* ---- actions ---- */

/* Packet-outs only: the decoder refuses it in rules.  A copy goes through the tables; actions behind it do not see
 * what the tables did. */
static void through_tables(struct composition *c)
{
    struct compose_copy copy;
    __typeof__(c->origin) origin = c->origin;
    compose_copy_begin(c, &copy);
    set_clear(&c->set);
    walk_tables(c);
    compose_copy_end(c, &copy);
    c->origin = origin;
}

static void output(struct composition *c, const struct action *a)
{
    if (a->port == OFPP_TABLE)
        through_tables(c);
    else
        do_output(c, a);
}

static void do_plain(struct composition *c, const struct action *a) { compose_append(c, a); }

static doer *const doers[ACT_LIMIT] = {
    [ACT_OUTPUT] = output,          [ACT_GROUP] = do_group,          [ACT_SET_QUEUE] = do_set_queue,
    [ACT_SET_FIELD] = do_set_field, [ACT_PUSH_VLAN] = do_push_vlan,  [ACT_POP_VLAN] = do_pop_vlan,
    [ACT_PUSH_MPLS] = do_push_mpls, [ACT_POP_MPLS] = do_pop_mpls,    [ACT_PUSH_PBB] = do_push_pbb,
    [ACT_POP_PBB] = do_pop_pbb,     [ACT_COPY_TTL_OUT] = do_plain,   [ACT_COPY_TTL_IN] = do_plain,
    [ACT_SET_MPLS_TTL] = do_plain,  [ACT_DEC_MPLS_TTL] = do_dec_ttl, [ACT_SET_TTL] = do_plain,
    [ACT_DEC_TTL] = do_dec_ttl,
};

/* 'rule': whose applied actions they are, NULL: nothing comes after them. */
static void apply(struct composition *c, const struct rule *rule, const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n && !c->overflow && !c->ended; i++) {
        doers[actions[i].kind](c, &actions[i]);
        if (c->uncovered && !c->ended && !suspend_needless(c, rule, actions + i + 1, n - i - 1))
            suspend(c, rule, actions + i + 1, n - i - 1);
        c->uncovered = false;
    }
}

void walk_actions(struct composition *c, const struct action *actions, unsigned n) { apply(c, NULL, actions, n); }

static void execute_set(struct composition *c)
{
    struct action list[SET_LIMIT];
    unsigned n = set_flatten(&c->set, list);
    set_clear(&c->set);
    walk_actions(c, list, n);
}

/* ---- tables ---- */

static const struct rule *look_up(struct composition *c, unsigned table)
{
    const struct flow_table *t = &c->bridge->tables[table];
    const struct classifier *classifier = atomic_load_explicit(&t->classifier, memory_order_acquire);
    struct cls_entry *entry = NULL;
    if (classifier) {
        compose_count(c, atomic_load_explicit(&t->lookup_slot, memory_order_relaxed));
        entry = classifier_lookup(classifier, &c->key, c->version, NULL, &c->steps);
        if (!entry)
            compose_count(c, atomic_load_explicit(&t->miss_slot, memory_order_relaxed));
    }
    return entry ? rule_of(entry) : NULL;
}

static uint32_t standalone(const struct composition *c)
{
    return atomic_load_explicit(&c->bridge->standalone, memory_order_relaxed);
}

static void switch_alone(struct composition *c)
{
    static const struct action normal = {.kind = ACT_OUTPUT, .port = OFPP_NORMAL};
    walk_actions(c, &normal, 1);
}

/* The action set goes with the packet (section 5.4). */
static void miss(struct composition *c, unsigned table)
{
    if (c->watch && c->watch->miss)
        c->watch->miss(c->watch->arg, table);
    if (table == 0 && standalone(c) != VS_STANDALONE_NOT)
        switch_alone(c);
    else
        compose_drop(c, VS_DROP_TABLE_MISS);
}

/* A meter comes before everything else of its rule (section 5.9).  One that remarks makes the key wrong; without the
 * one that it names the rule does nothing.  True: the list ends here. */
static bool meter_suspends(struct composition *c, const struct rule *r)
{
    if (!r->program->has_meter)
        return false;
    const struct meter_entry *m = bridge_meter(c->bridge, r->program->meter);
    if (!m) {
        compose_end(c, VS_DROP_METER);
        return true;
    }
    compose_append(c, &(struct action){.kind = ACT_METER, .arg = VS_DROP_METER, .meter = m->meter});
    if (!m->remarks || suspend_needless(c, r, r->program->actions, r->program->n_apply))
        return false;
    suspend(c, r, r->program->actions, r->program->n_apply);
    return true;
}

static void enter(struct composition *c, unsigned table, const struct rule *r)
{
    compose_count(c, r->slot);
    c->origin.cookie = r->cookie;
    c->origin.table = (uint8_t)table;
    c->origin.miss = rule_is_table_miss(r);
    if (c->watch && c->watch->rule)
        c->watch->rule(c->watch->arg, table, r);
}

static void finish_rule(struct composition *c, const struct program *p)
{
    if (p->has_clear)
        set_clear(&c->set);
    set_write(&c->set, p->actions + p->n_apply, p->n_write);
    if (p->has_metadata)
        c->key.metadata = (c->key.metadata & ~p->metadata_mask) | (p->metadata & p->metadata_mask);
}

void walk_on(struct composition *c, const struct rule *r, const struct action *rest, unsigned n)
{
    for (;;) {
        apply(c, r, rest, n);
        if (c->ended || c->overflow)
            return;
        finish_rule(c, r->program);
        if (!r->program->has_goto)
            break;
        unsigned table = r->program->goto_table; /* always higher: the decoder saw to it */
        r = look_up(c, table);
        if (!r) {
            miss(c, table);
            return;
        }
        enter(c, table, r);
        if (meter_suspends(c, r))
            return;
        rest = r->program->actions;
        n = r->program->n_apply;
    }
    execute_set(c);
}

void walk_tables(struct composition *c)
{
    if (standalone(c) == VS_STANDALONE_ALL) {
        switch_alone(c);
        return;
    }
    const struct rule *r = look_up(c, 0);
    if (!r) {
        miss(c, 0);
        return;
    }
    enter(c, 0, r);
    if (!meter_suspends(c, r))
        walk_on(c, r, r->program->actions, r->program->n_apply);
}
