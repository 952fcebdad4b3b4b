/* See classifier.h. */
#include "base/check.h"
#include "classify/classifier.h"

typedef _Atomic(struct cls_entry *) cls_place; /* NULL: a hole */

/* Entries by falling priority, then by age. */
struct cls_list {
    size_t n, holes;
    cls_place entries[];
};

/* What readers see.  Earlier lists hold older entries, and at least twice as many as the next. */
struct cls_view {
    unsigned n;
    struct cls_list *lists[];
};

struct classifier {
    struct epoch *epoch;
    _Atomic(struct cls_view *) view;
    struct cls_entry **pending; /* inserted since the last publish, by age; NULL: removed again */
    size_t n_pending, room;
    bool holes; /* there are new ones in the lists */
};

static struct cls_view *view_new(unsigned room)
{
    return must_calloc(1, sizeof(struct cls_view) + room * sizeof(struct cls_list *));
}

struct classifier *classifier_new(struct epoch *epoch)
{
    struct classifier *c = must_calloc(1, sizeof *c);
    c->epoch = epoch;
    atomic_init(&c->view, view_new(0));
    return c;
}

void classifier_free(struct classifier *c)
{
    struct cls_view *view = atomic_load(&c->view);
    for (unsigned i = 0; i < view->n; i++)
        free(view->lists[i]);
    free(view);
    free(c->pending);
    free(c);
}

void classifier_insert(struct classifier *c, struct cls_entry *entry)
{
    MUST(c->n_pending < UINT32_MAX);
    if (c->n_pending == c->room) {
        c->room = c->room ? c->room * 2 : 16;
        c->pending = realloc(c->pending, c->room * sizeof(struct cls_entry *));
        MUST(c->pending);
    }
    entry->list = NULL;
    entry->at = (uint32_t)c->n_pending;
    c->pending[c->n_pending++] = entry;
}

void classifier_remove(struct classifier *c, struct cls_entry *entry)
{
    if (!entry->list) {
        MUST(c->pending[entry->at] == entry);
        c->pending[entry->at] = NULL;
        return;
    }
    atomic_store_explicit(&entry->list->entries[entry->at], NULL, memory_order_relaxed);
    entry->list->holes++;
    c->holes = true;
}

/* ---- publishing ---- */

static struct cls_entry *entry_at(const struct cls_list *list, size_t i)
{
    return atomic_load_explicit(&list->entries[i], memory_order_relaxed);
}

static void put(struct cls_list *list, struct cls_entry *entry)
{
    entry->list = list;
    entry->at = (uint32_t)list->n;
    atomic_init(&list->entries[list->n++], entry);
}

static struct cls_list *list_new(size_t room)
{
    MUST(room < UINT32_MAX);
    return must_calloc(1, sizeof(struct cls_list) + room * sizeof(cls_place));
}

static int by_falling_priority(const void *a, const void *b)
{
    const struct cls_entry *x = *(struct cls_entry *const *)a, *y = *(struct cls_entry *const *)b;
    if (x->priority != y->priority)
        return (y->priority > x->priority) - (y->priority < x->priority);
    return (x->at > y->at) - (x->at < y->at);
}

/* What waits, as a list; nothing waits then. */
static struct cls_list *list_pending(struct classifier *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_pending; i++)
        if (c->pending[i])
            c->pending[n++] = c->pending[i];
    qsort(c->pending, n, sizeof(struct cls_entry *), by_falling_priority);
    struct cls_list *list = list_new(n);
    for (size_t i = 0; i < n; i++)
        put(list, c->pending[i]);
    c->n_pending = 0;
    return list;
}

/* 'old' and 'young' without their holes; the young come behind the old of their priority. */
static struct cls_list *merge(const struct cls_list *old, const struct cls_list *young)
{
    struct cls_list *list = list_new(old->n - old->holes + young->n - young->holes);
    size_t next = 0;
    for (size_t i = 0; i < old->n; i++) {
        struct cls_entry *e = entry_at(old, i), *y;
        if (!e)
            continue;
        for (; next < young->n && (!(y = entry_at(young, next)) || y->priority > e->priority); next++)
            if (y)
                put(list, y);
        put(list, e);
    }
    for (; next < young->n; next++)
        if (entry_at(young, next))
            put(list, entry_at(young, next));
    return list;
}

static size_t live(const struct cls_list *list) { return list->n - list->holes; }
static bool is_worn(const struct cls_list *list) { return list->holes * 2 > list->n; }

/* The lists that go are in no view any more when the caller's version is published: classifier_publish comes to its end
 * before. */
static struct cls_list *merge_away(struct classifier *c, struct cls_list *old, struct cls_list *young)
{
    static const struct cls_list none;
    struct cls_list *merged = merge(old, young ? young : &none);
    epoch_retire(c->epoch, free, old);
    if (young)
        epoch_retire(c->epoch, free, young);
    return merged;
}

/* Adds a list that is younger than all in the view. */
static void push(struct classifier *c, struct cls_view *view, struct cls_list *list)
{
    if (is_worn(list))
        list = merge_away(c, list, NULL);
    while (view->n && live(view->lists[view->n - 1]) < 2 * live(list))
        list = merge_away(c, view->lists[--view->n], list);
    if (live(list))
        view->lists[view->n++] = list;
    else
        epoch_retire(c->epoch, free, list);
}

void classifier_publish(struct classifier *c)
{
    if (!c->n_pending && !c->holes)
        return;
    struct cls_view *old = atomic_load_explicit(&c->view, memory_order_relaxed), *view = view_new(old->n + 1);
    for (unsigned i = 0; i < old->n; i++)
        push(c, view, old->lists[i]);
    if (c->n_pending)
        push(c, view, list_pending(c));
    c->holes = false;
    epoch_replace(c->epoch, &c->view, view, free);
}

/* ---- looking up ---- */

static void add_looked(struct key *looked, const struct match *m)
{
    const struct match_word *w = m->words;
    for (uint32_t map = m->map; map; map &= map - 1, w++)
        looked->words[__builtin_ctz(map)] |= w->mask;
}

static bool is_there(const struct cls_entry *e, uint64_t version)
{
    return e->born <= version && version < atomic_load_explicit(&e->died, memory_order_relaxed);
}

/* The first entry of the list that is better than 'best' and matches, or 'best'. */
static struct cls_entry *look_through(const struct cls_list *list, const struct key *key, uint64_t version,
                                      struct key *looked, struct cls_entry *best, uint64_t *steps)
{
    for (size_t i = 0; i < list->n; i++) {
        struct cls_entry *e = entry_at(list, i);
        ++*steps;
        if (!e)
            continue;
        if (best && e->priority <= best->priority)
            break;
        if (!is_there(e, version))
            continue;
        if (looked)
            add_looked(looked, e->match);
        if (match_hits(e->match, key))
            return e;
    }
    return best;
}

struct cls_entry *classifier_lookup(const struct classifier *c, const struct key *key, uint64_t version,
                                    struct key *looked, uint64_t *steps)
{
    const struct cls_view *view = atomic_load_explicit(&c->view, memory_order_acquire);
    struct cls_entry *best = NULL;
    for (unsigned i = 0; i < view->n; i++)
        best = look_through(view->lists[i], key, version, looked, best, steps);
    return best;
}
