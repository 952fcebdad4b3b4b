/* See idmap.h. */
#include "base/idmap.h"

#include "base/check.h"
#include "base/hash.h"

struct idmap_array {
    size_t mask;
    uint64_t seed;
    _Atomic(uint32_t *) places[]; /* NULL: free since ever; &mark: an object was here */
};

static uint32_t mark;

static struct idmap_array *array_new(size_t places, uint64_t seed)
{
    struct idmap_array *a = must_calloc(1, sizeof *a + places * sizeof a->places[0]);
    a->mask = places - 1;
    a->seed = seed;
    return a;
}

void idmap_init(struct idmap *m, struct epoch *epoch, uint64_t seed)
{
    *m = (struct idmap){.epoch = epoch, .seed = seed};
    atomic_init(&m->array, array_new(8, seed));
}

void idmap_destroy(struct idmap *m) { free(atomic_load(&m->array)); }

static size_t start_of(const struct idmap_array *a, uint32_t id)
{
    return (size_t)hash_end(hash_mix(a->seed, id)) & a->mask;
}

/* The place of 'id', or SIZE_MAX.  There is always a free place, so the walk ends. */
static size_t place_of(const struct idmap_array *a, uint32_t id)
{
    for (size_t i = start_of(a, id);; i = (i + 1) & a->mask) {
        const uint32_t *object = atomic_load_explicit(&a->places[i], memory_order_acquire);
        if (!object)
            return SIZE_MAX;
        if (object != &mark && *object == id)
            return i;
    }
}

void *idmap_find(const struct idmap *m, uint32_t id)
{
    const struct idmap_array *a = atomic_load_explicit(&m->array, memory_order_acquire);
    for (size_t i = start_of(a, id);; i = (i + 1) & a->mask) {
        uint32_t *object = atomic_load_explicit(&a->places[i], memory_order_acquire);
        if (!object || (object != &mark && *object == id))
            return object;
    }
}

static void place(struct idmap_array *a, uint32_t *object)
{
    size_t i = start_of(a, *object);
    while (atomic_load_explicit(&a->places[i], memory_order_relaxed))
        i = (i + 1) & a->mask;
    atomic_store_explicit(&a->places[i], object, memory_order_release);
}

/* Room for one more: at most half of the places are ever taken. */
static void make_room(struct idmap *m)
{
    struct idmap_array *old = atomic_load_explicit(&m->array, memory_order_relaxed), *a;
    if (2 * ((size_t)m->n + m->marks + 1) <= old->mask)
        return;
    size_t places = 8;
    while (places < 4 * ((size_t)m->n + 1))
        places *= 2;
    a = array_new(places, m->seed);
    for (size_t i = 0; i <= old->mask; i++) {
        uint32_t *object = atomic_load_explicit(&old->places[i], memory_order_relaxed);
        if (object && object != &mark)
            place(a, object);
    }
    m->marks = 0;
    epoch_replace(m->epoch, &m->array, a, free);
}

void idmap_put(struct idmap *m, void *object, void (*release)(void *))
{
    struct idmap_array *a = atomic_load_explicit(&m->array, memory_order_relaxed);
    size_t i = place_of(a, *(uint32_t *)object);
    if (i != SIZE_MAX) {
        epoch_replace(m->epoch, &a->places[i], object, release);
        return;
    }
    make_room(m);
    place(atomic_load_explicit(&m->array, memory_order_relaxed), object);
    m->n++;
}

void idmap_remove(struct idmap *m, uint32_t id, void (*release)(void *))
{
    struct idmap_array *a = atomic_load_explicit(&m->array, memory_order_relaxed);
    size_t i = place_of(a, id);
    MUST(i != SIZE_MAX);
    epoch_replace(m->epoch, &a->places[i], &mark, release);
    m->n--;
    m->marks++;
}

void *idmap_next(const struct idmap *m, size_t *at)
{
    const struct idmap_array *a = atomic_load_explicit(&m->array, memory_order_relaxed);
    while (*at <= a->mask) {
        uint32_t *object = atomic_load_explicit(&a->places[(*at)++], memory_order_relaxed);
        if (object && object != &mark)
            return object;
    }
    return NULL;
}
