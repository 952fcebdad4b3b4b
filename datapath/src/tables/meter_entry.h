/* Entries of a bridge's meter table (OpenFlow 1.3.5, 5.7 and 7.3.4.4): by number, named by rules.  The buckets:
 * meter/meter.h. */
#pragma once
#include "meter/meter.h"
#include "bridge/bridge.h"

enum of_meter_command { OFPMC_ADD, OFPMC_MODIFY, OFPMC_DELETE };
enum { OFPM_MAX = 0xffff0000, OFPM_CONTROLLER = 0xfffffffe, OFPM_ALL = 0xffffffff };
enum { METER_LIMIT = 65536 }; /* a bridge's */

struct meter_entry {
    uint32_t id;   /* first: idmap wants it */
    uint32_t refs; /* rules that name it (control thread) */
    uint64_t created_ns;
    struct world *world;
    bool owns_slot, remarks; /* remarks: some band changes packets */
    struct meter *meter;     /* owned */
};

/* What a meter-mod asks for, decoded (ofp/ makes it). */
struct meter_mod {
    uint16_t command, flags;
    uint32_t id;
    unsigned n_bands;
    struct meter_band_spec bands[METER_MAX_BANDS];
};

/* What a meter-mod asks for, with full buckets; 'old': the entry whose place it is to take, whose counters of all
 * packets go on (6.8), or NULL.  The caller's, or NULL: the switch has no counters left. */
struct meter_entry *meter_entry_new(struct bridge *, const struct meter_mod *, const struct meter_entry *old,
                                    uint64_t now_ns);
/* Frees it and gives its counters back.  No reader may see it any more. */
void meter_entry_free(struct meter_entry *);
/* The meter of this number, or NULL.  Control thread, or any thread inside an epoch. */
static inline struct meter_entry *bridge_meter(const struct bridge *b, uint32_t id)
{
    return idmap_find(&b->meters, id);
}
