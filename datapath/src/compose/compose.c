/* See compose.h: a composition begun, ended, kept. */
#include "compose/compose.h"

#include <string.h>

#include "compose/key_edits.h"
#include "compose/list.h"
#include "compose/suspend.h"
#include "compose/walk.h"
#include "tables/group.h"

static void start(struct composition *c, const struct bridge *b, struct port *in, uint64_t version,
                  const struct key *key, const struct compose_watch *watch)
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
    c->tries = 0;
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

void compose_tables(struct composition *c, const struct bridge *b, struct port *in, uint64_t version,
                    const struct key *key, const struct compose_watch *watch)
{
    start(c, b, in, version, key, watch);
    walk_tables(c);
    finish(c);
}

void compose_packet_out(struct composition *c, const struct bridge *b, struct port *in, uint64_t version,
                        const struct key *key, const struct action *actions, unsigned n)
{
    start(c, b, in, version, key, NULL);
    c->transient = true;
    c->sends = SENT; /* doing nothing is no drop: the controller said so */
    walk_actions(c, actions, n);
    finish(c);
}

void compose_stage(struct composition *c, const struct stage *stage, struct port *in, uint64_t version,
                   const struct key *key, const struct compose_watch *watch)
{
    const struct stage_state *s = &stage->state;
    start(c, s->bridge, in, version, key, watch);
    stage_fill(stage, &c->key);
    const struct action *rest = suspend_restore(c, stage);
    if (s->rule)
        walk_on(c, s->rule, rest, s->n_rest);
    else
        walk_actions(c, rest, s->n_rest);
    finish(c);
}

bool compose_verdict(const struct composition *c, struct verdict *v)
{
    if (!c->cacheable || c->transient || c->tries >= GROUP_TRIES || c->n_actions > VERDICT_ACTIONS ||
        c->n_slots > VERDICT_SLOTS)
        return false;
    v->n_actions = (uint8_t)c->n_actions;
    v->n_slots = (uint8_t)c->n_slots;
    v->continues = c->continues;
    v->tries = c->tries;
    memcpy(v->slots, c->slots, c->n_slots * sizeof v->slots[0]);
    memcpy(v->actions, c->actions, c->n_actions * sizeof v->actions[0]);
    return true;
}
