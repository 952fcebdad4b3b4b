/* See outlet.h. */
#include "act/outlet.h"

#include <sys/mman.h>

#include "base/check.h"

void outlet_init(struct outlet *o)
{
    o->n_busy = 0;
    o->queues = mmap(NULL, OUTLET_PORTS * sizeof *o->queues, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(o->queues != MAP_FAILED);
}

void outlet_destroy(struct outlet *o)
{
    outlet_flush(o);
    munmap(o->queues, OUTLET_PORTS * sizeof *o->queues);
}

void outlet_flush(struct outlet *o)
{
    for (unsigned i = 0; i < o->n_busy; i++) {
        struct outlet_queue *q = &o->queues[o->busy[i]];
        q->port->ops->tx(q->port, q->packets, q->n);
        for (unsigned k = 0; k < q->n; k++)
            packet_release(q->packets[k]);
        q->n = 0;
    }
    o->n_busy = 0;
}
