/* The classifier: priorities, versions, and the bits it says it looked at. */
#include "check.h"
#include "classify/classifier.h"

enum { ENTRIES = 60, LOOKUPS = 3000 };

static struct epoch epoch;

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* An entry that matches ipv4_src under a mask, and tp_dst if 'port' is not 0. */
static struct cls_entry *entry(uint16_t priority, uint32_t address, uint32_t mask, uint16_t port, uint64_t born)
{
    struct key value = {.ipv4_src = address, .tp_dst = port}, masks = {.ipv4_src = mask, .tp_dst = port ? 0xffff : 0};
    struct match *m = malloc(match_bytes(match_count(&masks)));
    struct cls_entry *e = calloc(1, sizeof *e);
    match_set(m, &value, &masks);
    *e = (struct cls_entry){.match = m, .born = born, .priority = priority};
    atomic_init(&e->died, CLS_NEVER);
    return e;
}

static void forget(struct cls_entry *e)
{
    free((void *)e->match);
    free(e);
}

static uint64_t steps;

static struct cls_entry *look(const struct classifier *c, uint32_t address, uint64_t version)
{
    struct key key = {.ipv4_src = address};
    return classifier_lookup(c, &key, version, NULL, &steps);
}

static void what_is_staged_is_not_seen(void)
{
    struct classifier *c = classifier_new(&epoch);
    struct cls_entry *e = entry(5, 10, UINT32_MAX, 0, 8);
    classifier_insert(c, e);
    CHECK(look(c, 10, 8) == NULL); /* not published: not reachable */
    classifier_publish(c);
    CHECK(look(c, 10, 7) == NULL); /* reachable, not born */
    CHECK(look(c, 10, 8) == e);
    atomic_store(&e->died, 11);
    CHECK(look(c, 10, 10) == e);
    CHECK(look(c, 10, 11) == NULL);
    classifier_remove(c, e);
    classifier_publish(c);
    CHECK(look(c, 10, 10) == NULL);
    epoch_publish(&epoch);
    epoch_collect(&epoch);
    classifier_free(c);
    forget(e);
}

static void what_was_taken_back_never_was(void)
{
    struct classifier *c = classifier_new(&epoch);
    struct cls_entry *kept = entry(5, 10, UINT32_MAX, 0, 1), *back = entry(9, 10, UINT32_MAX, 0, 1);
    classifier_insert(c, kept);
    classifier_insert(c, back);
    classifier_remove(c, back);
    forget(back);
    classifier_publish(c);
    CHECK(look(c, 10, 1) == kept);
    epoch_publish(&epoch);
    epoch_collect(&epoch);
    classifier_free(c);
    forget(kept);
}

/* ---- against an array, random ---- */

static struct cls_entry *entries[ENTRIES];

static struct cls_entry *slow_lookup(const struct key *key, uint64_t version)
{
    struct cls_entry *best = NULL;
    for (int i = 0; i < ENTRIES; i++) {
        struct cls_entry *e = entries[i];
        bool there = e->born <= version && version < atomic_load(&e->died);
        if (there && match_hits(e->match, key) && (!best || e->priority > best->priority))
            best = e;
    }
    return best;
}

static struct key random_key(void)
{
    return (struct key){.ipv4_src = (uint32_t)random_next() & 0xff, .tp_dst = (uint16_t)(random_next() & 3)};
}

/* Any bit that is not in 'looked' may change and the answer stays. */
static void check_looked(const struct classifier *c, const struct key *key, uint64_t version)
{
    struct key looked = {0};
    struct cls_entry *answer = classifier_lookup(c, key, version, &looked, &steps);
    for (unsigned word = 0; word < KEY_WORDS; word++)
        for (unsigned bit = 0; bit < 64; bit++) {
            struct key flipped = *key;
            if (looked.words[word] >> bit & 1)
                continue;
            flipped.words[word] ^= 1ull << bit;
            CHECK(classifier_lookup(c, &flipped, version, NULL, &steps) == answer);
        }
}

static void it_finds_what_a_search_through_all_finds(void)
{
    struct classifier *c = classifier_new(&epoch);
    for (uint16_t i = 0; i < ENTRIES; i++) {
        uint32_t mask = (uint32_t)random_next() & 0xff;
        entries[i] = entry((uint16_t)(i * 7919), (uint32_t)random_next() & mask, mask, (uint16_t)(random_next() & 1),
                           random_next() % 10);
        if (random_next() & 1)
            atomic_store(&entries[i]->died, entries[i]->born + 1 + random_next() % 5);
        classifier_insert(c, entries[i]);
        if (i % 7 == 0)
            classifier_publish(c);
    }
    classifier_publish(c);
    for (int i = 0; i < LOOKUPS; i++) {
        struct key key = random_key();
        uint64_t version = random_next() % 12;
        CHECK(classifier_lookup(c, &key, version, NULL, &steps) == slow_lookup(&key, version));
        if (i % 50 == 0)
            check_looked(c, &key, version);
    }
    classifier_free(c);
    for (int i = 0; i < ENTRIES; i++)
        forget(entries[i]);
}

/* ---- entries come and go for long ---- */

enum { PLACES = 400, CHANGES = 20000, LAST_VERSION = 9 };

static struct cls_entry *living[PLACES];

/* The one that a reader has to get: of those with the highest priority the one inserted first. */
static struct cls_entry *oldest_best(const struct key *key, const uint32_t *ages)
{
    struct cls_entry *best = NULL;
    uint32_t age = 0;
    for (int i = 0; i < PLACES; i++) {
        struct cls_entry *e = living[i];
        if (!e || atomic_load(&e->died) != CLS_NEVER || !match_hits(e->match, key))
            continue;
        if (!best || e->priority > best->priority || (e->priority == best->priority && ages[i] < age)) {
            best = e;
            age = ages[i];
        }
    }
    return best;
}

static struct cls_entry *random_entry(void)
{
    uint32_t mask = (uint32_t)random_next() & 0x0f;
    return entry((uint16_t)(random_next() % 20), (uint32_t)random_next() & mask, mask, 0, 1);
}

static void settle(struct classifier *c, struct cls_entry **gone, int *n_gone)
{
    classifier_publish(c);
    epoch_publish(&epoch);
    epoch_collect(&epoch);
    while (*n_gone)
        forget(gone[--*n_gone]);
}

static void entries_come_and_go(void)
{
    struct classifier *c = classifier_new(&epoch);
    static struct cls_entry *gone[CHANGES];
    uint32_t ages[PLACES] = {0};
    int n_gone = 0;
    for (uint32_t change = 0; change < CHANGES; change++) {
        uint64_t place = random_next() % PLACES,
                 filling = change / 4000 % 2 ? 1 : 7; /* in tides: all but empty, all but full */
        if (living[place] && random_next() % 8 >= filling) {
            atomic_store(&living[place]->died, LAST_VERSION);
            classifier_remove(c, living[place]);
            gone[n_gone++] = living[place];
            living[place] = NULL;
        } else if (!living[place] && random_next() % 8 < filling) {
            living[place] = random_entry();
            ages[place] = change;
            classifier_insert(c, living[place]);
        }
        if (random_next() % 3)
            continue;
        settle(c, gone, &n_gone);
        struct key key = random_key();
        CHECK(classifier_lookup(c, &key, LAST_VERSION, NULL, &steps) == oldest_best(&key, ages));
    }
    settle(c, gone, &n_gone);
    classifier_free(c);
    for (int i = 0; i < PLACES; i++)
        if (living[i])
            forget(living[i]);
}

int main(void)
{
    epoch_init(&epoch);
    what_is_staged_is_not_seen();
    what_was_taken_back_never_was();
    it_finds_what_a_search_through_all_finds();
    entries_come_and_go();
    epoch_destroy(&epoch);
    return checks_end();
}
