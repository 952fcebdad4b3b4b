/* The work space of one composition: what the packet will be by now, and the list of actions so far.
 *
 * compose.c begins and ends it, walk.c goes through rules, groups and the action set, outputs.c and normal.c find
 * ports, key_edits.c changes the key, suspend.c stops where headers have to be read again; all of them write by list.h.
 */
#pragma once
#include "act/action_set.h"
#include "act/outlet.h"
#include "flow/key.h"

enum { COMPOSE_SLOTS = 2048 };
enum { COMPOSE_ACTIONS = 1024 + OUTLET_PORTS }; /* a flood to all the ports that a switch can have is among what fits */

struct bridge;
struct rule;
struct stages;

/* Told of each step while composing; NULL fields are skipped.  For trace. */
struct compose_watch {
    void *arg;
    void (*rule)(void *arg, unsigned table, const struct rule *);
    void (*miss)(void *arg, unsigned table);
    void (*normal)(void *arg, uint32_t port); /* NORMAL: the station's port, 0 = flooded */
    void (*vlan)(void *arg, uint32_t port,
                 unsigned vlan); /* NORMAL: that VLAN keeps the frame from that port, or out of it */
    void (*group)(void *arg, uint32_t group, int bucket); /* -1: all, or none that lives */
};

/* What is known of a packet: was something done with it, or was it dropped for a reason of its own?  PERHAPS_SENT: that
 * shows when a copy of it is carried out, whose TTL may run out, or which comes to a stage. */
enum deeds { UNSENT, PERHAPS_SENT, SENT };

/* The work space of one composition (large: one a thread and level of stages). */
struct composition {
    struct stages *stages; /* the owner's; set once */
    const struct bridge *bridge;
    struct port *in; /* that the packet came by; NULL: none, the controller sends it */
    const struct compose_watch *watch;
    uint64_t version;
    struct key key;
    struct action_set set;
    unsigned n_actions, n_slots, depth;
    uint32_t queue; /* of outputs from here on */
    uint64_t steps; /* what it took: entries of classifiers */
    unsigned tries; /* likewise: buckets */
    uint8_t sends;  /* enum deeds */
    bool cacheable;
    bool transient; /* of a packet-out: neither this nor what follows from it is an answer for other packets */
    bool overflow;  /* more actions than there is room for: nothing is done */
    bool ended;     /* this packet or copy goes no further: dropped in the middle, or on to a stage */
    bool uncovered; /* the last action made the key wrong: headers have to be read again */
    bool continues;
    uint16_t tags[2]; /* TCIs: the outermost, the one behind it */
    unsigned n_tags;
    struct {
        uint64_t cookie;
        uint8_t table, miss;
    } origin;
    uint64_t learn; /* a station that NORMAL did not know at this port, or 0 */
    uint32_t slots[COMPOSE_SLOTS];
    struct action actions[COMPOSE_ACTIONS];
};
