/* Theory of operation.  A rate of 1 kbit/s is 1 token of 1e-9 kbit in a nanosecond, a rate of 1 packet/s
 * one of 1e-9 packets: so rate times nanoseconds is exact, and a bucket loses nothing to rounding however
 * often it is looked at.
 *
 * A packet needs tokens for all of it, or a full bucket where it costs more than that; then the rest is
 * debt.  What makes a policer deliver less than its rate is a bucket that runs over while the sender does
 * ask for more: a bucket that waits for 64 KB to come together and is capped just there.  So a bucket that
 * had to refuse a packet may hold two such packets more (slack): one that it waits for, one for the tokens
 * that come in until the sender's next.  When it runs over even so, the sender has been quiet; it holds its
 * depth then and the slack is forgotten.  A burst after silence is never more than the depth (or one packet).
 */
#include "meter/meter.h"

#include <stdbool.h>

#include "base/check.h"

enum {
    TOKENS = 1000000000, /* a packet or kilobit, in tokens */
    TOKENS_PER_BYTE = 8000000,
    MAX_PACKETS = 1 << 24, /* of one charge, as 4 GB are: what keeps all amounts in 63 bits, with any burst */
    DEFAULT_BURST_NS = 50000000,
    LARGE_FRAME = 1518,
};

/* Without METER_BURST: 50 ms of the rate.  Senders and the polling of ports make clumps of some 10 ms, which have
 * to fit; and what a full bucket adds to the first 15 seconds is a third of a percent.  At low rates, one
 * full frame, so that it doesn't start in debt. */
static int64_t default_depth(uint16_t flags, uint32_t rate)
{
    int64_t depth = (int64_t)rate * DEFAULT_BURST_NS;
    int64_t least = flags & METER_PKTPS ? TOKENS : (int64_t)LARGE_FRAME * TOKENS_PER_BYTE;
    return depth > least ? depth : least;
}

static void band_init(struct meter_band *b, uint16_t flags, const struct meter_band_spec *spec, uint64_t now_ns)
{
    b->spec = *spec;
    b->slot = UINT32_MAX;
    b->depth = flags & METER_BURST ? (int64_t)spec->burst_size * TOKENS : default_depth(flags, spec->rate);
    b->level = b->depth;
    b->filled_ns = now_ns;
}

/* Inserts band 'i' behind those with the same or a higher rate. */
static void order_insert(struct meter *m, unsigned i)
{
    unsigned at = i;
    for (; at > 0 && m->bands[m->order[at - 1]].spec.rate < m->bands[i].spec.rate; at--)
        m->order[at] = m->order[at - 1];
    m->order[at] = (uint8_t)i;
}

struct meter *meter_new(uint32_t id, uint16_t flags, const struct meter_band_spec *bands, unsigned n, uint64_t now_ns)
{
    MUST(n <= METER_MAX_BANDS);
    struct meter *m = must_calloc(1, sizeof *m + n * sizeof *m->bands);
    m->id = id;
    m->flags = flags;
    m->n_bands = (uint16_t)n;
    m->slot = UINT32_MAX;
    m->made_ns = now_ns;
    for (unsigned i = 0; i < n; i++) {
        band_init(&m->bands[i], flags, &bands[i], now_ns);
        order_insert(m, i);
    }
    return m;
}

void meter_free(struct meter *m) { free(m); }

/* A clock that stands still or goes back fills nothing. */
static void fill(struct meter_band *b, uint64_t now_ns)
{
    if (now_ns <= b->filled_ns)
        return;
    __int128 level = b->level + (__int128)b->spec.rate * (now_ns - b->filled_ns);
    b->filled_ns = now_ns;
    if (level > b->depth + b->slack) {
        level = b->depth;
        b->slack = 0;
    }
    b->level = (int64_t)level;
}

static bool band_passes(struct meter_band *b, int64_t cost, uint64_t now_ns)
{
    fill(b, now_ns);
    if (b->spec.rate && b->level >= (cost < b->depth ? cost : b->depth)) {
        b->level -= cost;
        return true;
    }
    if (b->slack < 2 * cost)
        b->slack = 2 * cost;
    return false;
}

int meter_charge(struct meter *m, uint64_t packets, uint64_t bytes, uint64_t now_ns)
{
    packets = packets < MAX_PACKETS ? packets : MAX_PACKETS;
    bytes = bytes < UINT32_MAX ? bytes : UINT32_MAX;
    int64_t cost = m->flags & METER_PKTPS ? (int64_t)packets * TOKENS : (int64_t)bytes * TOKENS_PER_BYTE;
    for (unsigned i = 0; i < m->n_bands; i++)
        if (!band_passes(&m->bands[m->order[i]], cost, now_ns))
            return m->order[i];
    return -1;
}

uint8_t meter_remark(uint8_t dscp, uint8_t prec_level)
{
    unsigned class = dscp >> 3, drop = dscp >> 1 & 3;
    if (dscp & 1 || class < 1 || class > 4 || drop == 0)
        return dscp;
    drop = drop + prec_level < 3 ? drop + prec_level : 3;
    return (uint8_t)(class << 3 | drop << 1);
}
