/* Composition: from a key, through the tables, to one flat list of actions.
 *
 * Theory of operation.  The tables are walked once (OpenFlow 1.3.5 section 5.1).  What
 * rules do to the packet is done to a copy of the key, so that later tables match
 * what the packet will be; every action goes to the list, in order; the action set
 * is added at the end in the standard's order.  The result depends only on key bits in
 * the bridge's key shape and on the version, so it can be cached.  Where it depends on
 * more (what lies under a second VLAN tag), it says so, and is not.
 */
#pragma once
#include "pipeline/bridge.h"

enum { VERDICT_ACTIONS = 8, VERDICT_SLOTS = 14, COMPOSE_ACTIONS = 1024, COMPOSE_SLOTS = 2 * N_TABLES };

/* What is done to a packet: small enough for the cache. */
struct verdict {
    uint16_t n_actions, n_slots;
    uint32_t slots[VERDICT_SLOTS]; /* counters to raise: rules, lookups and misses of tables */
    struct action actions[VERDICT_ACTIONS];
};

/* Told of each step while composing; NULL fields are skipped.  For trace. */
struct compose_watch {
    void *arg;
    void (*rule)(void *arg, unsigned table, const struct rule *);
    void (*miss)(void *arg, unsigned table);
    void (*normal)(void *arg, uint32_t port); /* NORMAL: the station's port, 0 = flooded */
};

struct action_set {
    uint64_t fields;                    /* bit i: set[i] is in the set */
    struct action set[FIELD_LIMIT], pop_vlan, push_vlan, dec_ttl, set_ttl, output;
    bool has_pop_vlan, has_push_vlan, has_dec_ttl, has_set_ttl, has_output;
};

/* The work space of one composition (large: one a thread). */
struct composition {
    const struct bridge *bridge;
    const struct packet *packet; /* whose deeper tags may be looked at, or NULL */
    const struct compose_watch *watch;
    uint64_t version;
    struct key key;
    struct action_set set;
    unsigned n_actions, n_slots;
    bool sends;       /* some output was asked for */
    bool cacheable;
    bool overflow;    /* more actions than there is room for: nothing is done */
    bool ended;       /* by a drop in the middle of its actions */
    uint16_t tags[LAYOUT_MAX_VLANS]; /* TCIs, outermost last */
    unsigned n_tags;
    struct { uint64_t cookie; uint8_t table, miss; } origin;
    uint64_t learn;   /* a station that NORMAL did not know at this port, or 0 */
    uint32_t slots[COMPOSE_SLOTS];
    struct action actions[COMPOSE_ACTIONS];
};

/* Through the tables from 'table' on.  Inside an epoch. */
void compose_tables(struct composition *, const struct bridge *, uint64_t version, const struct key *,
                    const struct packet *, const struct compose_watch *);
/* A packet-out's list: 'n' actions as they stand, OFPP_TABLE goes through the tables. */
void compose_packet_out(struct composition *, const struct bridge *, uint64_t version, const struct key *,
                        const struct packet *, const struct action *actions, unsigned n);
/* Copies the result to a verdict if it is cacheable and small enough. */
bool compose_verdict(const struct composition *, struct verdict *);
