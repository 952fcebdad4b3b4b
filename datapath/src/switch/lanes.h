/* The queues of ports, and how packets wait in them (OFPAT_SET_QUEUE).
 *
 * Theory of operation.  The control thread gives a port its queues by putting a new list in
 * the place of the old one.  The poll thread puts packets in while it executes, remembers which
 * ports have packets waiting, and lets go what may leave at each turn; with nothing else to do
 * it sleeps until the next may.  Packets belong to the poll thread, so a queue that goes away
 * is emptied there (parting.h), and the control thread frees what is left of it.
 */
#pragma once
#include "act/outlet.h"
#include "lane/queue.h"

enum { OFPQ_ALL = 0xffffffff, LANES_LIMIT = 256 }; /* queues of a port */

struct lanes { /* of one port; replaced as a whole */
    uint32_t n;
    struct queue *queues[]; /* by rising number */
};

/* Ports with packets that wait; the poll thread's. */
struct lane_poll {
    unsigned n;
    struct port *ports[OUTLET_PORTS];
    uint8_t listed[OUTLET_PORTS]; /* by port index */
};

/* Any thread inside an epoch: the queue of this number, or NULL. */
struct queue *lanes_find(const struct port *, uint32_t queue);

/* Poll thread. */
bool lanes_put(struct lane_poll *, struct port *, uint32_t queue, struct packet *,
               uint64_t now_ns);                                              /* false: no such queue */
unsigned lanes_release(struct lane_poll *, struct outlet *, uint64_t now_ns); /* packets let go */
uint64_t lanes_next_ns(const struct lane_poll *);                             /* UINT64_MAX: nothing waits */
/* Drops all that waits in a queue of a port; the queue may be out of its list. */
void lanes_drop(struct port *, struct queue *);
/* The same for a port that is going away: none of its queues holds anything, and nobody waits for it any more. */
void lanes_let_go(struct lane_poll *, struct port *);
