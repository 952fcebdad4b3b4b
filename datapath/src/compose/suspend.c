/* See suspend.h. */
#include "compose/suspend.h"

#include <string.h>

#include "compose/list.h"
#include "tables/rule.h"

bool suspend_needless(const struct composition *c, const struct rule *rule, const struct action *rest, unsigned n)
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

void suspend(struct composition *c, const struct rule *rule, const struct action *rest, unsigned n)
{
    struct action list[2 * SET_LIMIT];
    bool own = !rule && n <= SET_LIMIT;
    struct stage_state state = {
        .bridge = c->bridge,
        .rule = rule,
        .rest = own ? NULL : rest,
        .version = c->version,
        .metadata = c->key.metadata,
        .tunnel_id = c->key.tunnel_id,
        .cookie = c->origin.cookie,
        .set = rule ? c->set.has : 0,
        .n_rest = n,
        .queue = c->queue,
        .table = c->origin.table,
        .miss = c->origin.miss,
        .sends = c->depth ? SENT : c->sends,
        .transient = c->transient,
        .depth = c->depth,
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

static void load_set(struct action_set *set, uint64_t has, const struct action *packed)
{
    set->has = has;
    for (uint64_t left = has; left; left &= left - 1)
        set->at[__builtin_ctzll(left)] = *packed++;
}

const struct action *suspend_restore(struct composition *c, const struct stage *stage)
{
    const struct stage_state *s = &stage->state;
    c->queue = s->queue;
    c->depth = s->depth;
    c->sends = s->sends;
    c->transient = s->transient;
    c->origin.cookie = s->cookie;
    c->origin.table = s->table;
    c->origin.miss = s->miss;
    if (s->rule)
        load_set(&c->set, s->set, stage->actions);
    return s->rest ? s->rest : stage->actions;
}
