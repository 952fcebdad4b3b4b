/* What all bridges of a switch share: versions, counters, seeds, numbers of ports. */
#pragma once
#include "base/epoch.h"
#include "base/slots.h"

struct world {
    struct epoch epoch;
    struct slots slots;
    /* What rules and ports look like: a cached answer is right while this stands. */
    _Atomic uint64_t version;
    uint64_t seed, last_shape;
    uint64_t select_seed; /* of select groups: outlives the switch, in its journal, so that flows stay where they are */
    uint64_t station_changes; /* published, of all bridges; control thread */
    uint32_t n_rules, max_rules;
    _Atomic uint32_t n_timed; /* meters and queues: without any, poll threads need no clock */
};

static inline uint64_t world_version(struct world *w) { return atomic_load_explicit(&w->version, memory_order_acquire); }
static inline uint64_t world_next(struct world *w) { return atomic_load_explicit(&w->version, memory_order_relaxed) + 1; }
/* Everything prepared for world_next becomes visible at once. */
static inline void world_publish(struct world *w)
{
    atomic_store_explicit(&w->version, world_next(w), memory_order_release);
    epoch_publish(&w->epoch);
}
