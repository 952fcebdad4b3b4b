/* The flow cache: finds what was put in under the same shape, forgets when full, never confuses keys. */
#include "cache/cache.h"
#include "check.h"

static struct key_shape shape_of(uint64_t id)
{
    struct key mask = {.in_port = UINT32_MAX, .ipv4_src = UINT32_MAX, .tp_dst = 0xff00};
    struct key_shape shape;
    key_shape_make(&shape, id, &mask);
    return shape;
}

static struct key key_of(uint32_t port, uint32_t address) { return (struct key){.in_port = port, .ipv4_src = address}; }

static struct packed_key pack(const struct key *key, const struct key_shape *shape)
{
    struct packed_key packed;
    key_pack(&packed, key, shape, 0, 99);
    return packed;
}

static void a_shape_counts_its_words(void)
{
    struct key_shape shape = shape_of(1);
    CHECK_EQ(shape.n, 3);
    CHECK_EQ(shape.map, 1 << 0 | 1 << 5 | 1 << 6);
}

static void only_bits_of_the_shape_tell_keys_apart(void)
{
    struct cache *cache = cache_new(64, 8);
    struct key_shape shape = shape_of(1);
    struct key key = key_of(1, 10), other = key;
    struct packed_key packed = pack(&key, &shape);
    CHECK(cache_find(cache, &packed, &shape) == NULL);
    struct cache_entry *e = cache_insert(cache, &packed, &shape);
    CHECK(cache_find(cache, &packed, &shape) == e);
    other.tp_src = 7;
    other.tp_dst = 0x0001; /* outside 0xff00, as it lies in memory */
    other.eth_src[0] = 3;
    packed = pack(&other, &shape);
    CHECK((cache_find(cache, &packed, &shape) == e) == ((other.tp_dst & 0xff00) == 0));
    other.ipv4_src++;
    packed = pack(&other, &shape);
    CHECK(cache_find(cache, &packed, &shape) == NULL);
    cache_free(cache);
}

static void another_shape_finds_nothing(void)
{
    struct cache *cache = cache_new(64, 8);
    struct key_shape old = shape_of(1), new = shape_of(2);
    struct key key = key_of(1, 10);
    struct packed_key packed = pack(&key, &old);
    cache_insert(cache, &packed, &old);
    packed = pack(&key, &new);
    CHECK(cache_find(cache, &packed, &new) == NULL);
    cache_free(cache);
}

/* Every find must give the payload of its own key, however often entries were replaced. */
static void a_full_cache_forgets_and_never_confuses(unsigned entries)
{
    struct cache *cache = cache_new(entries, sizeof(uint32_t));
    struct key_shape shape = shape_of(1);
    unsigned kept = 0;
    for (uint32_t i = 0; i < 20 * entries + 100; i++) {
        struct key key = key_of(i % 3, i);
        struct packed_key packed = pack(&key, &shape);
        CHECK(cache_find(cache, &packed, &shape) == NULL);
        struct cache_entry *e = cache_insert(cache, &packed, &shape);
        memcpy(e->payload, &i, sizeof i);
        CHECK(cache_find(cache, &packed, &shape) == e);
    }
    for (uint32_t i = 0; i < 20 * entries + 100; i++) {
        struct key key = key_of(i % 3, i);
        struct packed_key packed = pack(&key, &shape);
        struct cache_entry *e = cache_find(cache, &packed, &shape);
        uint32_t payload = i;
        if (e)
            memcpy(&payload, e->payload, sizeof payload);
        CHECK_EQ(payload, i);
        kept += e != NULL;
    }
    CHECK(kept > 0 && kept <= entries);
    CHECK(cache_evictions(cache) >= 19 * entries);
    cache_free(cache);
}

int main(void)
{
    a_shape_counts_its_words();
    only_bits_of_the_shape_tell_keys_apart();
    another_shape_finds_nothing();
    for (unsigned entries = 2; entries <= 1024; entries *= 2)
        a_full_cache_forgets_and_never_confuses(entries);
    return checks_end();
}
