/* A ring of records between one writing and one reading thread, without locks.
 *
 * Records are runs of bytes, each behind an 8-byte length; a record never wraps
 * (the tail of the ring is skipped by a marker).  A full ring refuses: the writer
 * counts what it could not say.
 */
#pragma once
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *data;
    size_t size;                        /* a power of two */
    _Alignas(64) _Atomic uint64_t head; /* bytes written so far */
    _Alignas(64) _Atomic uint64_t tail; /* bytes read so far */
};

void ring_init(struct ring *, size_t size); /* size: a power of two, >= 4096 */
void ring_destroy(struct ring *);
/* Room for a record of 'n' bytes, or NULL (full, or larger than half the ring). ring_commit makes it visible. */
uint8_t *ring_reserve(struct ring *, size_t n);
/* Makes the 'n' bytes that were reserved last visible to the reader. */
void ring_commit(struct ring *, size_t n);
/* The oldest record (its size in *n), or NULL.  ring_consume gives it back. */
uint8_t *ring_peek(struct ring *, size_t *n);
/* Gives back the room of the record that was looked at last. */
void ring_consume(struct ring *);
/* The position up to which records are written / read, to wait for what was written before now. */
static inline uint64_t ring_written(struct ring *r) { return atomic_load_explicit(&r->head, memory_order_acquire); }
/* Bytes consumed so far; what was written before that position is done with. */
static inline uint64_t ring_read(struct ring *r) { return atomic_load_explicit(&r->tail, memory_order_acquire); }
