/* See cache.h. */
#include "cache/cache.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

enum { WAYS = 8 };

struct cache_bucket {
    _Alignas(64) struct way { uint32_t tag, entry; } ways[WAYS]; /* entry 0: free, else its number + 1 */
};

struct cache {
    struct cache_bucket *buckets;
    uint8_t *entries;
    size_t mask;   /* buckets - 1 */
    size_t stride; /* bytes of an entry */
    uint32_t n_entries, used;
    _Atomic uint64_t evictions; /* the one word that another thread may read */
    uint32_t dice;
};

void key_shape_make(struct key_shape *shape, uint64_t id, const struct key *mask)
{
    *shape = (struct key_shape){.id = id, .mask = *mask};
    for (unsigned i = 0; i < KEY_WORDS; i++)
        if (mask->words[i]) {
            shape->map |= 1u << i;
            shape->n++;
        }
}

static void *map_zeroes(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

struct cache *cache_new(unsigned entries, size_t payload)
{
    MUST(entries && (entries & (entries - 1)) == 0);
    struct cache *c = must_calloc(1, sizeof *c);
    size_t buckets = entries < WAYS ? 1 : (size_t)entries / WAYS * 2; /* half full on average */
    c->mask = buckets - 1;
    c->stride = (sizeof(struct cache_entry) + payload + 63) & ~(size_t)63;
    c->n_entries = entries;
    c->dice = 1;
    c->buckets = map_zeroes(buckets * sizeof *c->buckets);
    c->entries = map_zeroes(entries * c->stride);
    if (!c->buckets || !c->entries) {
        cache_free(c);
        return NULL;
    }
    return c;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    if (c->buckets)
        munmap(c->buckets, (c->mask + 1) * sizeof *c->buckets);
    if (c->entries)
        munmap(c->entries, c->n_entries * c->stride);
    free(c);
}

uint64_t cache_evictions(const struct cache *c) { return atomic_load_explicit(&c->evictions, memory_order_relaxed); }

static void count_eviction(struct cache *c) /* single writer: no locked instruction needed */
{
    atomic_store_explicit(&c->evictions, cache_evictions(c) + 1, memory_order_relaxed);
}

static struct cache_bucket *bucket_of(const struct cache *c, uint64_t hash) { return &c->buckets[hash & c->mask]; }
static uint32_t tag_of(uint64_t hash) { return (uint32_t)(hash >> 32); }
static struct cache_entry *entry_of(const struct cache *c, uint32_t number)
{
    return (struct cache_entry *)(c->entries + (size_t)(number - 1) * c->stride);
}

void cache_prefetch(const struct cache *c, uint64_t hash) { __builtin_prefetch(bucket_of(c, hash)); }

static bool entry_is(const struct cache_entry *e, const struct packed_key *key, const struct key_shape *shape)
{
    return e->hash == key->hash && e->shape == shape->id && e->stage == key->stage &&
           !memcmp(e->words, key->words, shape->n * 8);
}

struct cache_entry *cache_find(const struct cache *c, const struct packed_key *key, const struct key_shape *shape)
{
    const struct cache_bucket *b = bucket_of(c, key->hash);
    uint32_t tag = tag_of(key->hash);
    for (unsigned i = 0; i < WAYS; i++)
        if (b->ways[i].tag == tag && b->ways[i].entry) {
            struct cache_entry *e = entry_of(c, b->ways[i].entry);
            if (entry_is(e, key, shape))
                return e;
        }
    return NULL;
}

static uint32_t roll(struct cache *c) /* xorshift: which way to replace, not a secret */
{
    c->dice ^= c->dice << 13;
    c->dice ^= c->dice >> 17;
    c->dice ^= c->dice << 5;
    return c->dice;
}

/* A way for a new entry: a free one while entries last, else one that is replaced. */
static struct way *way_for(struct cache *c, struct cache_bucket *b)
{
    if (c->used < c->n_entries)
        for (unsigned i = 0; i < WAYS; i++)
            if (!b->ways[i].entry) {
                b->ways[i].entry = ++c->used;
                return &b->ways[i];
            }
    for (unsigned i = roll(c) % WAYS, n = 0; n < WAYS; n++, i = (i + 1) % WAYS)
        if (b->ways[i].entry) {
            count_eviction(c);
            return &b->ways[i];
        }
    return NULL;
}

/* All entries are used and this bucket is empty: take one from the next bucket that has some. */
static struct way *way_stolen(struct cache *c, struct cache_bucket *home)
{
    for (size_t i = (size_t)(home - c->buckets), n = 0; n <= c->mask; n++, i = (i + 1) & c->mask) {
        struct cache_bucket *b = &c->buckets[i];
        for (unsigned w = 0; w < WAYS; w++)
            if (b->ways[w].entry) {
                home->ways[0].entry = b->ways[w].entry;
                b->ways[w].entry = 0;
                count_eviction(c);
                return &home->ways[0];
            }
    }
    MUST(0 && "a used entry is in some bucket");
    return NULL;
}

struct cache_entry *cache_insert(struct cache *c, const struct packed_key *key, const struct key_shape *shape)
{
    struct cache_bucket *b = bucket_of(c, key->hash);
    struct way *way = way_for(c, b);
    if (!way)
        way = way_stolen(c, b);
    way->tag = tag_of(key->hash);
    struct cache_entry *e = entry_of(c, way->entry);
    e->hash = key->hash;
    e->shape = shape->id;
    e->stage = key->stage;
    e->version = 0;
    memcpy(e->words, key->words, shape->n * 8);
    return e;
}
