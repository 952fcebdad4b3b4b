/* What a poll thread tells the control thread: packets for the controller, stations that NORMAL does not know.
 *
 * Theory of operation.  Packets go by a ring of their own.  A port may fill as much of it as is
 * still free (Choudhury and Hahne's dynamic threshold): one that floods gets half, two a third each,
 * and there is always room for a port that has said little (HARDENING S14, S15).  What a
 * port may not say is dropped and counted.  While a daemon reads nothing that ring stays full; stations
 * have another, which only the control thread empties, so that NORMAL goes on learning.
 *
 * Private to this room; a poll thread's.
 */
#pragma once
#include "switch/worker.h"

/* Of struct executor: a packet for the controller; it stays the caller's. */
void upcall_packet(struct executor *, struct port *in, const struct packet *, const struct action *);
/* A station that NORMAL does not know at this port. */
void upcall_station(struct worker *, uint32_t in_port, uint64_t station);
