/* See hmap.h. */
#include "base/hmap.h"

#include "base/check.h"

enum { FIRST_BUCKETS = 8 };

void hmap_init(struct hmap *map)
{
    map->buckets = must_calloc(FIRST_BUCKETS, sizeof *map->buckets);
    map->mask = FIRST_BUCKETS - 1;
    map->count = 0;
}

void hmap_destroy(struct hmap *map)
{
    free(map->buckets);
    map->buckets = NULL;
}

static void hmap_double(struct hmap *map)
{
    struct hmap old = *map;
    map->mask = old.mask * 2 + 1;
    map->buckets = must_calloc(map->mask + 1, sizeof *map->buckets);
    for (size_t i = 0; i <= old.mask; i++)
        for (struct hmap_node *node = old.buckets[i], *next; node; node = next) {
            next = node->next;
            node->next = map->buckets[node->hash & map->mask];
            map->buckets[node->hash & map->mask] = node;
        }
    free(old.buckets);
}

void hmap_insert(struct hmap *map, struct hmap_node *node, uint64_t hash)
{
    if (map->count > map->mask)
        hmap_double(map);
    node->hash = hash;
    node->next = map->buckets[hash & map->mask];
    map->buckets[hash & map->mask] = node;
    map->count++;
}

void hmap_remove(struct hmap *map, struct hmap_node *node)
{
    struct hmap_node **at = &map->buckets[node->hash & map->mask];
    while (*at != node) {
        MUST(*at);
        at = &(*at)->next;
    }
    *at = node->next;
    map->count--;
}
