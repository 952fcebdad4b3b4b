/* Composition: from a key, through the tables, to one flat list of actions.
 *
 * Theory of operation.  The tables are walked once (OpenFlow 1.3.5 section 5.1).  What
 * rules do to the packet is done to a copy of the key, so that later tables match
 * what the packet will be; every action goes to the list, in order; groups become
 * bracketed copies; the action set is added at the end in the standard's order.  Where
 * an action uncovers what the key can't know, the list ends in a stage (stage.h), and
 * composition goes on from there when the packet has been read again.  The result depends
 * only on key bits in the bridge's key shape, on the stage and on the version, so it can be cached.
 * Not so a packet-out's: its actions look at what they like, which no rule of the bridge may look at, so it is
 * transient, and so are all its stages.
 */
#pragma once
#include "bridge/bridge.h"
#include "compose/composition.h"
#include "compose/stage.h"

enum { VERDICT_ACTIONS = 8, VERDICT_SLOTS = 14 };

/* What is done to a packet: small enough for the cache. */
struct verdict {
    uint8_t n_actions, n_slots;
    bool continues;                /* there is an ACT_CONTINUE among its actions */
    uint32_t slots[VERDICT_SLOTS]; /* counters to raise: rules, lookups and misses of tables, groups, buckets */
    uint32_t tries;                /* buckets that were looked at for it */
    struct action actions[VERDICT_ACTIONS];
};

/* Through the tables from the first on.  Inside an epoch.  'in' is the port that the packet came by, as its passage has
 * it: nobody looks it up by its number, which may be another port's by now. */
void compose_tables(struct composition *, const struct bridge *, struct port *in, uint64_t version, const struct key *,
                    const struct compose_watch *);
/* A packet-out's list: 'n' actions as they stand, OFPP_TABLE goes through the tables.  They must stay until the packet
 * is done with. */
void compose_packet_out(struct composition *, const struct bridge *, struct port *in, uint64_t version,
                        const struct key *, const struct action *actions, unsigned n);
/* On from a stage with the packet's new key (metadata and tunnel id are the stage's). */
void compose_stage(struct composition *, const struct stage *, struct port *in, uint64_t version, const struct key *,
                   const struct compose_watch *);
/* Copies the result to a verdict if it is cacheable and small enough. */
bool compose_verdict(const struct composition *, struct verdict *);
