/* The hash map against a plain array: insert, remove, look up, with hashes that collide on purpose. */
#include "base/hash.h"
#include "base/hmap.h"
#include "check.h"

enum { ITEMS = 500, STEPS = 20000 };

struct item {
    struct hmap_node node;
    uint64_t hash;
    bool in;
};

static struct item items[ITEMS];

static unsigned random_next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 11);
}

static unsigned found_times(const struct hmap *map, const struct item *wanted)
{
    unsigned times = 0;
    for (struct hmap_node *n = hmap_first(map, wanted->hash); n; n = hmap_next(n)) {
        CHECK_EQ(n->hash, wanted->hash);
        times += n == &wanted->node;
    }
    return times;
}

static void the_map_holds_what_was_put_in(uint64_t hashes)
{
    struct hmap map;
    size_t count = 0;
    hmap_init(&map);
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){.hash = hash_bytes(&i, sizeof i, 1) % hashes};
    for (int step = 0; step < STEPS; step++) {
        struct item *item = &items[random_next() % ITEMS];
        if (item->in)
            hmap_remove(&map, &item->node);
        else
            hmap_insert(&map, &item->node, item->hash);
        item->in = !item->in;
        count += item->in ? 1 : (size_t)-1;
        const struct item *other = &items[random_next() % ITEMS];
        CHECK_EQ(found_times(&map, other), other->in);
    }
    CHECK_EQ(map.count, count);
    for (int i = 0; i < ITEMS; i++)
        CHECK_EQ(found_times(&map, &items[i]), items[i].in);
    hmap_destroy(&map);
}

/* HARDENING S13: under a seed that nobody knows, keys made to collide do not. */
static void a_seed_changes_what_collides(void)
{
    unsigned same = 0, chosen = 0;
    for (uint32_t i = 0; i < 100000; i++)
        if ((hash_bytes(&i, sizeof i, 1) & 1023) == 7) {
            chosen++;
            same += (hash_bytes(&i, sizeof i, 2) & 1023) == 7;
        }
    CHECK(chosen > 50);
    CHECK(same < 8);
}

int main(void)
{
    the_map_holds_what_was_put_in(UINT64_MAX);
    the_map_holds_what_was_put_in(16);
    the_map_holds_what_was_put_in(1);
    a_seed_changes_what_collides();
    return checks_end();
}
