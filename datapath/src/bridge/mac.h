/* The MAC table of a bridge: what OFPP_NORMAL knows about where stations are.
 *
 * Theory of operation.  Poll threads only read it, while composing; an address that they
 * find unknown or moved is told to the control thread, which learns it.  What has changed then raises the table's own
 * number, which goes into the stamps of its bridge's cached answers, so these are composed anew, and
 * no other bridge's: what anybody who sends packets can change must not cost others theirs.  An entry
 * holds a counter slot that all packets from its station raise: an entry whose counter
 * stands still grows old, without any time stamp in the poll loop.
 *
 * Addresses are learned per VLAN.  The table is bounded: when it is full, new stations are
 * flooded to until old ones have aged (HARDENING S14).  A smaller bound takes away nothing that is known.
 */
#pragma once
#include <stdbool.h>
#include "bridge/world.h"

enum { MAC_LIMIT = 8192, MAC_LIMIT_MOST = 65536, MAC_BUCKETS = 8192 }; /* MAC_LIMIT: if nothing else is said */

struct mac_entry { /* immutable but for the control thread's own part */
    _Atomic(struct mac_entry *) next;
    struct world *world;
    uint64_t station; /* mac_station() */
    uint32_t port, slot;
    uint64_t seen_packets, used_ns; /* control thread */
};

struct mac_table {
    struct world *world;
    uint32_t n, limit;        /* written by the control thread alone */
    uint32_t age_s;           /* control thread; 0: nothing ages */
    bool dirty;               /* control thread: changed since mac_publish */
    _Atomic uint64_t changes; /* published so far */
    _Atomic(struct mac_entry *) buckets[MAC_BUCKETS];
};

/* An address in a VLAN (0: untagged) as one word. */
static inline uint64_t mac_station(const uint8_t *mac, uint16_t vlan)
{
    uint64_t word = vlan;
    for (unsigned i = 0; i < 6; i++)
        word = word << 8 | mac[i];
    return word;
}

/* The VLAN of a station. */
static inline uint16_t mac_vlan(uint64_t station) { return (uint16_t)(station >> 48); }

/* A poll thread, before it looks into the table: an answer is right as long as this stands. */
static inline uint64_t mac_changes(const struct mac_table *t)
{
    return atomic_load_explicit(&t->changes, memory_order_acquire);
}

/* Any thread inside an epoch. */
const struct mac_entry *mac_find(const struct mac_table *, uint64_t station);
/* Is there room for a new one? */
static inline bool mac_full(const struct mac_table *t)
{
    return __atomic_load_n(&t->n, __ATOMIC_RELAXED) >= __atomic_load_n(&t->limit, __ATOMIC_RELAXED);
}

/* Control thread: how many stations are learned (0: MAC_LIMIT), and for how long a silent one is kept (0: for ever). */
void mac_set(struct mac_table *, uint32_t limit, uint32_t age_s);
/* Control thread: every station, in no order. */
void mac_visit(struct mac_table *, void (*see)(void *arg, const struct mac_entry *, uint64_t age_ns), void *arg,
               uint64_t now_ns);
/* Control thread: makes stale what is cached of the bridge, if the table has changed since; a version of the world, if
 * one is published anyway, does too. */
void mac_publish(struct mac_table *);
/* Control thread.  True: the table changed; the caller publishes it. */
bool mac_learn(struct mac_table *, uint64_t station, uint32_t port, uint64_t now_ns);
/* Control thread: forgets who has been silent for too long.  True: the table changed; the caller publishes it. */
bool mac_age(struct mac_table *, uint64_t now_ns);
/* The same with all stations at a port. */
bool mac_forget_port(struct mac_table *, uint32_t port);
/* The same with all of them. */
bool mac_flush(struct mac_table *);
void mac_destroy(struct mac_table *); /* no reader may see it */
