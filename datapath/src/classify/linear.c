/* See classifier.h. */
#include "base/check.h"
#include "classify/classifier.h"

struct cls_list {
    size_t n;
    struct cls_entry *entries[];
};

struct classifier {
    struct epoch *epoch;
    _Atomic(struct cls_list *) list; /* what readers see: by falling priority, then by age */
    struct cls_entry **pending;      /* inserted since the last publish */
    size_t n_pending, room;
    bool removed; /* an entry of the list is gone */
};

static struct cls_list *list_new(size_t n)
{
    struct cls_list *list = must_calloc(1, sizeof *list + n * sizeof(struct cls_entry *));
    list->n = n;
    return list;
}

struct classifier *classifier_new(struct epoch *epoch)
{
    struct classifier *c = must_calloc(1, sizeof *c);
    c->epoch = epoch;
    atomic_init(&c->list, list_new(0));
    return c;
}

void classifier_free(struct classifier *c)
{
    free(atomic_load(&c->list));
    free(c->pending);
    free(c);
}

void classifier_insert(struct classifier *c, struct cls_entry *entry)
{
    if (c->n_pending == c->room) {
        c->room = c->room ? c->room * 2 : 16;
        c->pending = realloc(c->pending, c->room * sizeof(struct cls_entry *));
        MUST(c->pending);
    }
    entry->gone = false;
    c->pending[c->n_pending++] = entry;
}

void classifier_remove(struct classifier *c, struct cls_entry *entry)
{
    for (size_t i = c->n_pending; i-- > 0;)
        if (c->pending[i] == entry) {
            c->pending[i] = c->pending[--c->n_pending];
            return;
        }
    entry->gone = true;
    c->removed = true;
}

static int by_falling_priority(const void *a, const void *b)
{
    const struct cls_entry *x = *(struct cls_entry *const *)a, *y = *(struct cls_entry *const *)b;
    return (y->priority > x->priority) - (y->priority < x->priority);
}

/* qsort in glibc is a stable merge sort for such sizes; where it is not, only the order of overlapping rules of one
 * priority changes, which OpenFlow leaves open. */
static void sort_pending(struct classifier *c)
{
    qsort(c->pending, c->n_pending, sizeof(struct cls_entry *), by_falling_priority);
}

static size_t merge(struct cls_entry **out, const struct cls_list *old, struct cls_entry **pending, size_t n_pending)
{
    size_t n = 0, next = 0;
    for (size_t i = 0; i < old->n; i++) {
        if (old->entries[i]->gone)
            continue;
        while (next < n_pending && pending[next]->priority > old->entries[i]->priority)
            out[n++] = pending[next++];
        out[n++] = old->entries[i];
    }
    while (next < n_pending)
        out[n++] = pending[next++];
    return n;
}

void classifier_publish(struct classifier *c)
{
    if (!c->n_pending && !c->removed)
        return;
    struct cls_list *old = atomic_load_explicit(&c->list, memory_order_relaxed);
    struct cls_list *list = list_new(old->n + c->n_pending);
    sort_pending(c);
    list->n = merge(list->entries, old, c->pending, c->n_pending);
    c->n_pending = 0;
    c->removed = false;
    atomic_store_explicit(&c->list, list, memory_order_release);
    epoch_retire(c->epoch, free, old);
}

static void add_looked(struct key *looked, const struct match *m)
{
    const struct match_word *w = m->words;
    for (uint32_t map = m->map; map; map &= map - 1, w++)
        looked->words[__builtin_ctz(map)] |= w->mask;
}

struct cls_entry *classifier_lookup(const struct classifier *c, const struct key *key, uint64_t version, struct key *looked)
{
    const struct cls_list *list = atomic_load_explicit(&c->list, memory_order_acquire);
    for (size_t i = 0; i < list->n; i++) {
        struct cls_entry *e = list->entries[i];
        if (e->born > version || atomic_load_explicit(&e->died, memory_order_relaxed) <= version)
            continue;
        if (looked)
            add_looked(looked, e->match);
        if (match_hits(e->match, key))
            return e;
    }
    return NULL;
}
