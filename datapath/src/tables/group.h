/* Groups of a bridge (OpenFlow 1.3.5, 5.6): lists of buckets.  Which of them a packet takes: compose/choose.h.
 *
 * A group is made whole by the control thread and never changes after it is published,
 * but for 'refs', which is the control thread's own; a group-mod puts another in its place.
 * Each bucket's actions are an action set in the order of execution.
 */
#pragma once
#include "act/action.h"
#include "bridge/bridge.h"

enum of_group_type { OFPGT_ALL, OFPGT_SELECT, OFPGT_INDIRECT, OFPGT_FF, OFPGT_LIMIT };
enum of_group_command { OFPGC_ADD, OFPGC_MODIFY, OFPGC_DELETE };
enum { OFPG_MAX = 0xffffff00, OFPG_ALL = 0xfffffffc, OFPG_ANY = 0xffffffff };
enum { GROUP_LIMIT = 65536, GROUP_BUCKETS = 4000, GROUP_DEPTH = 32, GROUP_TRIES = 16384 };
/* a bridge's groups; a group's buckets; a chain's length; buckets that one packet may have looked at */

struct bucket {
    uint16_t weight, n_actions;
    uint32_t watch_port, watch_group; /* OFPP_ANY, OFPG_ANY: none */
    uint32_t slot;                    /* counter; UINT32_MAX until the group is in a bridge */
    uint64_t identity;                /* of what it does: selection stays with it when its neighbours come and go */
    const struct action *actions;
};

struct group {
    uint32_t id;  /* first: idmap wants it */
    uint8_t type; /* enum of_group_type */
    bool owns_slot;
    uint32_t slot; /* counter; UINT32_MAX until the group is in a bridge */
    uint32_t refs; /* rules and buckets that name it */
    uint64_t created_ns;
    uint64_t search;         /* control thread: the search that came here last, */
    struct group *to_search; /* and where it goes on */
    struct world *world;
    uint64_t total_weight; /* of a select group's buckets; 0: all alike */
    uint8_t wire_version;  /* of OpenFlow, in which it was asked for */
    uint8_t *wire;         /* the buckets as they were accepted */
    uint32_t wire_size, n_buckets;
    struct action *actions; /* of all buckets */
    struct bucket buckets[];
};

/* What a group-mod asks for, decoded (ofp/ makes it). */
struct group_mod {
    uint16_t command;
    uint32_t id;
    struct group *group; /* ADD, MODIFY; owned: whoever uses it sets it to NULL */
};

/* Frees it and gives its counters back.  No reader may see it any more.  NULL is fine. */
void group_free(struct group *);
bool group_names(const struct group *, uint32_t other); /* some bucket of it goes to group 'other' */
/* Sets every key bit that tells one conversation from another: what a SELECT group goes by. */
void group_flow_looks(struct key *mask);
/* Sets every key bit that choosing a bucket or carrying one out looks at. */
void group_looks(const struct group *, struct key *mask);

/* The group of this number, or NULL.  Control thread, or any thread inside an epoch. */
static inline struct group *bridge_group(const struct bridge *b, uint32_t id) { return idmap_find(&b->groups, id); }
