/* See epoch.h. */
#include "base/epoch.h"

#include <sched.h>
#include <time.h>

#include "base/check.h"

struct epoch_retired {
    struct epoch_retired *next;
    uint64_t version;
    void (*release)(void *);
    void *object;
};

void epoch_init(struct epoch *e)
{
    *e = (struct epoch){0};
    atomic_init(&e->version, 1);
    e->last = &e->first;
}

static void release_first(struct epoch *e)
{
    struct epoch_retired *r = e->first;
    e->first = r->next;
    if (!e->first)
        e->last = &e->first;
    r->release(r->object);
    free(r);
}

void epoch_destroy(struct epoch *e)
{
    while (e->first)
        release_first(e);
}

struct epoch_reader *epoch_register(struct epoch *e)
{
    MUST(e->readers < EPOCH_MAX_READERS);
    struct epoch_reader *r = &e->reader[e->readers++];
    atomic_init(&r->seen, EPOCH_IDLE);
    return r;
}

void epoch_publish(struct epoch *e) { atomic_store_explicit(&e->version, epoch_next(e), memory_order_seq_cst); }

bool epoch_passed(struct epoch *e, uint64_t version)
{
    for (unsigned i = 0; i < e->readers; i++)
        if (atomic_load_explicit(&e->reader[i].seen, memory_order_seq_cst) < version)
            return false;
    return true;
}

void epoch_wait(struct epoch *e, uint64_t version)
{
    enum { YIELDS = 100 };
    for (unsigned turns = 0; !epoch_passed(e, version); turns++)
        if (turns < YIELDS)
            sched_yield();
        else /* the reader's thread waits for a processor: get out of its way */
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

void epoch_retire(struct epoch *e, void (*release)(void *), void *object)
{
    struct epoch_retired *r = must_calloc(1, sizeof *r);
    *r = (struct epoch_retired){.version = epoch_next(e), .release = release, .object = object};
    *e->last = r;
    e->last = &r->next;
}

/* The oldest if nobody can see it any more. */
static bool collect_one(struct epoch *e)
{
    uint64_t version = atomic_load_explicit(&e->version, memory_order_relaxed);
    if (!e->first || e->first->version > version || !epoch_passed(e, e->first->version))
        return false;
    release_first(e);
    return true;
}

void epoch_collect(struct epoch *e)
{
    while (collect_one(e)) {}
}

void epoch_collect_some(struct epoch *e)
{
    for (unsigned i = 0; i < EPOCH_SOME && collect_one(e); i++) {}
}
