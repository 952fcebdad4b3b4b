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
#include "act/outlet.h"
#include "pipeline/bridge.h"
#include "pipeline/stage.h"

enum { VERDICT_ACTIONS = 8, VERDICT_SLOTS = 14, COMPOSE_SLOTS = 2048 };
enum { COMPOSE_ACTIONS = 1024 + OUTLET_PORTS }; /* a flood to all the ports that a switch can have is among what fits */

/* What is done to a packet: small enough for the cache. */
struct verdict {
    uint8_t n_actions, n_slots;
    bool continues; /* there is an ACT_CONTINUE among its actions */
    uint32_t slots[VERDICT_SLOTS]; /* counters to raise: rules, lookups and misses of tables, groups, buckets */
    uint32_t looks; /* at buckets, that it took */
    struct action actions[VERDICT_ACTIONS];
};

/* Told of each step while composing; NULL fields are skipped.  For trace. */
struct compose_watch {
    void *arg;
    void (*rule)(void *arg, unsigned table, const struct rule *);
    void (*miss)(void *arg, unsigned table);
    void (*normal)(void *arg, uint32_t port); /* NORMAL: the station's port, 0 = flooded */
    void (*vlan)(void *arg, uint32_t port, unsigned vlan); /* NORMAL: that VLAN keeps the frame from that port, or out of it */
    void (*group)(void *arg, uint32_t group, int bucket); /* -1: all, or none that lives */
};

/* What is known of a packet: was something done with it, or was it dropped for a reason of its own?  PERHAPS_SENT: that shows
 * when a copy of it is carried out, whose TTL may run out, or which comes to a stage. */
enum deeds { UNSENT, PERHAPS_SENT, SENT };

/* The work space of one composition (large: one a thread and level of stages). */
struct composition {
    struct stages *stages; /* the owner's; set once */
    const struct bridge *bridge;
    struct port *in;  /* that the packet came by; NULL: none, the controller sends it */
    const struct compose_watch *watch;
    uint64_t version;
    struct key key;
    struct action_set set;
    unsigned n_actions, n_slots, depth;
    uint32_t queue;   /* of outputs from here on */
    uint64_t steps;   /* what it took: entries of classifiers */
    unsigned looks;   /* likewise: buckets */
    uint8_t sends;    /* enum deeds */
    bool cacheable;
    bool transient;   /* of a packet-out: neither this nor what follows from it is an answer for other packets */
    bool overflow;    /* more actions than there is room for: nothing is done */
    bool ended;       /* this packet or copy goes no further: dropped in the middle, or on to a stage */
    bool uncovered;   /* the last action made the key wrong: headers have to be read again */
    bool continues;
    uint16_t tags[2]; /* TCIs: the outermost, the one behind it */
    unsigned n_tags;
    struct { uint64_t cookie; uint8_t table, miss; } origin;
    uint64_t learn;   /* a station that NORMAL did not know at this port, or 0 */
    uint32_t slots[COMPOSE_SLOTS];
    struct action actions[COMPOSE_ACTIONS];
};

/* Through the tables from the first on.  Inside an epoch.  'in' is the port that the packet came by, as its passage has
 * it: nobody looks it up by its number, which may be another port's by now. */
void compose_tables(struct composition *, const struct bridge *, struct port *in, uint64_t version, const struct key *, const struct compose_watch *);
/* A packet-out's list: 'n' actions as they stand, OFPP_TABLE goes through the tables.  They must stay until the packet is done with. */
void compose_packet_out(struct composition *, const struct bridge *, struct port *in, uint64_t version, const struct key *,
                        const struct action *actions, unsigned n);
/* On from a stage with the packet's new key (metadata and tunnel id are the stage's). */
void compose_stage(struct composition *, const struct stage *, struct port *in, uint64_t version, const struct key *,
                   const struct compose_watch *);
/* What the packet's key lacks: the part of the state that travels with the packet. */
void stage_fill(const struct stage *, struct key *);
/* Copies the result to a verdict if it is cacheable and small enough. */
bool compose_verdict(const struct composition *, struct verdict *);
