/* A match: which bits of a key have to have which values.
 *
 * Only words with mask bits are kept, as (mask, value) pairs behind a bit map of
 * word numbers: a match on one address costs 16 bytes and one comparison.  Two
 * matches are the same match exactly when their bytes are equal.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "flow/key.h"

struct match {
    uint32_t map; /* bit i: word i of the key is looked at */
    uint32_t n;   /* words in the map */
    struct match_word { uint64_t mask, value; } words[];
};

/* Bytes of a match of 'n' words. */
static inline size_t match_bytes(unsigned n) { return sizeof(struct match) + n * sizeof(struct match_word); }
/* How many words a mask touches. */
unsigned match_count(const struct key *mask);
/* Writes value & mask to 'm', which has room for match_count(mask) words. */
void match_set(struct match *m, const struct key *value, const struct key *mask);
/* The value and mask that match_set was given, as far as the mask goes. */
void match_get(const struct match *m, struct key *value, struct key *mask);
/* Of all that match_same compares. */
uint64_t match_hash(const struct match *m, uint64_t seed);

/* Do they ask for the same of the same bits? */
static inline bool match_same(const struct match *a, const struct match *b)
{
    return a->map == b->map && !__builtin_memcmp(a->words, b->words, a->n * sizeof a->words[0]);
}

/* Is the key what the match asks for? */
static inline bool match_hits(const struct match *m, const struct key *key)
{
    const struct match_word *w = m->words;
    for (uint32_t map = m->map; map; map &= map - 1, w++)
        if ((key->words[__builtin_ctz(map)] & w->mask) != w->value)
            return false;
    return true;
}

/* Does every packet that 'narrow' matches match 'wide' too?  (Non-strict flow-mods, OpenFlow 1.3.5 section 6.4.) */
bool match_covers(const struct match *wide, const struct match *narrow);
/* Is there a packet that both match?  (OFPFF_CHECK_OVERLAP) */
bool match_overlaps(const struct match *a, const struct match *b);
