/* See stage.h.  A table of WAYS-way buckets by hash; a number is its place and how often places were filled. */
#include "compose/stage.h"

#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/hash.h"
#include "tables/group.h"

enum { BUCKETS = 1024, WAYS = 4, STAGES = BUCKETS * WAYS };

struct stages {
    uint64_t filled, packet;
    unsigned tries;   /* that are left to 'packet' */
    struct stage *at; /* mapped whole, touched as stages appear */
};

_Static_assert(sizeof(struct stage_state) == 3 * 8 + 5 * 8 + 2 * 4 + 4 + 4, "no padding: compared as bytes");

struct stages *stages_new(void)
{
    struct stages *s = must_calloc(1, sizeof *s);
    stages_next_packet(s, 1);
    s->at =
        mmap(NULL, STAGES * sizeof *s->at, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(s->at != MAP_FAILED);
    return s;
}

void stages_free(struct stages *s)
{
    if (!s)
        return;
    munmap(s->at, STAGES * sizeof *s->at);
    free(s);
}

void stages_next_packet(struct stages *s, uint64_t frames)
{
    enum { FRAMES = 64 };
    s->packet++;
    s->tries = GROUP_TRIES * (unsigned)(frames < FRAMES ? frames : FRAMES);
}

unsigned *stages_tries(struct stages *s) { return &s->tries; }

bool stages_spend(struct stages *s, unsigned tries)
{
    if (tries >= s->tries)
        return !tries;
    s->tries -= tries;
    return true;
}

static bool is_same(const struct stage *s, uint64_t hash, const struct stage_state *state, const struct action *actions,
                    unsigned n)
{
    return s->id && s->hash == hash && s->n == n && !memcmp(&s->state, state, sizeof *state) &&
           !memcmp(s->actions, actions, n * sizeof *actions);
}

/* The way to fill: a free one, else the one that waited longest; NULL: the packet at hand uses them all. */
static struct stage *way_for(const struct stages *s, struct stage *bucket)
{
    struct stage *best = NULL;
    for (unsigned i = 0; i < WAYS; i++)
        if (bucket[i].used < s->packet && (!best || bucket[i].used < best->used))
            best = &bucket[i];
    return best;
}

const struct stage *stages_intern(struct stages *s, const struct stage_state *state, const struct action *actions,
                                  unsigned n)
{
    uint64_t hash = hash_bytes(actions, n * sizeof *actions, hash_bytes(state, sizeof *state, 0));
    struct stage *bucket = &s->at[hash % BUCKETS * WAYS], *way;
    if (n > 2 * SET_LIMIT)
        return NULL;
    for (way = bucket; way < bucket + WAYS; way++)
        if (is_same(way, hash, state, actions, n)) {
            way->used = s->packet;
            return way;
        }
    way = way_for(s, bucket);
    if (!way)
        return NULL;
    way->id = ++s->filled * STAGES + (uint64_t)(way - s->at);
    way->hash = hash;
    way->used = s->packet;
    way->state = *state;
    way->n = n;
    memcpy(way->actions, actions, n * sizeof *actions);
    return way;
}

const struct stage *stages_find(struct stages *s, uint64_t id)
{
    struct stage *stage = &s->at[id % STAGES];
    if (stage->id != id)
        return NULL;
    stage->used = s->packet;
    return stage;
}

void stage_fill(const struct stage *stage, struct key *key)
{
    key->metadata = stage->state.metadata;
    key->tunnel_id = stage->state.tunnel_id;
}
