/* What a poll thread does: packets from ports, through cache or tables, to ports.
 *
 * Theory of operation.  Each turn is a quiescent point: the worker re-reads the version,
 * the list of ports and what the control thread injects (packet-outs), polls every port
 * that has work and whose share is not used up (base/share.h), and flushes what is to leave.  Ports with a descriptor
 * are found by one edge-triggered epoll; a port stays ready until it gave less than a batch.  With nothing to do the
 * worker spins for a few microseconds (containers share these cores), then sleeps in epoll, which counts as quiescent.
 * Nothing is allocated and no lock is taken here.
 *
 * Packets for the controller and dead ports are told through a ring to the control
 * thread.  In memory mode the same turn is called from the one thread there is.
 */
#pragma once
#include "switch/worker.h"

/* Sets what packets ask for on their way (struct executor); once, before the first turn. */
void turns_prepare(struct worker *);
/* One turn over every port (memory mode) / over those that are ready; packets moved. */
unsigned worker_turn(struct worker *, bool everything, uint64_t now_ns);
/* Poll thread: a port is going away; nothing of it is kept, neither packets nor what is known by its index. */
void worker_let_go(struct worker *, struct port *);
/* Only what is injected, when no thread runs (memory mode). */
void worker_inject(struct worker *);
/* The body of a poll thread: turns until 'stop'. */
void *worker_main(void *worker);
