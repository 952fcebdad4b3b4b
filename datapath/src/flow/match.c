/* See match.h. */
#include "flow/match.h"

#include <string.h>

#include "base/hash.h"

unsigned match_count(const struct key *mask)
{
    unsigned n = 0;
    for (unsigned i = 0; i < KEY_WORDS; i++)
        n += mask->words[i] != 0;
    return n;
}

void match_set(struct match *m, const struct key *value, const struct key *mask)
{
    m->map = m->n = 0;
    for (unsigned i = 0; i < KEY_WORDS; i++)
        if (mask->words[i]) {
            m->map |= 1u << i;
            m->words[m->n++] = (struct match_word){mask->words[i], value->words[i] & mask->words[i]};
        }
}

void match_get(const struct match *m, struct key *value, struct key *mask)
{
    memset(value, 0, sizeof *value);
    memset(mask, 0, sizeof *mask);
    const struct match_word *w = m->words;
    for (uint32_t map = m->map; map; map &= map - 1, w++) {
        value->words[__builtin_ctz(map)] = w->value;
        mask->words[__builtin_ctz(map)] = w->mask;
    }
}

uint64_t match_hash(const struct match *m, uint64_t seed)
{
    return hash_bytes(m->words, m->n * sizeof m->words[0], seed ^ m->map);
}

/* Word 'i' of the key as 'm' looks at it; a mask of 0 if it doesn't. */
static const struct match_word *word_of(const struct match *m, unsigned i)
{
    static const struct match_word none;
    return m->map >> i & 1 ? &m->words[__builtin_popcount(m->map & ((1u << i) - 1))] : &none;
}

bool match_covers(const struct match *wide, const struct match *narrow)
{
    const struct match_word *w = wide->words;
    for (uint32_t map = wide->map; map; map &= map - 1, w++) {
        const struct match_word *n = word_of(narrow, (unsigned)__builtin_ctz(map));
        if ((w->mask & ~n->mask) || (n->value & w->mask) != w->value)
            return false;
    }
    return true;
}

bool match_overlaps(const struct match *a, const struct match *b)
{
    const struct match_word *w = a->words;
    for (uint32_t map = a->map; map; map &= map - 1, w++) {
        const struct match_word *other = word_of(b, (unsigned)__builtin_ctz(map));
        if ((w->value ^ other->value) & w->mask & other->mask)
            return false;
    }
    return true;
}
