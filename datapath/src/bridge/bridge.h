/* One OpenFlow switch as plain data: who it is, its ports, flow tables, groups, meters and stations.
 *
 * What rules, groups and meters are, and how they change, is the business of tables/; what becomes of a packet that of
 * compose/.  Both stand on this, and know nothing of each other but through it.
 */
#pragma once
#include "base/hmap.h"
#include "base/idmap.h"
#include "bridge/mac.h"
#include "bridge/world.h"
#include "cache/cache.h"
#include "port/port.h"

enum { N_TABLES = 255, TABLE_ALL = 0xff }; /* tables 0 .. 254 (OFPTT_MAX); 255 means all */

struct classifier;
struct rule;

struct flow_table {
    _Atomic(struct classifier *) classifier; /* made with the first rule, stays until the bridge goes */
    struct hmap by_match;                    /* rules by match and priority */
    struct rule *rules;
    uint32_t n_rules;
    _Atomic uint32_t lookup_slot, miss_slot; /* counters: packets that came, packets that matched nothing */
    bool dirty;                              /* its classifier has something to publish */
};

struct port_list {
    uint32_t n;
    struct port *ports[]; /* by number */
};

struct bridge {
    uint32_t id;
    uint64_t identity; /* never another bridge's, as a number may be */
    struct world *world;
    vs_bridge_spec spec;
    _Atomic(struct port_list *) ports;
    _Atomic(struct key_shape *) shape;
    struct flow_table tables[N_TABLES];
    struct rule *timed;                  /* with a timeout */
    struct rule *dying, **dying_end;     /* deleted, oldest first */
    struct rule *added;                  /* the pending change (tables/change.h): youngest first */
    struct rule *removed, **removed_end; /* of it too, oldest first */
    uint32_t n_rules;
    struct idmap groups, meters; /* struct group, struct meter_entry */
    uint64_t group_searches;     /* searches along chains of groups so far */
    struct mac_table macs;
    struct share_group share;    /* of the poll thread, whose business it is */
    uint32_t backlog[2];         /* as well: packets that wait for the tables, in small and in large buffers */
    _Atomic uint32_t standalone; /* enum vs_standalone */
};

/* ---- control thread ---- */

/* A bridge without ports and rules, nobody's yet: the caller's, until bridge_free. */
struct bridge *bridge_new(struct world *, uint32_t id, const vs_bridge_spec *);
/* Who the bridge of this number and specification is. */
uint64_t bridge_identity(uint32_t id, const vs_bridge_spec *);
/* Frees it (not the ports) when tables_free has emptied it.  No reader may see it any more. */
void bridge_free(struct bridge *);
/* From the next version on, these bits count in cached keys too; false: they do already.  For rules, which are seen
 * from that version on. */
bool bridge_widen_shape(struct bridge *, const struct key *mask);
/* The same for what is in force as soon as it is stored (groups, fail mode): waits until the poll
 * thread makes its keys so. */
void bridge_look_first(struct bridge *, const struct key *mask);

/* ---- reading (any thread inside an epoch) ---- */

/* Its ports by rising number. */
static inline const struct port_list *bridge_ports(const struct bridge *b)
{
    return atomic_load_explicit(&b->ports, memory_order_acquire);
}
/* What counts in keys of its packets. */
static inline const struct key_shape *bridge_shape(const struct bridge *b)
{
    return atomic_load_explicit(&b->shape, memory_order_acquire);
}
