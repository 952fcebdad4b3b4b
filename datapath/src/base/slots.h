/* Counters by slot: exact, without locks, without sharing.
 *
 * Rules and tables take slots.  Every poll thread has its own array and is its only
 * writer; the control thread adds the arrays up.  A slot is given back only after a
 * grace period, so nobody writes it any more.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>
#include "base/epoch.h"

struct slot_count { _Atomic uint64_t packets, bytes; };

struct slots {
    uint32_t max, next, n_free;
    uint32_t *free;
    unsigned threads;
    struct slot_count *counts[EPOCH_MAX_READERS];
};

/* Room for 'max' counters, mapped whole, touched as they are used. */
void slots_init(struct slots *, uint32_t max);
/* No thread counts any more. */
void slots_destroy(struct slots *);
/* One more poll thread's array. */
struct slot_count *slots_thread(struct slots *);
/* A zeroed slot, or UINT32_MAX when all are taken. */
uint32_t slots_take(struct slots *);
/* Its next owner begins at 0.  Nobody counts there any more. */
void slots_give(struct slots *, uint32_t slot);
/* Sums over all threads: exact for packets before the last grace period. */
void slots_read(const struct slots *, uint32_t slot, uint64_t *packets, uint64_t *bytes);

/* The owner thread. */
static inline void slot_add(struct slot_count *c, uint64_t packets, uint64_t bytes)
{
    atomic_store_explicit(&c->packets, atomic_load_explicit(&c->packets, memory_order_relaxed) + packets,
                          memory_order_relaxed);
    atomic_store_explicit(&c->bytes, atomic_load_explicit(&c->bytes, memory_order_relaxed) + bytes,
                          memory_order_relaxed);
}
