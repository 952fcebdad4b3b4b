/* What all bridges of a switch share: versions, counters, seeds, numbers of ports. */
#pragma once
#include "base/epoch.h"
#include "base/slots.h"

/* Counters of groups, buckets, meters and bands, of all bridges: as many as they like would be those of rules and
 * stations. */
enum { OBJECT_SLOTS = 1 << 20 };

struct world {
    struct epoch epoch;
    struct slots slots;
    /* What rules and ports look like: a cached answer is right while this stands. */
    _Atomic uint64_t version;
    uint64_t seed, last_shape;
    uint64_t select_seed; /* of select groups: outlives the switch, in its journal, so that flows stay where they are */
    uint64_t station_changes; /* published, of all bridges; control thread */
    uint32_t n_rules, max_rules, n_object_slots;
    _Atomic uint32_t n_timed; /* meters and queues: without any, poll threads need no clock */
};

/* Any thread: the version that holds now. */
static inline uint64_t world_version(struct world *w)
{
    return atomic_load_explicit(&w->version, memory_order_acquire);
}
/* Control thread: the version that is published next. */
static inline uint64_t world_next(struct world *w)
{
    return atomic_load_explicit(&w->version, memory_order_relaxed) + 1;
}
/* Everything prepared for world_next becomes visible at once. */
static inline void world_publish(struct world *w)
{
    atomic_store_explicit(&w->version, world_next(w), memory_order_release);
    epoch_publish(&w->epoch);
}

/* Control thread: a counter of a group, bucket, meter or band; UINT32_MAX: they have all that are theirs. */
static inline uint32_t world_take_object(struct world *w)
{
    uint32_t slot = w->n_object_slots < OBJECT_SLOTS ? slots_take(&w->slots) : UINT32_MAX;
    w->n_object_slots += slot != UINT32_MAX;
    return slot;
}
/* Control thread: gives such a counter back. */
static inline void world_give_object(struct world *w, uint32_t slot)
{
    slots_give(&w->slots, slot);
    w->n_object_slots--;
}
