/* One OpenFlow switch: its flow tables, its ports, and the changes to them.
 *
 * Theory of operation.  The control thread stages flow-mods in a change; the tables'
 * lists and strict indexes follow at once (so the next flow-mod of the same change sees
 * them), but no packet does.  bridge_commit publishes the change under the next version;
 * bridge_abort takes it back.  Deleted rules go through dying: after a grace period no
 * packet can count on them, so their counters are final; then bridge_settle tells the
 * owner (FLOW_REMOVED), unlinks them, and after one more grace period frees them.
 */
#pragma once
#include "base/idmap.h"
#include "base/of_error.h"
#include "cache/cache.h"
#include "pipeline/group.h"
#include "pipeline/mac.h"
#include "pipeline/meters.h"
#include "pipeline/rule.h"
#include "port/port.h"

enum { N_TABLES = 255, TABLE_ALL = 0xff }; /* tables 0 .. 254 (OFPTT_MAX); 255 means all */

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
    struct rule *timed;
    struct rule *dying, **dying_end; /* deleted, oldest first */
    struct rule *added;              /* the change being prepared: youngest first */
    struct rule *removed, **removed_end; /* of it too, oldest first */
    uint32_t n_rules;
    struct idmap groups, meters;     /* struct group, struct bridge_meter */
    uint64_t group_walks;            /* searches along chains of groups so far */
    struct mac_table macs;
    struct share_group share;    /* of the poll thread, whose business it is */
    uint32_t backlog[2];         /* as well: packets that wait for the tables, in small and in large buffers */
    _Atomic uint32_t standalone; /* enum vs_standalone */
};

struct bridge *bridge_new(struct world *, uint32_t id, const vs_bridge_spec *);
/* Who the bridge of this number and specification is. */
uint64_t bridge_identity(uint32_t id, const vs_bridge_spec *);
/* Frees rules, tables, list of ports (not the ports).  No reader may see it any more. */
void bridge_free(struct bridge *);
/* New name, datapath id, fail mode, settings of NORMAL. */
void bridge_change(struct bridge *, const vs_bridge_spec *);
/* From the next version on, these bits count in cached keys too; false: they do already.  For rules, which are seen from
 * that version on. */
bool bridge_widen_shape(struct bridge *, const struct key *mask);
/* The same for what is in force as soon as it is stored (groups, fail mode): waits until the poll
 * thread makes its keys so. */
void bridge_look_first(struct bridge *, const struct key *mask);

/* ---- flow tables (control thread) ---- */

/* Stages one flow-mod on top of what is staged.  Anything but OF_FINE: this flow-mod changed nothing. */
enum of_error bridge_stage(struct bridge *, struct flow_mod *, uint64_t now_ns);
/* Publishes what is staged; nothing staged: nothing happens. */
void bridge_commit(struct bridge *);
void bridge_abort(struct bridge *);
/* Deletes a rule for a timeout; goes with the next commit. */
void bridge_expire(struct bridge *, struct rule *, enum of_removed reason);
/* Waits until no packet is under a rule that has been deleted: what only such rules name can go, and a packet sees both or
 * neither. */
void bridge_outlast_deleted(struct bridge *);
/* Deletes all rules that 'selects' for 'id', at once; none of them is left in this sense. */
void bridge_purge(struct bridge *, bool (*selects)(const struct rule *, uint32_t id), uint32_t id, enum of_removed reason);
/* Rules whose grace period is over: tells 'removed' of each in order, unlinks it. */
void bridge_settle(struct bridge *, void (*removed)(void *arg, struct bridge *, const struct rule *), void *arg);
static inline bool bridge_settled(const struct bridge *b) { return !b->dying; }

/* Does 'r' belong to what a flow-mod or statistics request selects (not looking at strictness or table)? */
struct flow_select { uint64_t cookie, cookie_mask; uint32_t out_port, out_group; const struct match *match; };
bool rule_selected(const struct rule *r, const struct flow_select *);

/* ---- groups and meters (control thread; in force at once; nothing may be staged) ---- */

/* Carries out a group-mod or meter-mod.  Anything but OF_FINE: nothing was changed. */
enum of_error bridge_group_mod(struct bridge *, struct group_mod *, uint64_t now_ns);
enum of_error bridge_meter_mod(struct bridge *, struct meter_mod *, uint64_t now_ns);
/* Are all groups that these actions name there? */
enum of_error bridge_knows_groups(const struct bridge *, const struct action *, unsigned n);
/* 'by' more references to every group that these actions name. */
void bridge_refer(struct bridge *, const struct action *, unsigned n, int by);
void bridge_free_groups(struct bridge *);
void bridge_free_meters(struct bridge *);

/* ---- ports (control thread; published at once) ---- */

void bridge_add_port(struct bridge *, struct port *);
/* How NORMAL treats its tags from the next version on; what was learned there is forgotten. */
void bridge_set_vlans(struct bridge *, struct port *, const vs_vlans *);
/* Its config and state from now on (LIVE follows by itself).  A port that lives no more has no stations: what was learned
 * there is forgotten.  True: something changed; the caller publishes a version. */
bool bridge_set_port(struct bridge *, struct port *, uint32_t config, uint32_t state);
/* Nobody who looks from now on finds it, and what was learned there is forgotten.  Whoever has it in hand may go on: what
 * the bridge keeps at a port stays until bridge_release_port, which comes after the publish and grace that are the caller's. */
void bridge_unlink_port(struct bridge *, struct port *);
void bridge_release_port(struct bridge *, struct port *);

/* ---- reading (any thread inside an epoch) ---- */

static inline const struct port_list *bridge_ports(const struct bridge *b)
{
    return atomic_load_explicit(&b->ports, memory_order_acquire);
}
static inline const struct key_shape *bridge_shape(const struct bridge *b)
{
    return atomic_load_explicit(&b->shape, memory_order_acquire);
}
struct port *bridge_port(const struct bridge *, uint32_t number);
struct group *bridge_group(const struct bridge *, uint32_t id);
struct bridge_meter *bridge_meter(const struct bridge *, uint32_t id);
