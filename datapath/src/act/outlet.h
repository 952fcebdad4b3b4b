/* Packets on their way out, gathered per port so that a batch leaves by one call.
 *
 * One outlet a poll thread; a port's queue is flushed when it is full and at the end of
 * every batch, so nothing waits here longer than a batch takes.
 */
#pragma once
#include "port/port.h"

enum { OUTLET_PORTS = 4096 };

struct outlet {
    struct outlet_queue {
        struct port *port;
        unsigned n;
        struct packet *packets[PORT_BATCH];
    } *queues; /* by port->index */
    uint16_t busy[OUTLET_PORTS];
    unsigned n_busy;
};

/* Maps room for a batch for each port that there can be, touched as it is used; asserts that there is address space. */
void outlet_init(struct outlet *);
/* Sends what is queued, then gives the room back. */
void outlet_destroy(struct outlet *);
/* Sends what is queued, by one call a port, and gives the references back. */
void outlet_flush(struct outlet *);

/* Queues 'p' for 'to'; takes over the caller's reference. */
static inline void outlet_put(struct outlet *o, struct port *to, struct packet *p)
{
    struct outlet_queue *q = &o->queues[to->index];
    if (q->n == 0) {
        q->port = to;
        o->busy[o->n_busy++] = (uint16_t)to->index;
    }
    q->packets[q->n++] = p;
    if (__builtin_expect(q->n == PORT_BATCH, 0))
        outlet_flush(o);
}
