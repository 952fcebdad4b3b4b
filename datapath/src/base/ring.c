/* See ring.h. */
#include "base/ring.h"

#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

enum { HEADER = 8 };
#define SKIP UINT64_MAX

static size_t record_size(size_t n) { return (HEADER + n + 7) & ~(size_t)7; }

void ring_init(struct ring *r, size_t size)
{
    MUST(size >= 4096 && (size & (size - 1)) == 0);
    r->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(r->data != MAP_FAILED);
    r->size = size;
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
}

void ring_destroy(struct ring *r)
{
    if (r->data)
        munmap(r->data, r->size);
    r->data = NULL;
}

static void put_length(struct ring *r, uint64_t at, uint64_t length)
{
    memcpy(r->data + (at & (r->size - 1)), &length, HEADER);
}

uint8_t *ring_reserve(struct ring *r, size_t n)
{
    size_t need = record_size(n);
    if (need > r->size / 2)
        return NULL;
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    size_t to_end = r->size - (head & (r->size - 1));
    size_t skip = need > to_end ? to_end : 0;
    if (r->size - (head - tail) < need + skip)
        return NULL;
    if (skip) {
        put_length(r, head, SKIP);
        head += skip;
        atomic_store_explicit(&r->head, head, memory_order_release);
    }
    return r->data + (head & (r->size - 1)) + HEADER;
}

void ring_commit(struct ring *r, size_t n)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    put_length(r, head, n);
    atomic_store_explicit(&r->head, head + record_size(n), memory_order_release);
}

uint8_t *ring_peek(struct ring *r, size_t *n)
{
    for (;;) {
        uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
        if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
            return NULL;
        uint64_t length;
        memcpy(&length, r->data + (tail & (r->size - 1)), HEADER);
        if (length != SKIP) {
            *n = length;
            return r->data + (tail & (r->size - 1)) + HEADER;
        }
        atomic_store_explicit(&r->tail, tail + r->size - (tail & (r->size - 1)), memory_order_release);
    }
}

void ring_consume(struct ring *r)
{
    size_t n;
    MUST(ring_peek(r, &n));
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    atomic_store_explicit(&r->tail, tail + record_size(n), memory_order_release);
}
