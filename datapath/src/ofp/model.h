/* What hot messages ask for, and what is told in them: the same in every version of OpenFlow.
 *
 * Rules, groups and meters, and the requests that make them, are the tables' (tables/); here are the others.  Whoever
 * reads a message fills these (version.h); pointers point into the message.
 */
#pragma once
#include <stddef.h>
#include "tables/group.h"
#include "tables/meter_entry.h"
#include "tables/rule.h"

/* Frees what nobody took of a flow-mod or group-mod that was read, whether it was right or not. */
void flow_mod_done(struct flow_mod *);
void group_mod_done(struct group_mod *);

struct packet_out {
    uint32_t
        in_port; /* a port's number: the caller knows whether it is there; or OFPP_CONTROLLER, OFPP_ANY: from none */
    unsigned n_actions;
    struct action *actions; /* owned: free() */
    const uint8_t *data;
    size_t size;
};

struct packet_in {
    uint32_t in_port;
    uint16_t total_len;
    uint8_t reason, table;
    uint64_t cookie, metadata, tunnel_id; /* the last two: network order */
    const uint8_t *data;
    size_t size;
};

enum statistics_kind {
    STATISTICS_NONE,
    STATISTICS_FLOW,
    STATISTICS_AGGREGATE,
    STATISTICS_TABLE,
    STATISTICS_PORT,
    STATISTICS_QUEUE,
    STATISTICS_GROUP,
    STATISTICS_GROUP_DESC,
    STATISTICS_METER,
    STATISTICS_METER_CONFIG,
    STATISTICS_LIMIT
};

/* What a statistics request selects; members that its kind does not have are 0. */
struct statistics_request {
    uint64_t cookie, cookie_mask; /* FLOW, AGGREGATE */
    uint32_t out_port, out_group; /* likewise; OFPP_ANY, OFPG_ANY: any */
    uint8_t table;                /* likewise; TABLE_ALL: all */
    uint32_t number;              /* PORT, QUEUE: of the port; GROUP, METER, METER_CONFIG: of the group or meter */
    uint32_t queue;               /* QUEUE */
    struct key value, mask;       /* FLOW, AGGREGATE */
};

struct rule_totals {
    uint64_t packets, bytes;
    uint32_t rules;
};
