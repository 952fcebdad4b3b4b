/* Versions and grace: how poll threads read what the control thread changes.
 *
 * There is one version number.  The control thread prepares a change that nobody
 * sees yet (objects carry the version they are born at and die at) and publishes
 * it by raising the number.  A poll thread re-reads the number before each batch
 * (that is its quiescent point) and looks at the world as of that version; a
 * sleeping thread counts as quiescent, since it re-reads on waking.  What was
 * unlinked at version V may be freed once every thread has seen V or later: unlink, publish, grace, release.
 *
 * One control thread; readers register before they start.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { EPOCH_MAX_READERS = 16 };
#define EPOCH_IDLE UINT64_MAX

struct epoch_reader { _Alignas(64) _Atomic uint64_t seen; };

struct epoch_retired;

struct epoch {
    _Alignas(64) _Atomic uint64_t version;
    unsigned readers;
    struct epoch_reader reader[EPOCH_MAX_READERS];
    struct epoch_retired *first, **last; /* oldest first */
};

/* No readers, version 0. */
void epoch_init(struct epoch *);
void epoch_destroy(struct epoch *); /* frees all that is retired; no reader may run */
/* A new reader, idle. */
struct epoch_reader *epoch_register(struct epoch *);

/* Reader: a quiescent point; returns the version to read at. */
static inline uint64_t epoch_enter(struct epoch *e, struct epoch_reader *r)
{
    uint64_t version = atomic_load_explicit(&e->version, memory_order_acquire);
    if (atomic_load_explicit(&r->seen, memory_order_relaxed) == EPOCH_IDLE) {
        /* Waking: either the control thread sees us awake, or we see what it published (its store and load, and ours,
         * are in one order). */
        atomic_store_explicit(&r->seen, version, memory_order_seq_cst);
        version = atomic_load_explicit(&e->version, memory_order_seq_cst);
    }
    atomic_store_explicit(&r->seen, version, memory_order_release);
    return version;
}
/* Reader: holds nothing from now on and may sleep. */
static inline void epoch_leave(struct epoch_reader *r)
{
    atomic_store_explicit(&r->seen, EPOCH_IDLE, memory_order_release);
}

/* Control: the version that a change now being prepared will have. */
static inline uint64_t epoch_next(struct epoch *e)
{
    return atomic_load_explicit(&e->version, memory_order_relaxed) + 1;
}
/* Control: publishes it. */
void epoch_publish(struct epoch *);
/* Control: have all readers passed a quiescent point since 'version' was published? */
bool epoch_passed(struct epoch *, uint64_t version);
/* Control: waits for that (microseconds: a batch is short). */
void epoch_wait(struct epoch *, uint64_t version);
/* Control: puts 'object' at '*place', where readers look, and retires what they found there until now (NULL: nothing).
 * In one, so that the old one is always unlinked before the version that it is released after. */
#define epoch_replace(epoch, place, object, release)                                                                   \
    do {                                                                                                               \
        void *replaced_ = atomic_exchange_explicit(place, object, memory_order_acq_rel);                               \
        if (replaced_)                                                                                                 \
            epoch_retire(epoch, release, replaced_);                                                                   \
    } while (0)
/* Control: 'release(object)' is called by epoch_collect once the change now being prepared
 * is published and every reader has seen it.  It has to be unlinked before that: mostly, epoch_replace() is what
 * you want. */
void epoch_retire(struct epoch *, void (*release)(void *), void *object);
/* Frees everything retired whose grace period is over. */
void epoch_collect(struct epoch *);
/* The same for EPOCH_SOME objects at most: whoever calls it again and again never stops for long. */
enum { EPOCH_SOME = 64 };
/* The same, so much of it that the caller is not kept long. */
void epoch_collect_some(struct epoch *);
