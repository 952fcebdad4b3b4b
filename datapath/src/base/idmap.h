/* A map from numbers to objects that poll threads read while the control thread changes it.
 *
 * Open addressing with linear probing.  A removed object leaves a mark in its place, so that
 * chains stay whole; the array is replaced as a whole when it fills up with objects and
 * marks, and the old one goes when no reader can hold it.  Objects begin with their number;
 * one that is replaced or removed is retired in the same step, for 'release' to get after the
 * caller's publish and a grace period.  Numbers come from controllers, so the hash is keyed (HARDENING S13).
 */
#pragma once
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "base/epoch.h"

struct idmap_array;

struct idmap {
    struct epoch *epoch;
    uint64_t seed;
    _Atomic(struct idmap_array *) array;
    uint32_t n, marks; /* objects, marks in the array */
};

/* Empty; 'seed' keys its hashes, objects that leave are retired in 'epoch'. */
void idmap_init(struct idmap *, struct epoch *, uint64_t seed);
void idmap_destroy(struct idmap *); /* no reader may run; objects stay the caller's */
/* Any thread inside an epoch: the object of this number, or NULL. */
void *idmap_find(const struct idmap *, uint32_t id);
/* Control thread.  Puts 'object' (whose first member is its uint32_t number) in the place of the one with its number.
 */
void idmap_put(struct idmap *, void *object, void (*release)(void *));
/* Readers may still hold it for a grace period, then 'release' gets it.  Not there: nothing happens. */
void idmap_remove(struct idmap *, uint32_t id, void (*release)(void *));
/* Control thread: the objects in no order.  Start with *at = 0; NULL at the end.  The one returned may be removed
 * meanwhile. */
void *idmap_next(const struct idmap *, size_t *at);
