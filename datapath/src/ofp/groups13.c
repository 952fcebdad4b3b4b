/* Group-mods (OpenFlow 1.3.5, 7.3.4.3).  See decode13.h. */
#include <string.h>

#include "act/action_set.h"
#include "base/check.h"
#include "base/hash.h"
#include "ofp/decode13.h"
#include "ofp/wire13.h"

/* ---- buckets ---- */

/* A description or statistics reply has to take the group whole. */
enum { LONGEST_GROUP = 65000 };

/* How many buckets there are, and how many bytes of actions; each step advances by at least a bucket's fixed part. */
static enum of_error measure(const uint8_t *at, size_t size, uint32_t *n_buckets)
{
    for (*n_buckets = 0; size; ++*n_buckets) {
        size_t length = size < BUCKET_SIZE ? 0 : get16(at);
        if (length < BUCKET_SIZE || length % 8 || length > size)
            return OF_GROUP_BAD_BUCKET;
        at += length;
        size -= length;
    }
    return *n_buckets <= GROUP_BUCKETS ? OF_FINE : OF_GROUP_BUCKETS;
}

static uint64_t deed_of(const struct bucket *b) { return b->identity >> 16; }

static int by_deed(const void *a, const void *b)
{
    const struct bucket *x = *(struct bucket *const *)a, *y = *(struct bucket *const *)b;
    if (deed_of(x) != deed_of(y))
        return deed_of(x) < deed_of(y) ? -1 : 1;
    return (x > y) - (x < y);
}

/* What a bucket does tells it from its neighbours; of several that do the same, how many came before. */
static void tell_apart(struct group *g)
{
    struct bucket **sorted = must_calloc(g->n_buckets + 1u, sizeof *sorted);
    uint64_t same = 0;
    for (uint32_t i = 0; i < g->n_buckets; i++)
        sorted[i] = &g->buckets[i];
    qsort(sorted, g->n_buckets, sizeof *sorted, by_deed);
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        same = i && deed_of(sorted[i - 1]) == deed_of(sorted[i]) ? same + 1 : 0;
        sorted[i]->identity = deed_of(sorted[i]) << 16 | same;
    }
    free(sorted);
}

/* One bucket whose length fits; its actions go to 'out' as a set in order. */
static enum of_error read_bucket(const uint8_t *at, struct group *g, uint32_t number, struct action *out)
{
    struct action_set set = {0};
    struct bucket *b = &g->buckets[number];
    size_t size = (size_t)get16(at) - BUCKET_SIZE;
    unsigned n;
    struct action *list = must_calloc(size / 8 + 1, sizeof *list);
    enum of_error error = read13_actions(at + BUCKET_SIZE, size, IN_BUCKET, list, &n);
    if (error == OF_FINE)
        set_write(&set, list, n);
    free(list);
    *b = (struct bucket){.weight = get16(at + 2),
                         .watch_port = get32(at + 4),
                         .watch_group = get32(at + 8),
                         .slot = UINT32_MAX,
                         .actions = out,
                         .n_actions = error == OF_FINE ? (uint16_t)set_flatten(&set, out) : 0,
                         .identity = hash_bytes(at + BUCKET_SIZE, size, 0)};
    g->total_weight += b->weight;
    if (error == OF_FINE && b->weight && g->type != OFPGT_SELECT)
        error = OF_GROUP_INVALID; /* section 6.5: includes what is undefined for its type */
    return error;
}

static bool watches_well(const struct bucket *b)
{
    bool port =
        b->watch_port == OFPP_ANY || b->watch_port == OFPP_LOCAL || (b->watch_port >= 1 && b->watch_port < OFPP_MAX);
    return port && (b->watch_group == OFPG_ANY || b->watch_group <= OFPG_MAX);
}

static enum of_error read_buckets(const uint8_t *at, size_t size, struct group *g)
{
    struct action *out = g->actions;
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        size_t length = get16(at);
        enum of_error error = read_bucket(at, g, i, out);
        if (error == OF_FINE && !watches_well(&g->buckets[i]))
            error = OF_GROUP_BAD_WATCH;
        if (error != OF_FINE)
            return error;
        out += (length - BUCKET_SIZE) / 8;
        at += length;
        size -= length;
    }
    MUST(size == 0); /* measure() took the same steps */
    tell_apart(g);
    return OF_FINE;
}

static struct group *group_of(const struct group_mod *m, uint8_t type, const uint8_t *wire, size_t size,
                              uint32_t n_buckets)
{
    struct group *g = must_calloc(1, sizeof *g + n_buckets * sizeof(struct bucket));
    g->id = m->id;
    g->type = type;
    g->slot = UINT32_MAX;
    g->n_buckets = n_buckets;
    for (uint32_t i = 0; i < n_buckets; i++)
        g->buckets[i].slot = UINT32_MAX; /* also of those that are never read */
    g->actions = must_calloc(size / 8 + 1, sizeof(struct action));
    g->wire = must_calloc(1, size + 1);
    g->wire_size = (uint32_t)size;
    g->wire_version = OFP13_VERSION;
    if (size)
        memcpy(g->wire, wire, size);
    return g;
}

/* ---- group-mod ---- */

static enum of_error check_group_mod(const struct group_mod *m, uint8_t type)
{
    if (m->command > OFPGC_DELETE)
        return OF_GROUP_COMMAND;
    if (m->id > OFPG_MAX && !(m->command == OFPGC_DELETE && m->id == OFPG_ALL))
        return OF_GROUP_INVALID;
    return m->command != OFPGC_DELETE && type >= OFPGT_LIMIT ? OF_GROUP_TYPE : OF_FINE;
}

enum of_error read13_group_mod(const uint8_t *message, size_t size, struct group_mod *m)
{
    m->group = NULL;
    if (size < GROUP_MOD_SIZE)
        return OF_BAD_LENGTH;
    uint8_t type = message[10];
    uint32_t n_buckets;
    m->command = get16(message + 8);
    m->id = get32(message + 12);
    enum of_error error = check_group_mod(m, type);
    if (error != OF_FINE || m->command == OFPGC_DELETE)
        return error;
    error = measure(message + GROUP_MOD_SIZE, size - GROUP_MOD_SIZE, &n_buckets);
    if (error != OF_FINE)
        return error;
    if (size > LONGEST_GROUP)
        return OF_GROUP_BUCKETS;
    if (type == OFPGT_INDIRECT && n_buckets != 1)
        return OF_GROUP_INVALID; /* section 5.6.1: it has exactly one */
    m->group = group_of(m, type, message + GROUP_MOD_SIZE, size - GROUP_MOD_SIZE, n_buckets);
    return read_buckets(message + GROUP_MOD_SIZE, size - GROUP_MOD_SIZE, m->group);
}
