/* See choose.h.
 *
 * Selection is weighted rendezvous hashing: every bucket draws a number in (0, 1) from the
 * packet's flow and its own identity, and the one with the least -ln(number) / weight
 * takes the flow.  Shares follow the weights, a flow stays where it is while its bucket lives,
 * and a bucket that dies gives only its own flows away.
 */
#include "compose/choose.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "bridge/port_list.h"

/* ---- what a select group hashes ---- */

/* A datagram's later fragments have no ports: the first one's must not count.  Keyed, so that nobody can send flows
 * that all go to one bucket (HARDENING S13). */
static uint64_t flow_hash(const struct key *key, uint64_t seed)
{
    struct key mask = {0};
    uint64_t hash = seed;
    group_flow_looks(&mask);
    if (key->has & HAS_FRAGMENT)
        mask.tp_src = mask.tp_dst = 0;
    mask.has = 0;
    for (unsigned i = 0; i < KEY_WORDS; i++)
        hash = hash_mix(hash, key->words[i] & mask.words[i]);
    return hash;
}

/* ---- liveness (OpenFlow 1.3.5, 5.6.1 and 6.7): what watches nothing lives ---- */

static bool group_lives(const struct bridge *, uint32_t id, unsigned depth, unsigned *tries);

static bool watched_port_lives(const struct bridge *b, uint32_t number)
{
    const struct port *p = bridge_port(b, number);
    return p && port_lives(p);
}

static bool bucket_lives(const struct bridge *b, const struct bucket *bucket, unsigned depth, unsigned *tries)
{
    if (!*tries)
        return false;
    --*tries;
    bool watches_port = bucket->watch_port != OFPP_ANY, watches_group = bucket->watch_group != OFPG_ANY;
    if (!watches_port && !watches_group)
        return true;
    return (watches_port && watched_port_lives(b, bucket->watch_port)) ||
           (watches_group && group_lives(b, bucket->watch_group, depth, tries));
}

static bool group_lives(const struct bridge *b, uint32_t id, unsigned depth, unsigned *tries)
{
    const struct group *g = bridge_group(b, id);
    if (!g || depth == GROUP_DEPTH)
        return false;
    for (uint32_t i = 0; i < g->n_buckets; i++)
        if (bucket_lives(b, &g->buckets[i], depth + 1, tries))
            return true;
    return false;
}

/* ---- choosing ---- */

static const struct bucket *first_living(const struct bridge *b, const struct group *g, const struct key *key,
                                         unsigned *tries)
{
    (void)key;
    for (uint32_t i = 0; i < g->n_buckets; i++)
        if (bucket_lives(b, &g->buckets[i], 0, tries))
            return &g->buckets[i];
    return NULL;
}

static double draw(uint64_t hash, const struct bucket *bucket)
{
    uint64_t number = hash_end(hash_mix(hash, bucket->identity)) >> 11;
    return ((double)number + 0.5) / (double)(UINT64_C(1) << 53);
}

static const struct bucket *selected(const struct bridge *b, const struct group *g, const struct key *key,
                                     unsigned *tries)
{
    const struct bucket *best = NULL;
    double least = INFINITY;
    uint64_t hash = hash_mix(flow_hash(key, b->world->select_seed), g->id); /* chained groups must not draw alike */
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        const struct bucket *bucket = &g->buckets[i];
        double weight = g->total_weight ? bucket->weight : 1;
        if (weight == 0 || !bucket_lives(b, bucket, 0, tries))
            continue;
        double length = -log(draw(hash, bucket)) / weight;
        if (length < least) {
            least = length;
            best = bucket;
        }
    }
    return best;
}

static const struct bucket *only(const struct bridge *b, const struct group *g, const struct key *key, unsigned *tries)
{
    (void)b;
    (void)key;
    (void)tries;
    return g->n_buckets ? &g->buckets[0] : NULL;
}

const struct bucket *choose_bucket(const struct bridge *b, const struct group *g, const struct key *key,
                                   unsigned *tries)
{
    static const struct bucket *(*const choosers[OFPGT_LIMIT])(const struct bridge *, const struct group *,
                                                               const struct key *, unsigned *) = {
        [OFPGT_SELECT] = selected,
        [OFPGT_INDIRECT] = only,
        [OFPGT_FF] = first_living,
    };
    return choosers[g->type] ? choosers[g->type](b, g, key, tries) : NULL; /* of an ALL group all are taken */
}
