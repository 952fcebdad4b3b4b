/* The exact-flow cache of one poll thread: a key that was seen before has its answer ready.
 *
 * Theory of operation.  The key of an entry holds only bits that some rule or action of
 * the bridge looks at (struct key_shape, the union over all rules), so packets that no
 * rule can tell apart share an entry.  A rule that looks at a new bit makes a new shape:
 * entries of an older shape no longer match and are overwritten in time.  Every entry
 * carries the version of the rule set it was composed under; the caller composes a stale
 * one anew (it stays in place).  So an answer from the cache is the answer that the tables
 * would give, always.
 *
 * Buckets of 8 (tag, entry number) pairs fill one cache line; entries come from an array
 * that is mapped whole and touched as flows appear, so the cost follows the traffic.  A full
 * bucket replaces a pseudo-randomly chosen entry.  One thread; nothing is allocated after
 * cache_new.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "flow/key.h"

/* Which bits count in keys of a bridge. Replaced as a whole (epochs) when a rule needs more. */
struct key_shape {
    uint64_t id;  /* unique over all bridges and time */
    uint32_t map; /* words with bits */
    uint32_t n;   /* how many */
    struct key mask;
};
/* A shape of these bits; 'id' is no other's. */
void key_shape_make(struct key_shape *, uint64_t id, const struct key *mask);

struct packed_key {
    uint64_t hash, stage;
    uint64_t words[KEY_WORDS];
};
/* Keeps the words that count, and their hash under 'seed'. */
/* 'stage': what else the answer depends on, 0 = nothing (compose/stage.h). */
static inline void key_pack(struct packed_key *, const struct key *, const struct key_shape *, uint64_t stage,
                            uint64_t seed);

struct cache_entry {
    uint64_t hash, shape, stage, version;
    uint64_t words[KEY_WORDS];
    _Alignas(8) uint8_t payload[];
};

struct cache;
/* 'entries': a power of two, 'payload' bytes each.  NULL: no memory. */
struct cache *cache_new(unsigned entries, size_t payload);
/* NULL is fine. */
void cache_free(struct cache *);
/* Begins to fetch the bucket of this hash, for cache_find some hundred cycles later. */
void cache_prefetch(const struct cache *, uint64_t hash);
/* The entry of this key, current or stale, or NULL. */
struct cache_entry *cache_find(const struct cache *, const struct packed_key *, const struct key_shape *);
/* An entry for this key that is not there yet: its payload is the caller's to fill, its version to set. */
struct cache_entry *cache_insert(struct cache *, const struct packed_key *, const struct key_shape *);
uint64_t cache_evictions(const struct cache *); /* any thread */

#include "base/hash.h"

static inline void key_pack(struct packed_key *packed, const struct key *key, const struct key_shape *shape,
                            uint64_t stage, uint64_t seed)
{
    uint64_t hash = hash_mix(seed ^ shape->id, stage);
    unsigned n = 0;
    for (uint32_t map = shape->map; map; map &= map - 1) {
        unsigned i = (unsigned)__builtin_ctz(map);
        uint64_t word = key->words[i] & shape->mask.words[i];
        packed->words[n++] = word;
        hash = hash_mix(hash, word);
    }
    packed->stage = stage;
    packed->hash = hash_end(hash);
}
