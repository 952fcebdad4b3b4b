/* See lanes.h. */
#include "switch/lanes.h"

static const struct lanes *of_port(const struct port *p)
{
    return atomic_load_explicit(&p->lanes, memory_order_acquire);
}

struct queue *lanes_find(const struct port *port, uint32_t queue)
{
    const struct lanes *l = of_port(port);
    for (uint32_t i = 0; l && i < l->n; i++)
        if (l->queues[i]->id == queue)
            return l->queues[i];
    return NULL;
}

/* Takes the caller's reference, or says why not.  VS_DROP_LIMIT: it is in. */
static vs_drop put(struct queue *q, struct packet *p, uint64_t now_ns)
{
    if (packet_may_wait(p, queue_held(q, p), SHARE_OF_QUEUE))
        return queue_put(q, p, now_ns) ? VS_DROP_LIMIT : VS_DROP_QUEUE_FULL;
    queue_refuse(q, p);
    return VS_DROP_BUFFER_SHARE;
}

bool lanes_put(struct lane_poll *poll, struct port *port, uint32_t queue, struct packet *p, uint64_t now_ns)
{
    struct queue *q = lanes_find(port, queue);
    if (!q)
        return false;
    vs_drop refused = put(q, p, now_ns);
    if (refused != VS_DROP_LIMIT) {
        port_drop(port, refused, p);
        packet_release(p);
        return true;
    }
    if (!poll->listed[port->index]) {
        poll->listed[port->index] = 1;
        poll->ports[poll->n++] = port;
    }
    return true;
}

/* A port that went down meanwhile sends nothing of what waits either. */
static void hand_on(struct outlet *out, struct port *port, struct packet *p)
{
    if (port_sends(port)) {
        outlet_put(out, port, p);
        return;
    }
    port_drop(port, VS_DROP_OUTPUT_DOWN, p);
    packet_release(p);
}

/* Each queue in turn gives one, so that none keeps the port from the others. */
static unsigned serve_port(const struct lanes *l, struct outlet *out, struct port *port, uint64_t now_ns, bool *waits)
{
    unsigned moved = 0;
    bool more = true;
    while (more) {
        more = false;
        for (uint32_t i = 0; i < l->n; i++) {
            struct packet *p = queue_take(l->queues[i], now_ns);
            if (p)
                hand_on(out, port, p);
            moved += p != NULL;
            more |= p != NULL;
        }
    }
    *waits = false;
    for (uint32_t i = 0; i < l->n; i++)
        *waits |= queue_next_ns(l->queues[i]) != UINT64_MAX;
    return moved;
}

unsigned lanes_release(struct lane_poll *poll, struct outlet *out, uint64_t now_ns)
{
    unsigned moved = 0;
    for (unsigned i = 0; i < poll->n;) {
        struct port *port = poll->ports[i];
        const struct lanes *l = of_port(port);
        bool waits = false;
        if (l)
            moved += serve_port(l, out, port, now_ns, &waits);
        if (waits) {
            i++;
            continue;
        }
        poll->listed[port->index] = 0;
        poll->ports[i] = poll->ports[--poll->n];
    }
    return moved;
}

uint64_t lanes_next_ns(const struct lane_poll *poll)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < poll->n; i++) {
        const struct lanes *l = of_port(poll->ports[i]);
        for (uint32_t k = 0; l && k < l->n; k++) {
            uint64_t at = queue_next_ns(l->queues[k]);
            next = at < next ? at : next;
        }
    }
    return next;
}

static void unlist(struct lane_poll *poll, const struct port *port)
{
    for (unsigned i = 0; i < poll->n; i++)
        if (poll->ports[i] == port)
            poll->ports[i] = poll->ports[--poll->n];
    poll->listed[port->index] = 0;
}

/* What waits in a queue that is going away. */
void lanes_drop(struct port *port, struct queue *q)
{
    for (struct packet *p; (p = queue_give_up(q));) {
        port_drop(port, VS_DROP_QUEUE_FULL, p);
        packet_release(p);
    }
}

void lanes_let_go(struct lane_poll *poll, struct port *port)
{
    const struct lanes *l = of_port(port);
    for (uint32_t i = 0; l && i < l->n; i++)
        lanes_drop(port, l->queues[i]);
    if (poll->listed[port->index])
        unlist(poll, port);
}
