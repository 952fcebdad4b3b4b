/* See list.h. */
#include "compose/list.h"

#include <string.h>

#include "base/bytes.h"

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

void compose_send(struct composition *c, struct port *to)
{
    compose_append(c, &(struct action){.kind = ACT_SEND, .port = c->queue, .to = to});
    c->sends = SENT;
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
    *copy = (struct compose_copy){
        .key = c->key, .tags = {c->tags[0], c->tags[1]}, .n_tags = c->n_tags, .at = c->n_actions, .queue = c->queue};
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

/* ---- where the packet came by ---- */

bool compose_from_nowhere(const struct composition *c) { return !c->in && is_port_number(get32(&c->key.in_port)); }
