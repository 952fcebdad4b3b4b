/* A packet's passage: from a port or a packet-out through cache or tables and its actions, stage by stage.
 *
 * Theory of operation.  A batch is looked up in the cache as a whole.  What is there and current
 * passes at once.  The rest has to go through the tables, which takes long: of each port only
 * MISSES_A_TURN do so in a turn, the others wait in the port's backlog, and nothing more is received
 * from it meanwhile.  So a port that sends nothing but new flows delays the first packet of
 * another port's flow by one walk through the tables, not by a batch of them (HARDENING S14).
 * How many packets wait so is counted by bridge and by size of buffer: who has room for none receives only what
 * passes at once.
 *
 * Private to this room; a poll thread's.
 */
#pragma once
#include "switch/worker.h"

/* What a walk through the tables counts as, in packets: WALK_WORK, and one more for so many rules that it looked at. */
enum { MISSES_A_TURN = 1, WALK_WORK = 4, STEPS_A_PACKET = 16 };

/* 'n' packets just received from 'in', whose backlog is empty; those that moved, the others wait.  '*misses': how many
 * may still go through the tables. */
unsigned passage_batch(struct worker *, struct bridge *, struct port *in, struct packet **packets, unsigned n,
                       unsigned *misses);
/* What waits from a port, as far as it goes this turn. */
unsigned passage_backlog(struct worker *, struct port *in);
/* What waits from a port that goes away is dropped. */
void passage_forget(struct worker *, const struct port *);
/* A packet-out. */
void passage_inject(struct worker *, const struct injection *);

/* Of struct executor. */
void passage_go_on(struct executor *, struct port *in, struct packet *, uint64_t stage, uint64_t packets,
                   uint64_t bytes);
