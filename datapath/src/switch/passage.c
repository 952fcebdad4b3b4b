/* One packet's passage through the switch, and batches of them.  See passage.h. */
#include "switch/passage.h"

#include <string.h>

#include "base/check.h"
#include "flow/extract.h"
#include "packet/parse.h"
#include "switch/upcalls.h"

static void count_stat(_Atomic uint64_t *c)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- one packet: a composed list is carried out, and the packet may come back for a further stage ---- */

/* A packet on its way: where it came from, and what it counts for. */
struct passage {
    struct port *in;
    struct packet *p;
    uint64_t packets, bytes; /* on the wire, when it came */
};

/* The stamp: neither the version nor the number of changes of the bridge's stations ever falls, so of two that are the
 * same both parts are. */
static void look_at(struct worker *w, const struct bridge *b)
{
    w->bridge = b;
    w->shape = bridge_shape(b);
    w->stamp = w->version + mac_changes(&b->macs);
}

static void begin_packet(struct worker *w, const struct packet *p)
{
    stages_next_packet(w->stages, gso_frames(p));
    w->continued = 0;
}

/* Apart, so that one output costs no more for it. */
static __attribute__((noinline)) void carry_out_many(struct worker *w, const struct itinerary *list,
                                                     const struct passage *on)
{
    w->executor.worked += list->n_actions;
    if (!w->level++)
        w->executor.done = false;
    actions_execute(&w->executor, list, on->in, on->p, on->packets, on->bytes);
    w->level--;
}

static void carry_out(struct worker *w, const struct itinerary *list, const struct passage *on)
{
    if (actions_execute_one(&w->executor, list, on->in, on->p, on->packets, on->bytes))
        w->executor.done = true;
    else
        carry_out_many(w, list, on);
}

static void carry_out_composed(struct worker *w, const struct composition *c, const struct passage *on)
{
    carry_out(w, &(struct itinerary){c->actions, c->slots, c->n_actions, c->n_slots}, on);
}

/* A copy where the packet may come back: that may put something else in the entry's place. */
static void carry_out_cached(struct worker *w, const struct verdict *v, const struct passage *on)
{
    struct verdict copy;
    if (v->continues) {
        copy = *v;
        v = &copy;
    }
    carry_out(w, &(struct itinerary){v->actions, v->slots, v->n_actions, v->n_slots}, on);
}

/* An entry whose stages are gone is as good as none. */
static bool has_its_stages(struct worker *w, const struct verdict *v)
{
    for (unsigned i = 0; i < v->n_actions; i++)
        if (v->actions[i].kind == ACT_CONTINUE && !stages_find(w->stages, v->actions[i].stage))
            return false;
    return true;
}

static inline bool is_current(struct worker *w, const struct cache_entry *e)
{
    const struct verdict *v = (const struct verdict *)e->payload;
    return e->version == w->stamp && (!v->continues || has_its_stages(w, v));
}

static void keep(struct worker *w, const struct composition *c, const struct packed_key *key, struct cache_entry *entry)
{
    struct verdict v;
    if (!w->cache || !key || !compose_verdict(c, &v))
        return;
    if (!entry) {
        entry = cache_insert(w->cache, key, w->shape);
        w->inserts++;
    }
    memcpy(entry->payload, &v, sizeof v);
    entry->version = w->stamp;
}

/* What a walk through long tables and large groups counts as, beyond any walk. */
static uint64_t walk_work(const struct composition *c) { return (c->steps + 4 * (uint64_t)c->tries) / STEPS_A_PACKET; }

/* Through the tables, or on from a stage; what was found goes to 'entry' (stale) or to a new one. */
static void by_tables(struct worker *w, const struct stage *stage, const struct key *key,
                      const struct packed_key *packed, struct cache_entry *entry, const struct passage *on)
{
    struct composition *c = &w->compositions[w->level];
    count_stat(entry ? &w->stats.stale : &w->stats.misses);
    if (stage)
        compose_stage(c, stage, on->in, w->version, key, NULL);
    else
        compose_tables(c, w->bridge, on->in, w->version, key, NULL);
    w->executor.worked += WALK_WORK + walk_work(c);
    keep(w, c, packed, entry);
    if (c->learn)
        upcall_station(w, on->p->in_port, c->learn);
    carry_out_composed(w, c, on);
}

void passage_go_on(struct executor *executor, struct port *in, struct packet *p, uint64_t id, uint64_t packets,
                   uint64_t bytes)
{
    struct worker *w = (struct worker *)executor;
    struct passage on = {in, p, packets, bytes};
    const struct stage *stage = stages_find(w->stages, id);
    struct cache_entry *e = NULL;
    struct packed_key packed;
    struct key key;
    if (!stage || w->level == WORKER_LEVELS || w->continued++ >= WORKER_STAGES) {
        w->executor.done = true;
        if (in)
            port_drop_frames(in, VS_DROP_TOO_DEEP, packets);
        packet_release(p);
        return;
    }
    key_extract(p, &key);
    stage_fill(stage, &key);
    bool caches = w->cache && !stage->state.transient;
    if (caches) {
        key_pack(&packed, &key, w->shape, id, w->world->seed);
        e = cache_find(w->cache, &packed, w->shape);
    }
    if (e && is_current(w, e) && stages_spend(w->stages, ((const struct verdict *)e->payload)->tries)) {
        count_stat(&w->stats.hits);
        carry_out_cached(w, (const struct verdict *)e->payload, &on);
    } else {
        by_tables(w, stage, &key, caches ? &packed : NULL, e, &on);
    }
}

/* ---- one batch of packets from one port ---- */

struct batch {
    struct bridge *bridge;
    struct port *in;
    unsigned n;
    struct packet **packets;
    struct cache_entry *found[PORT_BATCH];
    struct key keys[PORT_BATCH];
    struct packed_key packed[PORT_BATCH];
};

/* By hand: clearing all of it would cost as much as the batch. */
static void batch_of(struct batch *b, struct bridge *bridge, struct port *in, struct packet **packets, unsigned n)
{
    b->bridge = bridge;
    b->in = in;
    b->packets = packets;
    b->n = n;
}

static void look_up(struct worker *w, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        layout_parse(b->packets[i]);
        key_extract(b->packets[i], &b->keys[i]);
        if (!w->cache)
            continue;
        key_pack(&b->packed[i], &b->keys[i], w->shape, 0, w->world->seed);
        cache_prefetch(w->cache, b->packed[i].hash);
    }
    for (unsigned i = 0; i < b->n && w->cache; i++) {
        b->found[i] = cache_find(w->cache, &b->packed[i], w->shape);
        if (b->found[i])
            __builtin_prefetch(b->found[i]->payload);
    }
}

/* Does what may be done now with packet 'i'.  False: it has to go through the tables and '*misses' are used up. */
static bool pass(struct worker *w, struct batch *b, unsigned i, struct cache_entry *e, unsigned *misses)
{
    struct passage on = {b->in, b->packets[i], 1, b->packets[i]->len};
    if (e && ((const struct verdict *)e->payload)->continues) {
        begin_packet(w, on.p); /* first: what is current is in use by this packet from here on */
        stages_spend(w->stages, ((const struct verdict *)e->payload)->tries); /* its stages have what is left */
    }
    bool hit = e && is_current(w, e);
    if (!hit && !*misses)
        return false;
    if (on.p->gso_type)
        gso_wire(on.p, &on.packets, &on.bytes);
    if (hit) {
        count_stat(&w->stats.hits);
        carry_out_cached(w, (const struct verdict *)e->payload, &on);
    } else {
        begin_packet(w, on.p); /* a stale entry may want stages now */
        by_tables(w, NULL, &b->keys[i], w->cache ? &b->packed[i] : NULL, e, &on);
        --*misses;
    }
    return true;
}

/* Packets that wait keep their order, and so does each flow: what comes later of it has to wait as well, since it
 * is not in the cache either. */
static void process(struct worker *w, struct batch *b, struct backlog *waiting, unsigned *misses)
{
    uint64_t inserts = w->inserts;
    look_at(w, b->bridge);
    look_up(w, b);
    for (unsigned i = 0; i < b->n; i++) {
        struct cache_entry *e = w->cache ? b->found[i] : NULL;
        if (w->cache && w->inserts != inserts) /* one may have replaced what was found */
            e = cache_find(w->cache, &b->packed[i], w->shape);
        if (!pass(w, b, i, e, misses))
            waiting->packets[waiting->n++] = b->packets[i];
    }
}

/* 'by' more packets wait in buffers of that size, or fewer. */
static void count_waiting(struct worker *w, struct bridge *b, bool large, int by)
{
    struct packet_class *c = large ? &w->pool->large : &w->pool->small;
    c->backlog += (uint32_t)by;
    b->backlog[large] += (uint32_t)by;
    w->n_waiting += (unsigned)by;
}

unsigned passage_batch(struct worker *w, struct bridge *bridge, struct port *in, struct packet **packets, unsigned n,
                       unsigned *misses)
{
    struct backlog *waiting = &w->backlogs[in->index];
    struct batch b;
    MUST(waiting->n == 0); /* whatever it is that came: from a port with a backlog nothing is received */
    batch_of(&b, bridge, in, packets, n);
    process(w, &b, waiting, misses);
    waiting->bridge = bridge;
    for (unsigned i = 0; i < waiting->n; i++)
        count_waiting(w, bridge, packet_is_large(waiting->packets[i]), 1);
    return n - waiting->n;
}

/* The next one that waits, if it can pass. */
static bool pass_waiting(struct worker *w, struct port *in, struct backlog *waiting, unsigned *misses)
{
    bool large = packet_is_large(waiting->packets[waiting->at]);
    struct backlog again;
    struct batch b;
    again.n = 0;
    batch_of(&b, waiting->bridge, in, &waiting->packets[waiting->at], 1);
    process(w, &b, &again, misses);
    if (again.n)
        return false;
    count_waiting(w, waiting->bridge, large, -1);
    waiting->at++;
    return true;
}

unsigned passage_backlog(struct worker *w, struct port *in)
{
    struct backlog *waiting = &w->backlogs[in->index];
    unsigned misses = MISSES_A_TURN, moved = 0;
    while (waiting->at < waiting->n && pass_waiting(w, in, waiting, &misses))
        moved++;
    if (waiting->at == waiting->n)
        waiting->at = waiting->n = 0;
    return moved;
}

void passage_forget(struct worker *w, const struct port *in)
{
    struct backlog *waiting = &w->backlogs[in->index];
    for (struct packet *p; waiting->at < waiting->n; waiting->at++) {
        p = waiting->packets[waiting->at];
        count_waiting(w, waiting->bridge, packet_is_large(p), -1);
        packet_release(p);
    }
    waiting->at = waiting->n = 0;
}

/* ---- packet-outs ---- */

void passage_inject(struct worker *w, const struct injection *in)
{
    const struct action *actions = (const void *)(in + 1);
    struct composition *c = &w->compositions[0];
    struct passage on = {in->from, packet_new(w->pool, in->size), 1, in->size};
    struct key key;
    if (!on.p) {
        if (on.in)
            port_drop_frames(on.in, VS_DROP_NO_BUFFER, 1);
        return;
    }
    memcpy(on.p->data, actions + in->n_actions, in->size);
    on.p->len = in->size;
    on.p->in_port = in->in_port;
    layout_parse(on.p);
    key_extract(on.p, &key);
    look_at(w, in->bridge);
    begin_packet(w, on.p);
    compose_packet_out(c, in->bridge, on.in, w->version, &key, actions, in->n_actions);
    w->executor.worked += walk_work(c);
    carry_out_composed(w, c, &on);
}
