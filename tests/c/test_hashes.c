/* Keys that collide under a seed that somebody guessed, under one that nobody did: no long chains (HARDENING S13).
 *
 * An attacker makes keys offline that all fall into few buckets under the seed he knows.  For the hash of each
 * structure (flow cache, strict index, stations, numbers of groups and meters) as many such keys as make a load of
 * 0.8 are put into buckets by the hash under other seeds: the longest chain is what chance allows.
 */
#include "base/hash.h"
#include "base/idmap.h"
#include "cache/cache.h"
#include "check.h"
#include "flow/match.h"

enum { BUCKETS = 4096, KEYS = BUCKETS * 8 / 10, GUESSED = 1, SEEDS = 20, LONGEST = 8, CROWDED = 16 };

static uint64_t of_flow(uint64_t i, uint64_t seed)
{
    struct key_shape shape;
    struct packed_key packed;
    struct key key = {0}, mask = {.in_port = UINT32_MAX, .ipv4_src = UINT32_MAX, .tp_src = UINT16_MAX};
    key.ipv4_src = (uint32_t)i;
    key.tp_src = (uint16_t)(i >> 32);
    key_shape_make(&shape, 1, &mask);
    key_pack(&packed, &key, &shape, 0, seed);
    return packed.hash;
}

static uint64_t of_rule(uint64_t i, uint64_t seed)
{
    union {
        struct match m;
        uint8_t room[sizeof(struct match) + KEY_WORDS * sizeof(struct match_word)];
    } match;
    struct key key = {0}, mask = {.ipv4_src = UINT32_MAX, .tp_src = UINT16_MAX};
    key.ipv4_src = (uint32_t)i;
    key.tp_src = (uint16_t)(i >> 32);
    match_set(&match.m, &key, &mask);
    return match_hash(&match.m, seed ^ 100);
}

/* As bridge/mac.c and base/idmap.c do. */
static uint64_t of_number(uint64_t i, uint64_t seed) { return hash_end(hash_mix(seed, i)); }

static unsigned longest_chain(uint64_t (*hash)(uint64_t, uint64_t), const uint64_t *keys, uint64_t seed)
{
    static unsigned chains[BUCKETS];
    unsigned longest = 0;
    memset(chains, 0, sizeof chains);
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned n = ++chains[hash(keys[i], seed) % BUCKETS];
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* Keys of the first 16 buckets under the guessed seed. */
static void choose(uint64_t (*hash)(uint64_t, uint64_t), uint64_t *keys)
{
    unsigned n = 0;
    for (uint64_t i = 1; n < KEYS; i++)
        if (hash(i, GUESSED) % BUCKETS < CROWDED)
            keys[n++] = i;
}

static void s13_chosen_keys_do_not_collide(const char *name, uint64_t (*hash)(uint64_t, uint64_t))
{
    static uint64_t keys[KEYS];
    choose(hash, keys);
    CHECK(longest_chain(hash, keys, GUESSED) >= KEYS / CROWDED);
    for (uint64_t k = 1; k <= SEEDS; k++) {
        unsigned longest = longest_chain(hash, keys, k * 0x9e3779b97f4a7c15u);
        CHECK(longest <= LONGEST);
        if (longest > LONGEST)
            printf("%s: a chain of %u\n", name, longest);
    }
}

/* The real map: numbers chosen under one seed, found under another in few steps.  Counted in time, generously. */
static void s13_a_map_of_numbers_has_its_seed(void)
{
    static struct object { uint32_t id; } objects[KEYS];
    static uint64_t keys[KEYS];
    struct epoch epoch;
    struct idmap map;
    choose(of_number, keys);
    epoch_init(&epoch);
    idmap_init(&map, &epoch, 0x5eed);
    for (unsigned i = 0; i < KEYS; i++) {
        objects[i].id = (uint32_t)keys[i];
        idmap_put(&map, &objects[i], NULL);
    }
    for (unsigned i = 0; i < KEYS; i++)
        CHECK(idmap_find(&map, objects[i].id) == &objects[i]);
    idmap_destroy(&map);
    epoch_destroy(&epoch);
}

int main(void)
{
    s13_chosen_keys_do_not_collide("flow cache", of_flow);
    s13_chosen_keys_do_not_collide("strict index", of_rule);
    s13_chosen_keys_do_not_collide("stations and numbers", of_number);
    s13_a_map_of_numbers_has_its_seed();
    return checks_end();
}
