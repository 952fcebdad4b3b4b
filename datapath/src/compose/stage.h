/* Stages: where composition stopped until the packet's headers have been read again.
 *
 * Theory of operation.  Some actions uncover headers that nobody has looked at: popping a
 * label, a service tag, a third VLAN tag, giving a header another name.  Composition ends
 * there with ACT_CONTINUE and keeps what is left to do, the whole state but for the packet,
 * as a stage.  The packet's new key together with the stage's number is looked up in the
 * cache like any other key, so that each stage costs one lookup, not a walk.
 *
 * Equal states share a stage, so their number follows the rules, not the packets.  A store
 * belongs to one thread and never grows: a state may take the place of another, unless that is
 * in use by the packet at hand.  A number is never used twice; whoever holds one of
 * a stage that is gone finds nothing and composes anew.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "act/action_set.h"

struct bridge;
struct key;
struct rule;

/* Everything that tells two stages apart; no padding, compared as bytes. */
struct stage_state {
    const struct bridge *bridge;
    const struct rule *rule;   /* whose applied actions these are; NULL: nothing comes after them */
    const struct action *rest; /* what is left of them; NULL: the stage's own list */
    uint64_t version, metadata, tunnel_id, cookie;
    uint64_t set; /* places taken in the action set */
    uint32_t n_rest, queue;
    uint8_t table, miss, sends, transient; /* transient: a packet-out's, nothing of it may be cached */
    uint32_t depth;                        /* of groups */
};

struct stage {
    uint64_t id, hash;
    uint64_t used; /* by which packet, in the store's count */
    struct stage_state state;
    unsigned n; /* actions: own list, then the set */
    struct action actions[2 * SET_LIMIT];
};

struct stages;

/* A store for one thread; asserts that there is address space. */
struct stages *stages_new(void);
/* NULL is fine. */
void stages_free(struct stages *);
/* Another packet, which stands for so many frames: what the last one used may be replaced. */
void stages_next_packet(struct stages *, uint64_t frames);
/* How many buckets of groups the packet at hand may still have looked at, with all its copies and in all its stages:
 * with none left nobody knows which was chosen. */
unsigned *stages_tries(struct stages *);
/* Takes what a cached answer had looked at; false: not so many are left. */
bool stages_spend(struct stages *, unsigned tries);
/* The stage of this state with 'n' actions, there already or made, in use from now on.  NULL: too many are in use, or
 * these are too many actions. */
const struct stage *stages_intern(struct stages *, const struct stage_state *, const struct action *actions,
                                  unsigned n);
/* The stage of this number, in use from now on, or NULL: it is gone. */
const struct stage *stages_find(struct stages *, uint64_t id);
/* What the packet's key lacks: the part of the state that travels with the packet. */
void stage_fill(const struct stage *, struct key *);
