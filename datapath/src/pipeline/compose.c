/* See compose.h and composing.h: the list, the walk through the tables, the stages. */
#include "pipeline/composing.h"

#include <string.h>

#include "base/bytes.h"

/* ---- putting actions on the list ---- */

void compose_append(struct composition *c, const struct action *a)
{
    if (c->n_actions == COMPOSE_ACTIONS) {
        c->overflow = true;
        return;
    }
    c->actions[c->n_actions] = *a;
    c->actions[c->n_actions++].n_slots = (uint16_t)c->n_slots; /* as far as a packet came that ends here */
}

void compose_drop(struct composition *c, vs_drop reason)
{
    c->sends = SENT;
    compose_append(c, &(struct action){.kind = ACT_DROP, .port = (uint32_t)reason});
}

void compose_end(struct composition *c, vs_drop reason)
{
    compose_drop(c, reason);
    c->ended = true;
}

void compose_count(struct composition *c, uint32_t slot)
{
    if (c->n_slots == COMPOSE_SLOTS)
        c->overflow = true; /* counters are exact, and buckets that do nothing are no free ride */
    else
        c->slots[c->n_slots++] = slot;
}

struct action compose_with_origin(const struct composition *c, struct action a)
{
    a.table = c->origin.table;
    a.tunnel_id = c->key.tunnel_id;
    a.origin.cookie = c->origin.cookie;
    a.origin.metadata = c->key.metadata;
    return a;
}

/* ---- copies ---- */

void compose_copy_begin(struct composition *c, struct compose_copy *copy)
{
    *copy = (struct compose_copy){.key = c->key, .tags = {c->tags[0], c->tags[1]}, .n_tags = c->n_tags, .at = c->n_actions,
                                  .queue = c->queue};
    compose_append(c, &(struct action){.kind = ACT_CLONE});
}

/* What never changes the packet needs no copy of it. */
static bool leaves_packet(const struct action *a, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (a[i].kind == ACT_CLONE)
            i += a[i].arg;
        else if (a[i].kind != ACT_SEND && a[i].kind != ACT_CONTROLLER && a[i].kind != ACT_DROP)
            return false;
    return true;
}

void compose_copy_end(struct composition *c, const struct compose_copy *copy)
{
    struct action *clone = &c->actions[copy->at];
    c->key = copy->key;
    memcpy(c->tags, copy->tags, sizeof c->tags);
    c->n_tags = copy->n_tags;
    c->queue = copy->queue;
    c->ended = c->uncovered = false;
    if (c->overflow)
        return;
    unsigned body = c->n_actions - copy->at - 1;
    clone->arg = (uint16_t)body;
    clone->port = c->n_slots;
    if (leaves_packet(clone + 1, body)) {
        memmove(clone, clone + 1, body * sizeof *clone);
        c->n_actions--;
    } else if (c->sends == UNSENT) {
        c->sends = PERHAPS_SENT;
    }
}

/* ---- stages ---- */

/* After these, nothing depends on what the packet looks like. */
static bool is_plain(const struct composition *c, const struct rule *rule, const struct action *rest, unsigned n)
{
    if (rule && (rule->program->has_goto || rule->program->n_write || c->set.has))
        return false;
    for (unsigned i = 0; i < n; i++)
        if (rest[i].kind != ACT_OUTPUT || rest[i].port == OFPP_NORMAL || rest[i].port == OFPP_TABLE)
            return false;
    return true;
}

static unsigned pack_set(const struct action_set *s, struct action *out)
{
    unsigned n = 0;
    for (uint64_t left = s->has; left; left &= left - 1)
        out[n++] = s->at[__builtin_ctzll(left)];
    return n;
}

/* The list ends; what is left to do becomes a stage.  A rule's actions stay where they are as long as its version, other
 * lists are copied, but for a packet-out's long one, which stays until the packet is done with. */
static void suspend(struct composition *c, const struct rule *rule, const struct action *rest, unsigned n)
{
    struct action list[2 * SET_LIMIT];
    bool own = !rule && n <= SET_LIMIT;
    struct stage_state state = {
        .bridge = c->bridge, .rule = rule, .rest = own ? NULL : rest, .version = c->version, .metadata = c->key.metadata,
        .tunnel_id = c->key.tunnel_id, .cookie = c->origin.cookie, .set = rule ? c->set.has : 0, .n_rest = n, .queue = c->queue,
        .table = c->origin.table, .miss = c->origin.miss, .sends = c->depth ? SENT : c->sends, .transient = c->transient, .depth = c->depth,
    };
    unsigned count = 0;
    if (own)
        memcpy(list, rest, n * sizeof *list);
    count += own ? n : 0;
    if (rule)
        count += pack_set(&c->set, list);
    const struct stage *stage = stages_intern(c->stages, &state, list, count);
    if (!stage) {
        c->overflow = true;
        return;
    }
    compose_append(c, &(struct action){.kind = ACT_CONTINUE, .stage = stage->id});
    c->ended = c->continues = true;
    if (!c->depth)
        c->sends = SENT; /* the stage says what became of the packet */
}

void stage_fill(const struct stage *stage, struct key *key)
{
    key->metadata = stage->state.metadata;
    key->tunnel_id = stage->state.tunnel_id;
}

/* ---- actions ---- */

static void do_plain(struct composition *c, const struct action *a) { compose_append(c, a); }

static doer *const doers[ACT_LIMIT] = {
    [ACT_OUTPUT] = do_output,         [ACT_GROUP] = do_group,           [ACT_SET_QUEUE] = do_set_queue,
    [ACT_SET_FIELD] = do_set_field,   [ACT_PUSH_VLAN] = do_push_vlan,   [ACT_POP_VLAN] = do_pop_vlan,
    [ACT_PUSH_MPLS] = do_push_mpls,   [ACT_POP_MPLS] = do_pop_mpls,     [ACT_PUSH_PBB] = do_push_pbb,
    [ACT_POP_PBB] = do_pop_pbb,       [ACT_COPY_TTL_OUT] = do_plain,    [ACT_COPY_TTL_IN] = do_plain,
    [ACT_SET_MPLS_TTL] = do_plain,    [ACT_DEC_MPLS_TTL] = do_dec_ttl,  [ACT_SET_TTL] = do_plain,
    [ACT_DEC_TTL] = do_dec_ttl,
};

void compose_apply(struct composition *c, const struct rule *rule, const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n && !c->overflow && !c->ended; i++) {
        doers[actions[i].kind](c, &actions[i]);
        if (c->uncovered && !c->ended && !is_plain(c, rule, actions + i + 1, n - i - 1))
            suspend(c, rule, actions + i + 1, n - i - 1);
        c->uncovered = false;
    }
}

static void execute_set(struct composition *c)
{
    struct action list[SET_LIMIT];
    unsigned n = set_flatten(&c->set, list);
    set_clear(&c->set);
    compose_apply(c, NULL, list, n);
}

/* ---- the walk ---- */

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

static uint32_t standalone(const struct composition *c) { return atomic_load_explicit(&c->bridge->standalone, memory_order_relaxed); }

static void switch_alone(struct composition *c)
{
    static const struct action normal = {.kind = ACT_OUTPUT, .port = OFPP_NORMAL};
    compose_apply(c, NULL, &normal, 1);
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

/* A meter comes before everything else of its rule (section 5.9).  One that remarks makes the key wrong; without the one
 * that it names the rule does nothing.  True: the list ends here. */
static bool meter_suspends(struct composition *c, const struct rule *r)
{
    if (!r->program->has_meter)
        return false;
    const struct bridge_meter *m = bridge_meter(c->bridge, r->program->meter);
    if (!m) {
        compose_end(c, VS_DROP_METER);
        return true;
    }
    compose_append(c, &(struct action){.kind = ACT_METER, .arg = VS_DROP_METER, .meter = m->meter});
    if (!m->remarks || is_plain(c, r, r->program->actions, r->program->n_apply))
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

/* On from the middle of rule 'r': 'n' of its applied actions are left. */
static void walk_on(struct composition *c, const struct rule *r, const struct action *rest, unsigned n)
{
    for (;;) {
        compose_apply(c, r, rest, n);
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

void compose_walk(struct composition *c)
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

static void start(struct composition *c, const struct bridge *b, struct port *in, uint64_t version, const struct key *key,
                  const struct compose_watch *watch)
{
    c->bridge = b;
    c->in = in;
    c->watch = watch;
    c->version = version;
    c->key = *key;
    set_clear(&c->set);
    c->n_actions = c->n_slots = c->depth = 0;
    c->queue = NO_QUEUE;
    c->steps = 0;
    c->looks = 0;
    c->learn = 0;
    c->overflow = c->ended = c->uncovered = c->continues = c->transient = false;
    c->cacheable = true;
    c->sends = UNSENT;
    c->origin.cookie = UINT64_MAX;
    c->origin.table = c->origin.miss = 0;
    compose_load_tags(c);
}

static void finish(struct composition *c)
{
    if (c->overflow) {
        c->n_actions = 0;
        c->continues = false;
        compose_drop(c, VS_DROP_TOO_DEEP);
    } else if (c->sends != SENT) {
        compose_append(c, &(struct action){.kind = ACT_DROP, .port = VS_DROP_RULE, .arg = c->sends == PERHAPS_SENT});
    }
}

void compose_tables(struct composition *c, const struct bridge *b, struct port *in, uint64_t version, const struct key *key,
                    const struct compose_watch *watch)
{
    start(c, b, in, version, key, watch);
    compose_walk(c);
    finish(c);
}

void compose_packet_out(struct composition *c, const struct bridge *b, struct port *in, uint64_t version, const struct key *key,
                        const struct action *actions, unsigned n)
{
    start(c, b, in, version, key, NULL);
    c->transient = true;
    c->sends = SENT; /* doing nothing is no drop: the controller said so */
    compose_apply(c, NULL, actions, n);
    finish(c);
}

static void load_set(struct action_set *set, uint64_t has, const struct action *packed)
{
    set->has = has;
    for (uint64_t left = has; left; left &= left - 1)
        set->at[__builtin_ctzll(left)] = *packed++;
}

void compose_stage(struct composition *c, const struct stage *stage, struct port *in, uint64_t version, const struct key *key,
                   const struct compose_watch *watch)
{
    const struct stage_state *s = &stage->state;
    const struct action *rest = s->rest ? s->rest : stage->actions;
    start(c, s->bridge, in, version, key, watch);
    stage_fill(stage, &c->key);
    c->queue = s->queue;
    c->depth = s->depth;
    c->sends = s->sends;
    c->transient = s->transient;
    c->origin.cookie = s->cookie;
    c->origin.table = s->table;
    c->origin.miss = s->miss;
    if (s->rule) {
        load_set(&c->set, s->set, stage->actions);
        walk_on(c, s->rule, rest, s->n_rest);
    } else {
        compose_apply(c, NULL, rest, s->n_rest);
    }
    finish(c);
}

bool compose_verdict(const struct composition *c, struct verdict *v)
{
    if (!c->cacheable || c->transient || c->looks >= GROUP_LOOKS || c->n_actions > VERDICT_ACTIONS || c->n_slots > VERDICT_SLOTS)
        return false;
    v->n_actions = (uint8_t)c->n_actions;
    v->n_slots = (uint8_t)c->n_slots;
    v->continues = c->continues;
    v->looks = c->looks;
    memcpy(v->slots, c->slots, c->n_slots * sizeof v->slots[0]);
    memcpy(v->actions, c->actions, c->n_actions * sizeof v->actions[0]);
    return true;
}
