/* See mac.h. */
#include "bridge/mac.h"

#include "base/check.h"
#include "base/hash.h"

static unsigned bucket_of(const struct mac_table *t, uint64_t station)
{
    return (unsigned)(hash_end(hash_mix(t->world->seed, station)) % MAC_BUCKETS);
}

const struct mac_entry *mac_find(const struct mac_table *t, uint64_t station)
{
    const struct mac_entry *e = atomic_load_explicit(&t->buckets[bucket_of(t, station)], memory_order_acquire);
    while (e && e->station != station)
        e = atomic_load_explicit(&e->next, memory_order_acquire);
    return e;
}

static void release(void *arg)
{
    struct mac_entry *e = arg;
    slots_give(&e->world->slots, e->slot);
    free(e);
}

/* Behind what has changed, before the epoch from which on nobody sees what has left. */
void mac_publish(struct mac_table *t)
{
    if (!t->dirty)
        return;
    t->dirty = false;
    t->world->station_changes++;
    atomic_store_explicit(&t->changes, atomic_load_explicit(&t->changes, memory_order_relaxed) + 1,
                          memory_order_release);
    epoch_publish(&t->world->epoch);
}

/* Takes the entry at '*at' out of its chain; readers may still hold it for a grace period. */
static void unlink_at(struct mac_table *t, _Atomic(struct mac_entry *) *at)
{
    epoch_replace(&t->world->epoch, at, atomic_load(&atomic_load(at)->next), release);
    __atomic_store_n(&t->n, t->n - 1, __ATOMIC_RELAXED);
    t->dirty = true;
}

static bool forget(struct mac_table *t, uint64_t station)
{
    _Atomic(struct mac_entry *) *at = &t->buckets[bucket_of(t, station)];
    for (struct mac_entry *e; (e = atomic_load(at)); at = &e->next)
        if (e->station == station) {
            unlink_at(t, at);
            return true;
        }
    return false;
}

bool mac_learn(struct mac_table *t, uint64_t station, uint32_t port, uint64_t now_ns)
{
    const struct mac_entry *known = mac_find(t, station);
    if (known && known->port == port)
        return false; /* told twice before we came round to it */
    uint32_t slot = mac_full(t) && !known ? UINT32_MAX : slots_take(&t->world->slots);
    if (slot == UINT32_MAX)
        return false;
    forget(t, station);
    struct mac_entry *e = must_calloc(1, sizeof *e);
    *e = (struct mac_entry){.world = t->world, .station = station, .port = port, .slot = slot, .used_ns = now_ns};
    _Atomic(struct mac_entry *) *at = &t->buckets[bucket_of(t, station)];
    atomic_store(&e->next, atomic_load(at));
    atomic_store_explicit(at, e, memory_order_release);
    __atomic_store_n(&t->n, t->n + 1, __ATOMIC_RELAXED);
    t->dirty = true;
    return true;
}

void mac_set(struct mac_table *t, uint32_t limit, uint32_t age_s)
{
    __atomic_store_n(&t->limit, limit ? limit : MAC_LIMIT, __ATOMIC_RELAXED);
    t->age_s = age_s;
}

/* How long its counter has stood still, as far as was noticed. */
static uint64_t silence(const struct mac_table *t, struct mac_entry *e, uint64_t now_ns)
{
    uint64_t packets, bytes;
    slots_read(&t->world->slots, e->slot, &packets, &bytes);
    if (packets != e->seen_packets) {
        e->seen_packets = packets;
        e->used_ns = now_ns;
    }
    return now_ns - e->used_ns;
}

static bool is_old(const struct mac_table *t, struct mac_entry *e, uint64_t now_ns)
{
    return silence(t, e, now_ns) >= t->age_s * 1000000000ull && t->age_s;
}

void mac_visit(struct mac_table *t, void (*see)(void *arg, const struct mac_entry *, uint64_t age_ns), void *arg,
               uint64_t now_ns)
{
    for (unsigned i = 0; i < MAC_BUCKETS; i++)
        for (struct mac_entry *e = atomic_load(&t->buckets[i]); e; e = atomic_load(&e->next))
            see(arg, e, silence(t, e, now_ns));
}

static bool sweep(struct mac_table *t, bool (*leaves)(const struct mac_table *, struct mac_entry *, uint64_t),
                  uint64_t arg)
{
    bool any = false;
    for (unsigned i = 0; i < MAC_BUCKETS && t->n; i++)
        for (_Atomic(struct mac_entry *) *at = &t->buckets[i]; atomic_load(at);)
            if (leaves(t, atomic_load(at), arg)) {
                unlink_at(t, at);
                any = true;
            } else {
                at = &atomic_load(at)->next;
            }
    return any;
}

bool mac_age(struct mac_table *t, uint64_t now_ns) { return sweep(t, is_old, now_ns); }

static bool is_at(const struct mac_table *t, struct mac_entry *e, uint64_t port)
{
    (void)t;
    return e->port == port;
}

bool mac_forget_port(struct mac_table *t, uint32_t port) { return sweep(t, is_at, port); }

static bool is_any(const struct mac_table *t, struct mac_entry *e, uint64_t arg)
{
    (void)t;
    (void)e;
    (void)arg;
    return true;
}

bool mac_flush(struct mac_table *t) { return sweep(t, is_any, 0); }

void mac_destroy(struct mac_table *t) { mac_flush(t); }
