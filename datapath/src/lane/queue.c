/* See queue.h.  Rate times nanoseconds is a whole number of 1e-9 bits: nothing is lost to rounding, and 128 bits
 * hold it for any time and rate. */
#include "lane/queue.h"

#include <stdlib.h>

#include "base/check.h"
#include "packet/gso.h"

enum { BURST_NS = 1000000, LATE_NS = 20000000 };
static const uint64_t NO_LIMIT = 1ull << 62; /* bits a second: a rate beyond is as good as this one */
static const __int128 BYTE = 8000000000;     /* in tokens of 1e-9 bits */

struct queue *queue_new(uint32_t id, uint64_t rate, uint32_t max_packets, uint64_t max_bytes, uint64_t now_ns)
{
    MUST(max_packets > 0);
    struct queue *q = must_calloc(1, sizeof *q + max_packets * sizeof *q->places);
    q->id = id;
    q->rate = rate < NO_LIMIT ? rate : NO_LIMIT;
    q->max_packets = max_packets;
    q->max_bytes = max_bytes;
    q->made_ns = q->filled_ns = now_ns;
    q->level = (__int128)q->rate * BURST_NS;
    return q;
}

/* Fills the bucket up to what comes in within 'most_ns'.  A clock that stands still or goes back fills nothing. */
static void fill(struct queue *q, uint64_t now_ns, uint64_t most_ns)
{
    __int128 most = (__int128)q->rate * most_ns;
    if (now_ns > q->filled_ns) {
        q->level += (__int128)q->rate * (now_ns - q->filled_ns);
        q->filled_ns = now_ns;
    }
    if (q->level > most)
        q->level = most;
}

void queue_set_rate(struct queue *q, uint64_t rate, uint64_t now_ns)
{
    fill(q, now_ns, q->count ? LATE_NS : BURST_NS);
    q->rate = rate < NO_LIMIT ? rate : NO_LIMIT;
    if (!q->rate)
        q->level = 0; /* what is owed could never be paid back */
}

static void count(_Atomic uint64_t *c, uint64_t n)
{ /* single writer: no locked instruction needed */
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static bool has_room(const struct queue *q, uint64_t frames, uint64_t bytes)
{
    return !q->count || (q->frames + frames <= q->max_packets && q->bytes + bytes <= q->max_bytes);
}

void queue_refuse(struct queue *q, const struct packet *p) { count(&q->counters.tx_errors, gso_frames(p)); }

bool queue_put(struct queue *q, struct packet *p, uint64_t now_ns)
{
    uint64_t frames, bytes;
    gso_wire(p, &frames, &bytes);
    if (!has_room(q, frames, bytes)) {
        count(&q->counters.tx_errors, frames);
        return false;
    }
    if (!q->count)
        fill(q, now_ns, BURST_NS); /* silence ends here */
    uint32_t at = (uint32_t)(((uint64_t)q->first + q->count) % q->max_packets);
    q->places[at] = (struct queue_place){p, (uint32_t)frames, (uint32_t)bytes};
    q->count++;
    q->large += packet_is_large(p);
    q->frames += frames;
    q->bytes += bytes;
    return true;
}

static struct queue_place shift(struct queue *q)
{
    struct queue_place place = q->places[q->first];
    q->first = (q->first + 1) % q->max_packets;
    q->count--;
    q->large -= packet_is_large(place.packet);
    q->frames -= place.frames;
    q->bytes -= place.bytes;
    return place;
}

static struct packet *send(struct queue *q)
{
    struct queue_place place = shift(q);
    q->level -= q->rate ? place.bytes * BYTE : 0;
    count(&q->counters.tx_packets, place.frames);
    count(&q->counters.tx_bytes, place.bytes);
    return place.packet;
}

struct packet *queue_take(struct queue *q, uint64_t now_ns)
{
    if (!q->count)
        return NULL;
    fill(q, now_ns, LATE_NS);
    return q->level < 0 ? NULL : send(q);
}

struct packet *queue_give_up(struct queue *q)
{
    if (!q->count)
        return NULL;
    struct queue_place place = shift(q);
    count(&q->counters.tx_errors, place.frames);
    return place.packet;
}

uint64_t queue_next_ns(const struct queue *q)
{
    if (!q->count)
        return UINT64_MAX;
    if (q->level >= 0)
        return q->filled_ns;
    __int128 at = q->filled_ns + (-q->level + q->rate - 1) / q->rate;
    return at < UINT64_MAX ? (uint64_t)at : UINT64_MAX - 1;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    MUST(!q->count); /* packets are the poll thread's to release */
    free(q);
}
