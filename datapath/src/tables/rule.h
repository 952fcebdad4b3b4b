/* A rule of a flow table: match, programme, counters, timeouts, and the bytes it was asked for with.
 *
 * Rules are made and unmade by the control thread; a poll thread sees 'entry',
 * 'program', 'slot', 'cookie' and 'table', which never change after the rule is
 * published.  A flow-mod that modifies makes a new rule which inherits slot and age.
 */
#pragma once
#include "act/action.h"
#include "base/hmap.h"
#include "classify/classifier.h"
#include "bridge/world.h"

enum of_flow_flags {
    OFPFF_SEND_FLOW_REM = 1,
    OFPFF_CHECK_OVERLAP = 2,
    OFPFF_RESET_COUNTS = 4,
    OFPFF_NO_PKT_COUNTS = 8,
    OFPFF_NO_BYT_COUNTS = 16
};
enum of_removed { OFPRR_IDLE_TIMEOUT, OFPRR_HARD_TIMEOUT, OFPRR_DELETE, OFPRR_GROUP_DELETE };

struct rule {
    struct cls_entry entry;
    struct hmap_node node;                     /* in its table's strict index */
    struct rule *next, **back;                 /* in its table's list */
    struct rule *next_timed, **back_timed;     /* in its bridge's list of rules with timeouts, or back_timed NULL */
    struct rule *next_changed, **back_changed; /* in the pending change; then 'next_changed' alone, among the dying */
    struct rule *heir_of;                      /* pending: the rule whose slot this one will take over */
    struct world *world;
    struct program *program;
    uint64_t cookie;
    uint64_t created_ns, used_ns;
    uint64_t seen_packets;             /* at used_ns, for the idle timeout */
    uint64_t base_packets, base_bytes; /* counters at the last reset */
    uint64_t gone_epoch; /* dying: nobody can see it after this epoch; 0: after that of the one before it */
    uint32_t slot;
    uint16_t idle, hard, flags; /* seconds; enum of_flow_flags */
    uint8_t table, removed_by;  /* enum of_removed */
    bool owns_slot;
    bool silent; /* leaves without FLOW_REMOVED: another rule took its place */
    uint16_t match_size, instructions_size;
    uint8_t wire_version; /* of OpenFlow, in which it was asked for */
    uint8_t *wire;        /* match (padded), then instructions, as they were accepted */
};

/* What a flow-mod asks for, decoded (ofp/ makes it; the pointers stay its own except 'program'). */
struct flow_mod {
    uint64_t cookie, cookie_mask;
    uint8_t table, command;
    uint16_t idle, hard, priority, flags;
    uint32_t out_port, out_group;
    struct key value, mask;
    struct program *program;             /* owned: whoever uses it sets it to NULL */
    const uint8_t *match, *instructions; /* as they came, in version 'wire_version' of OpenFlow */
    uint16_t match_size, instructions_size;
    uint8_t wire_version;
};
enum of_flow_command { OFPFC_ADD, OFPFC_MODIFY, OFPFC_MODIFY_STRICT, OFPFC_DELETE, OFPFC_DELETE_STRICT };

/* A rule from an ADD.  NULL when the switch has no slot left. */
struct rule *rule_new(struct world *, struct flow_mod *, uint64_t now_ns);
/* The same rule with the flow-mod's instructions: heir to slot, cookie, age and timeouts. */
struct rule *rule_modified(const struct rule *old, struct flow_mod *);
/* Frees it; gives its slot back if it owns it.  No reader may see it any more. */
void rule_free(struct rule *);
/* Since its last reset; exact for packets before the last grace period. */
void rule_counts(const struct rule *, uint64_t *packets, uint64_t *bytes);
/* Matches everything, at priority 0 (OpenFlow 1.3.5, 5.4). */
bool rule_is_table_miss(const struct rule *);
/* Does it output to 'port' (OFPP_ANY: to any)? */
bool rule_outputs_to(const struct rule *, uint32_t port);
bool rule_goes_to_group(const struct rule *, uint32_t group); /* OFPG_ALL: to any */
/* Sets every key bit that the rule's match or its actions look at. */
void rule_looks(const struct rule *, struct key *mask);
/* The rule of a classifier's entry. */
static inline struct rule *rule_of(struct cls_entry *e)
{
    return (struct rule *)((char *)e - offsetof(struct rule, entry));
}
