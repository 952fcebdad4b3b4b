/* Epochs: nothing that a reader may still look at is freed; a sleeping reader holds nothing up. */
#include <pthread.h>
#include <sched.h>

#include "base/epoch.h"
#include "check.h"

enum { CHANGES = 20000, READERS = 2 };

static unsigned released;
static void release(void *object)
{
    released++;
    free(object);
}

static void what_is_retired_waits_for_the_publish_and_for_readers(void)
{
    struct epoch e;
    epoch_init(&e);
    struct epoch_reader *r = epoch_register(&e);
    released = 0;
    uint64_t seen = epoch_enter(&e, r);
    epoch_retire(&e, release, malloc(8));
    epoch_collect(&e);
    CHECK_EQ(released, 0); /* not published: readers find it still */
    epoch_publish(&e);
    epoch_collect(&e);
    CHECK_EQ(released, 0); /* the reader has not been quiescent since */
    CHECK(!epoch_passed(&e, seen + 1));
    CHECK_EQ(epoch_enter(&e, r), seen + 1);
    CHECK(epoch_passed(&e, seen + 1));
    epoch_collect(&e);
    CHECK_EQ(released, 1);
    epoch_destroy(&e);
}

static void a_sleeping_reader_is_quiescent(void)
{
    struct epoch e;
    epoch_init(&e);
    struct epoch_reader *r = epoch_register(&e);
    released = 0;
    epoch_enter(&e, r);
    epoch_leave(r);
    epoch_retire(&e, release, malloc(8));
    epoch_publish(&e);
    epoch_wait(&e, e.version);
    epoch_collect(&e);
    CHECK_EQ(released, 1);
    CHECK_EQ(epoch_enter(&e, r), e.version);
    epoch_destroy(&e);
}

static void destroying_releases_the_rest(void)
{
    struct epoch e;
    epoch_init(&e);
    released = 0;
    for (int i = 0; i < 10; i++)
        epoch_retire(&e, release, malloc(8));
    epoch_destroy(&e);
    CHECK_EQ(released, 10);
}

static void a_little_at_a_time_comes_to_an_end(void)
{
    struct epoch e;
    epoch_init(&e);
    released = 0;
    for (int i = 0; i < EPOCH_SOME + 10; i++)
        epoch_retire(&e, release, malloc(8));
    epoch_collect_some(&e);
    CHECK_EQ(released, 0);
    epoch_publish(&e);
    epoch_collect_some(&e);
    CHECK_EQ(released, EPOCH_SOME);
    epoch_collect_some(&e);
    CHECK_EQ(released, EPOCH_SOME + 10);
    epoch_destroy(&e);
}

/* ---- with threads: the object that is published must be alive whenever a reader looks ---- */

struct object { uint64_t alive, version; };

static struct epoch shared;
static _Atomic(struct object *) current;
static _Atomic bool stop;
static _Atomic unsigned wrong;

static void bury(void *object)
{
    ((struct object *)object)->alive = 0; /* a reader that still looks will say so, also without a sanitizer */
    free(object);
}

static void *read_always(void *arg)
{
    struct epoch_reader *r = arg;
    for (unsigned turn = 0; !atomic_load(&stop); turn++) {
        uint64_t version = epoch_enter(&shared, r);
        const struct object *o = atomic_load_explicit(&current, memory_order_acquire);
        for (int look = 0; look < 20; look++)
            if (o->alive != 0xa11e || o->version < version)
                atomic_fetch_add(&wrong, 1);
        if (turn % 16 == 0) {
            epoch_leave(r);
            sched_yield();
        }
    }
    epoch_leave(r);
    return NULL;
}

static struct object *make_object(uint64_t version)
{
    struct object *o = malloc(sizeof *o);
    *o = (struct object){0xa11e, version};
    return o;
}

static void readers_never_see_what_was_released(void)
{
    pthread_t threads[READERS];
    epoch_init(&shared);
    atomic_store(&current, make_object(1));
    for (int i = 0; i < READERS; i++)
        pthread_create(&threads[i], NULL, read_always, epoch_register(&shared));
    for (int i = 0; i < CHANGES; i++) {
        struct object *old = atomic_load(&current);
        atomic_store_explicit(&current, make_object(epoch_next(&shared)), memory_order_release);
        epoch_retire(&shared, bury, old);
        epoch_publish(&shared);
        epoch_collect(&shared);
        if (i % 1000 == 0)
            epoch_wait(&shared, shared.version);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(wrong, 0);
    epoch_destroy(&shared);
    free(atomic_load(&current));
}

int main(void)
{
    what_is_retired_waits_for_the_publish_and_for_readers();
    a_sleeping_reader_is_quiescent();
    destroying_releases_the_rest();
    a_little_at_a_time_comes_to_an_end();
    readers_never_see_what_was_released();
    return checks_end();
}
