/* An intrusive hash map for the control side: the caller hashes and compares.
 *
 * Nodes live in the caller's structs; the map owns only its buckets and doubles
 * them at load 1.  One thread.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct hmap_node {
    struct hmap_node *next;
    uint64_t hash;
};

struct hmap {
    struct hmap_node **buckets;
    size_t mask; /* number of buckets - 1 */
    size_t count;
};

/* Empty; memory comes with the first node. */
void hmap_init(struct hmap *);
void hmap_destroy(struct hmap *); /* the nodes stay the caller's */
void hmap_insert(struct hmap *, struct hmap_node *, uint64_t hash);
void hmap_remove(struct hmap *, struct hmap_node *); /* must be in the map */

/* The first node with this hash, then the next with the same; NULL at the end. */
static inline struct hmap_node *hmap_first(const struct hmap *map, uint64_t hash)
{
    struct hmap_node *node = map->buckets[hash & map->mask];
    while (node && node->hash != hash)
        node = node->next;
    return node;
}
/* The next node of the same hash, or NULL. */
static inline struct hmap_node *hmap_next(struct hmap_node *node)
{
    uint64_t hash = node->hash;
    for (node = node->next; node && node->hash != hash; node = node->next) {}
    return node;
}
