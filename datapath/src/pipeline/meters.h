/* Meters of a bridge (OpenFlow 1.3.5, 5.7 and 7.3.4.4): by number, named by rules. */
#pragma once
#include "meter/meter.h"
#include "pipeline/world.h"

struct bridge;

enum of_meter_command { OFPMC_ADD, OFPMC_MODIFY, OFPMC_DELETE };
enum { OFPM_MAX = 0xffff0000, OFPM_CONTROLLER = 0xfffffffe, OFPM_ALL = 0xffffffff };
enum { METER_LIMIT = 65536 }; /* a bridge's */

struct bridge_meter {
    uint32_t id;         /* first: idmap wants it */
    uint32_t refs;       /* rules that name it (control thread) */
    uint64_t created_ns;
    struct world *world;
    bool owns_slot, remarks; /* remarks: some band changes packets */
    struct meter *meter; /* owned */
};

/* What a meter-mod asks for, decoded (ofp/ makes it). */
struct meter_mod {
    uint16_t command, flags;
    uint32_t id;
    unsigned n_bands;
    struct meter_band_spec bands[METER_MAX_BANDS];
};
