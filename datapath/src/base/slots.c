/* See slots.h. */
#include "base/slots.h"

#include <sys/mman.h>

#include "base/check.h"

void slots_init(struct slots *s, uint32_t max) { *s = (struct slots){.max = max}; }

void slots_destroy(struct slots *s)
{
    for (unsigned i = 0; i < s->threads; i++)
        munmap(s->counts[i], s->max * sizeof(struct slot_count));
    free(s->free);
}

struct slot_count *slots_thread(struct slots *s)
{
    MUST(s->threads < EPOCH_MAX_READERS);
    void *p = mmap(NULL, s->max * sizeof(struct slot_count), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(p != MAP_FAILED);
    return s->counts[s->threads++] = p;
}

uint32_t slots_take(struct slots *s)
{
    if (s->n_free)
        return s->free[--s->n_free];
    return s->next < s->max ? s->next++ : UINT32_MAX;
}

void slots_give(struct slots *s, uint32_t slot)
{
    for (unsigned i = 0; i < s->threads; i++) {
        atomic_store_explicit(&s->counts[i][slot].packets, 0, memory_order_relaxed);
        atomic_store_explicit(&s->counts[i][slot].bytes, 0, memory_order_relaxed);
    }
    if ((s->n_free & (s->n_free + 1)) == 0) { /* full at each 2^k - 1 */
        s->free = realloc(s->free, (s->n_free * 2 + 2) * sizeof *s->free);
        MUST(s->free);
    }
    s->free[s->n_free++] = slot;
}

void slots_read(const struct slots *s, uint32_t slot, uint64_t *packets, uint64_t *bytes)
{
    *packets = *bytes = 0;
    for (unsigned i = 0; i < s->threads; i++) {
        *packets += atomic_load_explicit(&s->counts[i][slot].packets, memory_order_relaxed);
        *bytes += atomic_load_explicit(&s->counts[i][slot].bytes, memory_order_relaxed);
    }
}
